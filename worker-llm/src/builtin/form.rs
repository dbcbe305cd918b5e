//! What JSON can say of a function's parameters, for a schema.

use pipeline::{python::parameter_uses, records::Function};

use super::{shape::Shape, shape_of};

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
}

/// The largest bound that is told.
const SMALL: i64 = 26;

/// The parameters that a call needs or may well give, in order. None where one that it needs is a function, which JSON
/// cannot give, or where the source cannot be read.
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

/// None for functions.
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
        Shape::Bytes => Form::Bytes,
        Shape::List { element, .. } => Form::List(boxed(element)?),
        Shape::Set(element) => Form::Set(boxed(element)?),
        Shape::Tuple(items) => Form::Tuple(items.iter().map(form_of).collect::<Option<_>>()?),
        Shape::Dict { entries, key, value, open } => {
            let entry = |(name, shape): &(String, Shape)| Some((name.clone(), form_of(shape)?));
            let others = if *open { Some(Box::new((form_of(key)?, form_of(value)?))) } else { None };
            Form::Dict { entries: entries.iter().map(entry).collect::<Option<_>>()?, others }
        }
        Shape::Callable => return None,
        Shape::Including(shape, _) => form_of(shape)?,
        Shape::Nullable(shape) => Form::Nullable(boxed(shape)?),
    })
}
