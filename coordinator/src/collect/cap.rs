//! Keeps items to a size that every queue carries ([`weight::MAX_BYTES`]).

use pipeline::{
    reason::Reason,
    records::{Function, Rejection, weight},
};
use serde_json::{Value, json};

/// Deepest value that a record may hold: each hop puts it a level further down, and JSON readers stop at 127.
pub(super) const MAX_DEPTH: usize = 64;

/// Bytes of a longer record that are shown.
const START_BYTES: usize = 200;

/// A function that is too long is turned down; of a rejected row that is, the start is kept.
pub(super) fn capped(outcome: Result<Function, Box<Rejection>>) -> Result<Function, Box<Rejection>> {
    match outcome {
        Ok(function) if weight_of(&function) > weight::MAX_BYTES => {
            let detail = format!("`{}`: longer than {} bytes with its context", function.name, weight::MAX_BYTES);
            let record = start(&function.code, weight_of(&function));
            Err(Box::new(Rejection::new(function.id, Reason::TooLarge, detail, &record)))
        }
        Err(mut rejection) if weight::of_value(&rejection.record) > weight::MAX_BYTES => {
            let bytes = weight::of_value(&rejection.record);
            let text = ["code", "content"].into_iter().find_map(|name| rejection.record[name].as_str());
            rejection.record = start(text.or(rejection.record.as_str()).unwrap_or_default(), bytes);
            Err(rejection)
        }
        Err(mut rejection) if depth(&rejection.record) > MAX_DEPTH => {
            rejection.record = Value::String(rejection.record.to_string());
            Err(rejection)
        }
        whole => whole,
    }
}

/// How deep a value is nested.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(table) => 1 + table.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn weight_of(function: &Function) -> usize {
    let Function { id, name, parameters, code, context, meta } = function;
    let texts = [id, name, code, context].into_iter().chain(parameters);
    texts.map(|text| weight::of_text(text)).sum::<usize>() + weight::of_table(meta)
}

fn start(text: &str, bytes: usize) -> Value {
    let start = text.floor_char_boundary(START_BYTES);
    json!({"bytes": bytes, "start": text[..start]})
}
