//! What JSON can say of a function's parameters, for a schema.

use pipeline::{python::parameter_uses, records::Function};
use serde_json::Value;

use super::{shape::Shape, shape_of};
use crate::mutate::literal::Literal;

/// The type of a parameter, or of a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    /// Nothing is known.
    Any,
    /// A whole number; between these where the function needs it small.
    Int(Option<(i64, i64)>),
    Float,
    Bool,
    /// A text, and those among them that the function compares it with.
    Str(Vec<String>),
    Bytes,
    List(Box<Form>),
    Set(Box<Form>),
    Tuple(Vec<Form>),
    /// Keys that are read, and others where `others` says of which types.
    Dict {
        entries: Vec<(String, Form)>,
        others: Option<Box<(Form, Form)>>,
    },
    Nullable(Box<Form>),
    /// One of these values.
    OneOf(Vec<Value>),
    /// Of one of these types.
    Either(Vec<Form>),
}

/// The largest bound that is told.
const SMALL: i64 = 26;

/// The parameters that a call needs or may well give, in order. None where one that it needs is a function or an
/// object, which JSON cannot give, or where the source cannot be read.
pub(crate) fn forms(function: &Function) -> Option<Vec<(String, Form)>> {
    let uses = parameter_uses(&function.program(), &function.name).ok()?;
    let mut forms = Vec::new();
    for parameter in &uses.parameters {
        if parameter.positional_only {
            continue;
        }
        match shape_of(parameter) {
            Ok(Some(shape)) => match form_of(&shape) {
                Some(form) => forms.push((parameter.name.clone(), form)),
                None if parameter.default.is_some() => {}
                None => return None,
            },
            Ok(None) => {}
            Err(_) => forms.push((parameter.name.clone(), Form::Any)),
        }
    }
    Some(forms)
}

/// None for what JSON cannot give: functions, and objects.
fn form_of(shape: &Shape) -> Option<Form> {
    let boxed = |shape: &Shape| form_of(shape).map(Box::new);
    Some(match shape {
        Shape::Int { low, high, special, .. } => {
            let most = special.iter().fold(*high, |most, special| most.max(special.saturating_add(1)));
            Form::Int((most <= SMALL).then_some((*low.min(&0), most)))
        }
        Shape::Float { .. } => Form::Float,
        Shape::Bool => Form::Bool,
        Shape::Str { special, .. } => Form::Str(special.clone()),
        Shape::Bytes { .. } => Form::Bytes,
        Shape::List { element, .. } => Form::List(boxed(element)?),
        Shape::Set(element) => Form::Set(boxed(element)?),
        Shape::Tuple(items) => Form::Tuple(items.iter().map(form_of).collect::<Option<_>>()?),
        Shape::Dict { entries, key, value, open } => {
            let entry = |(name, shape): &(String, Shape)| Some((name.clone(), form_of(shape)?));
            let others = if *open { Some(Box::new((form_of(key)?, form_of(value)?))) } else { None };
            Form::Dict { entries: entries.iter().map(entry).collect::<Option<_>>()?, others }
        }
        Shape::Callable { .. } | Shape::Object(_) | Shape::Known(_) | Shape::Iterator(_) => return None,
        Shape::OneOf(choices) => Form::OneOf(choices.iter().map(|source| json_of(source)).collect::<Option<_>>()?),
        // What JSON cannot give is left out of the choice.
        Shape::Either(shapes) => {
            let mut forms: Vec<Form> = Vec::new();
            for form in shapes.iter().filter_map(form_of) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
            match forms.len() {
                0 => return None,
                1 => forms.remove(0),
                _ => Form::Either(forms),
            }
        }
        Shape::Including(shape, _) | Shape::Sized(shape, _) => form_of(shape)?,
        Shape::Nullable(shape) => Form::Nullable(boxed(shape)?),
    })
}

/// A choice as JSON.
fn json_of(source: &str) -> Option<Value> {
    match Literal::parse(source)? {
        Literal::None => Some(Value::Null),
        Literal::Bool(value) => Some(value.into()),
        Literal::Int(value) => Some(value.into()),
        Literal::Float(value) => Some(value.into()),
        Literal::Str(text) => Some(text.into()),
        _ => None,
    }
}
