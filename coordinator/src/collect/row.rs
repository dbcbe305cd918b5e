use pipeline::{
    reason::Reason,
    records::{Meta, RawCode, Rejection},
};
use serde_json::{Map, Value};

use super::{
    CollectSettings, Place,
    cap::{MAX_DEPTH, depth},
};

/// Longest id: it stands in every record, and in messages for people.
const MAX_ID_BYTES: usize = 4096;

/// One line of JSON as raw code.
///
/// # Errors
/// A line that is no JSON object, or one whose columns are not of the right types: a rejection that holds the row.
pub(super) fn read(line: &[u8], place: &Place, settings: &CollectSettings) -> Result<RawCode, Box<Rejection>> {
    let unreadable = |what: String, record: &Value| {
        Box::new(Rejection::new(place.id(), Reason::Unreadable, place.detail(what), record))
    };
    let text = std::str::from_utf8(line).map_err(|error| {
        let record = Value::String(String::from_utf8_lossy(line).into_owned());
        unreadable(format!("not UTF-8 at byte {}", error.valid_up_to()), &record)
    })?;
    let row: Value = serde_json::from_str(text).map_err(|error| {
        // The parser counts lines within this one line: only its column says something.
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or_default();
        let what = format!("not JSON: {words} at column {}", error.column());
        unreadable(what, &Value::String(text.to_owned()))
    })?;
    let Value::Object(columns) = row else {
        return Err(unreadable(format!("the row is {}, not an object", kind(&row)), &row));
    };
    of_columns(columns, place, settings)
}

/// The columns of one row as raw code.
///
/// # Errors
/// Columns that are not of the right types, or a licence that is not wanted: a rejection that holds the row.
pub(super) fn of_columns(
    columns: Map<String, Value>,
    place: &Place,
    settings: &CollectSettings,
) -> Result<RawCode, Box<Rejection>> {
    let raw = match columns_to_raw(&columns, place, settings) {
        Ok(raw) => raw,
        Err(what) => {
            let record = Value::Object(columns);
            return Err(Box::new(Rejection::new(place.id(), Reason::Unreadable, place.detail(what), &record)));
        }
    };
    match license_refused(columns.get(&settings.license_column), settings) {
        Some(what) => Err(Box::new(Rejection::new(&raw.id, Reason::License, place.detail(what), &raw))),
        None => Ok(raw),
    }
}

/// Why a row of this licence is not wanted; none if it is. Of a list, one that is wanted is enough.
pub(super) fn license_refused(license: Option<&Value>, settings: &CollectSettings) -> Option<String> {
    if settings.licenses.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = match license {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name],
        _ => Vec::new(),
    };
    names.retain(|name| !name.trim().is_empty());
    if names.is_empty() {
        names.push("unknown");
    }
    let wanted = |name: &&str| settings.licenses.iter().any(|wanted| wanted.trim().eq_ignore_ascii_case(name.trim()));
    if names.iter().any(wanted) { None } else { Some(format!("licence {}", names.join(", "))) }
}

fn columns_to_raw(columns: &Map<String, Value>, place: &Place, settings: &CollectSettings) -> Result<RawCode, String> {
    let column = |name: &str| columns.get(name).filter(|value| !value.is_null());
    let wrong =
        |name: &str, value: &Value, expected: &str| format!("column `{name}` is {}, not {expected}", kind(value));
    let content = match column(&settings.content_column) {
        Some(Value::String(content)) => content.clone(),
        Some(other) => return Err(wrong(&settings.content_column, other, "a string")),
        None => return Err(format!("no column `{}`", settings.content_column)),
    };
    let id = match column(&settings.id_column) {
        Some(Value::String(id)) if id.len() > MAX_ID_BYTES => {
            return Err(format!("column `{}` has {} bytes, more than {MAX_ID_BYTES}", settings.id_column, id.len()));
        }
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        Some(other) => return Err(wrong(&settings.id_column, other, "a string or a number")),
        None => place.id(),
    };
    let import_code = match column("import_code") {
        Some(Value::Array(lines)) => lines
            .iter()
            .map(|line| line.as_str().map(str::to_owned).ok_or_else(|| wrong("import_code", line, "a list of strings")))
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(wrong("import_code", other, "a list of strings")),
        None => Vec::new(),
    };
    let deep = |name: &&String| columns.get(*name).is_some_and(|value| depth(value) > MAX_DEPTH);
    if let Some(name) = settings.keep_columns.iter().find(deep) {
        return Err(format!("column `{name}` is nested more than {MAX_DEPTH} deep"));
    }
    let kept = settings.keep_columns.iter().filter_map(|name| Some((name.clone(), columns.get(name)?.clone())));
    Ok(RawCode { id, content, import_code, meta: kept.collect::<Meta>() })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
