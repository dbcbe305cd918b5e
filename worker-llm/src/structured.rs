//! Structured inputs: a JSON schema of a function's own parameters, and answers in JSON as Python.
//!
//! Under a schema even a small model cannot miss a parameter's name, or write prose. What type a parameter has is read off
//! the function by the rules of the [`crate::builtin`] writer; where they see nothing, any value will do. JSON has no
//! tuples, sets and bytes: where the function needs one, it is made of what JSON has.

use std::collections::HashSet;

use pipeline::{reason::Reason, records::Function};
use serde_json::{Map, Value, json};

use crate::{
    builtin::{Form, forms},
    mutate::literal::Literal,
};

/// Entries that the schema asks for, at the least and at the most.
const ENTRIES: (usize, usize) = (3, 10);

/// Longest text and list that the schema allows: what is longer teaches no more, and a small model may never end it.
const MAX_TEXT: usize = 80;
const MAX_ITEMS: usize = 8;

/// Entries of an answer that count; the sandbox takes no longer list.
const MAX_ENTRIES: usize = 1000;

/// A function's parameters, as JSON and as Python.
#[derive(Clone, Debug)]
pub struct Structure {
    parameters: Vec<(String, Form)>,
}

/// Python made of an answer in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The block.
    pub source: String,
    /// Whether it is what was whole of an answer that was cut short.
    pub salvaged: bool,
}

impl Structure {
    /// Of a function. None where no parameter can be given by name, or one needs what JSON cannot give.
    pub fn of(function: &Function) -> Option<Self> {
        let parameters = forms(function)?;
        (!parameters.is_empty()).then_some(Self { parameters })
    }

    /// The schema of the whole answer: `{"examples": [{"a": …}, …]}`.
    pub fn schema(&self) -> Value {
        let properties = self.parameters.iter().map(|(name, form)| (name.clone(), schema_of(form)));
        let names: Vec<&String> = self.parameters.iter().map(|(name, _)| name).collect();
        let (least, most) = ENTRIES;
        json!({
            "type": "object",
            "properties": {
                "examples": {
                    "type": "array",
                    "minItems": least,
                    "maxItems": most,
                    "items": {
                        "type": "object",
                        "properties": Value::Object(properties.collect()),
                        "required": names,
                        "additionalProperties": false,
                    },
                },
            },
            "required": ["examples"],
            "additionalProperties": false,
        })
    }

    /// An answer as a block that builds `examples`; of one that is cut short, its whole entries.
    ///
    /// # Errors
    /// [`Reason::EmptyCompletion`], [`Reason::UnparsableCompletion`] for what is no JSON, [`Reason::NoExamples`].
    pub fn block(&self, answer: &str) -> Result<Converted, Reason> {
        let text = unfenced(answer.trim());
        if text.is_empty() {
            return Err(Reason::EmptyCompletion);
        }
        let (entries, salvaged) = match serde_json::from_str::<Value>(text) {
            Ok(Value::Array(entries)) => (entries, false),
            Ok(Value::Object(mut table)) => match table.remove("examples") {
                Some(Value::Array(entries)) => (entries, false),
                _ => return Err(Reason::NoExamples),
            },
            Ok(_) => return Err(Reason::NoExamples),
            Err(_) => (whole_entries(text).ok_or(Reason::UnparsableCompletion)?, true),
        };
        let (mut lines, mut seen) = (Vec::new(), HashSet::new());
        for entry in entries.iter().filter_map(Value::as_object) {
            if let Some(line) = self.line(entry)
                && seen.insert(line.clone())
            {
                lines.push(line);
            }
        }
        lines.truncate(MAX_ENTRIES);
        if lines.is_empty() {
            return Err(Reason::NoExamples);
        }
        Ok(Converted { source: format!("examples = [\n{}]\n", lines.concat()), salvaged })
    }

    /// One entry, its arguments in the order of the parameters; none if it names no parameter.
    fn line(&self, entry: &Map<String, Value>) -> Option<String> {
        let argument = |(name, form): &(String, Form)| {
            let value = literal(entry.get(name)?, form).source();
            Some(format!("{}: {value}", crate::builtin::quote(name)))
        };
        let arguments: Vec<String> = self.parameters.iter().filter_map(argument).collect();
        (!arguments.is_empty()).then(|| format!("    {{{}}},\n", arguments.join(", ")))
    }
}

/// What stands in the first fence, if the answer begins with one.
fn unfenced(text: &str) -> &str {
    let Some(fenced) = text.strip_prefix("```") else { return text };
    let inside = fenced.split_once('\n').map_or("", |(_, inside)| inside);
    inside.split_once("```").map_or(inside, |(inside, _)| inside).trim()
}

/// The entries of a list that ends too early; none if it is no JSON, or no list begins.
fn whole_entries(text: &str) -> Option<Vec<Value>> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut rest = &text[text.find('[')? + 1..];
    let mut entries = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ', '\n', '\r', '\t']);
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            // A number or word at the very end may be the first half of one; entries are objects.
            Some(Ok(entry)) if entry.is_object() => {
                let end = values.byte_offset();
                entries.push(entry);
                rest = &rest[end..];
            }
            _ => return Some(entries),
        }
    }
}

fn schema_of(form: &Form) -> Value {
    let text = json!({ "type": "string", "maxLength": MAX_TEXT });
    let list = |items: Value| json!({ "type": "array", "items": items, "maxItems": MAX_ITEMS });
    match form {
        Form::Any => json!({}),
        Form::Int(None) => json!({ "type": "integer" }),
        Form::Int(Some((least, most))) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Form::Float => json!({ "type": "number" }),
        Form::Bool => json!({ "type": "boolean" }),
        Form::Str(choices) if !choices.is_empty() => json!({ "anyOf": [{ "enum": choices }, text] }),
        Form::Str(_) | Form::Bytes => text,
        Form::List(element) | Form::Set(element) => list(schema_of(element)),
        Form::Tuple(items) => json!({
            "type": "array",
            "prefixItems": items.iter().map(schema_of).collect::<Vec<_>>(),
            "items": false,
            "minItems": items.len(),
            "maxItems": items.len(),
        }),
        Form::Dict { entries, others } => {
            let properties: Map<String, Value> =
                entries.iter().map(|(name, form)| (name.clone(), schema_of(form))).collect();
            let names: Vec<&String> = entries.iter().map(|(name, _)| name).collect();
            let others = others.as_ref().map_or(json!(false), |others| schema_of(&others.1));
            json!({
                "type": "object", "properties": properties, "required": names, "additionalProperties": others,
            })
        }
        Form::OneOf(choices) => json!({ "enum": choices }),
        Form::Either(forms) => json!({ "anyOf": forms.iter().map(schema_of).collect::<Vec<_>>() }),
        Form::Nullable(form) => json!({ "anyOf": [schema_of(form), { "type": "null" }] }),
    }
}

/// A JSON value as the Python value that the form says; where it does not fit, as what it is.
fn literal(value: &Value, form: &Form) -> Literal {
    let each = |values: &[Value], form: &Form| values.iter().map(|value| literal(value, form)).collect();
    match (value, form) {
        (Value::Null, _) => Literal::None,
        (value, Form::Nullable(form)) => literal(value, form),
        (Value::Bool(value), _) => Literal::Bool(*value),
        (Value::Number(number), form) => match number.as_i64() {
            #[expect(clippy::cast_precision_loss, reason = "JSON does not tell 2 from 2.0")]
            Some(int) if matches!(form, Form::Float) => Literal::Float(int as f64),
            Some(int) => Literal::Int(int),
            None => Literal::Float(number.as_f64().unwrap_or_default()),
        },
        (Value::String(text), Form::Bytes) if text.is_ascii() => Literal::Bytes(format!("b{}", ascii(text))),
        (Value::String(text), _) => Literal::Str(text.clone()),
        (Value::Array(values), Form::Set(element)) => Literal::Set(distinct(each(values, element))),
        (Value::Array(values), Form::Tuple(items)) => {
            let item = |(at, value)| literal(value, items.get(at).unwrap_or(&Form::Any));
            Literal::Tuple(values.iter().enumerate().map(item).collect())
        }
        (Value::Array(values), Form::List(element)) => Literal::List(each(values, element)),
        (Value::Array(values), _) => Literal::List(each(values, &Form::Any)),
        (Value::Object(table), form) => {
            let item = |(name, value): (&String, &Value)| entry(name, value, form);
            Literal::Dict(table.iter().map(item).collect())
        }
    }
}

/// An entry of a dict. Keys of JSON are texts; where the function has numbers for keys, so are they.
fn entry(name: &str, value: &Value, form: &Form) -> (Literal, Literal) {
    let (own, others) = match form {
        Form::Dict { entries, others } => {
            (entries.iter().find(|(known, _)| known == name).map(|(_, form)| form), others.as_deref())
        }
        _ => (None, None),
    };
    let key = match others {
        Some((Form::Int(_), _)) if own.is_none() => name.parse().ok().map(Literal::Int),
        Some((Form::Float, _)) if own.is_none() => {
            name.parse().ok().filter(|key: &f64| key.is_finite()).map(Literal::Float)
        }
        _ => None,
    };
    let form = own.or(others.map(|(_, value)| value)).unwrap_or(&Form::Any);
    (key.unwrap_or_else(|| Literal::Str(name.to_owned())), literal(value, form))
}

/// Elements of a set: hashable, and each once.
fn distinct(elements: Vec<Literal>) -> Vec<Literal> {
    let mut seen = HashSet::new();
    elements.into_iter().map(hashable).filter(|element| seen.insert(element.source())).collect()
}

fn hashable(element: Literal) -> Literal {
    match element {
        Literal::List(items) | Literal::Tuple(items) => Literal::Tuple(items.into_iter().map(hashable).collect()),
        Literal::Dict(_) | Literal::Set(_) => Literal::Str(element.source()),
        other => other,
    }
}

/// A quoted text in which control characters are escaped as bytes are.
fn ascii(text: &str) -> String {
    crate::builtin::quote(text).replace("\\U000000", "\\x")
}
