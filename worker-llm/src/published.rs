//! Rows of published data sets, read as records: completions that someone paid for are not lost.

use pipeline::{
    filter::read_record,
    python::{examples_block, merged, more_examples_block, normalize, with_module},
    reason::Reason,
    records::{Function, GeneratedInputs, Generation, Rejection, WriteMethod},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A published row. Several tools wrote such files, so every column may be missing.
#[derive(Deserialize)]
struct Row {
    gen_answer_id: Option<Value>,
    id: Option<Value>,
    code: Option<String>,
    func_name: Option<String>,
    import_code: Option<Vec<String>>,
    example_str: Option<String>,
    completions: Option<Texts>,
    num_gen_tokens: Option<Value>,
    model: Option<String>,
    temperature: Option<f64>,
}

/// One completion, or those of several rounds or tries in order.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// Reads a line as a record of ours, or as a published row: `code` with `func_name`, and `example_str` or
/// `completions`. What such a row does not tell is `unknown` and zero in its generation.
///
/// # Errors
/// A line that is neither, or a row whose code or completion cannot be used, is a [`Rejection`].
pub fn read_inputs(source: &str, number: u64, line: Vec<u8>) -> Result<GeneratedInputs, Box<Rejection>> {
    let place = format!("{source}:{number}");
    let Ok(Value::Object(raw)) = serde_json::from_slice::<Value>(&line) else {
        return read_record(source, number, line);
    };
    let ours = raw.contains_key("function") && raw.contains_key("examples");
    let published = ["code", "completions", "example_str"].iter().any(|column| raw.contains_key(*column));
    if ours || !published {
        return read_record(source, number, line);
    }
    let unreadable =
        |words: &str| Box::new(Rejection::new(place.clone(), Reason::Unreadable, format!("{place}: {words}"), &raw));
    let row: Row = serde_json::from_value(Value::Object(raw.clone()))
        .map_err(|error| unreadable(&format!("not a published row: {error}")))?;
    let Some(code) = row.code.filter(|code| !code.trim().is_empty()) else {
        return Err(unreadable("a published row with completions but no `code`: the function is not known"));
    };
    let id = row.gen_answer_id.or(row.id).as_ref().and_then(name_of).unwrap_or_else(|| place.clone());
    let imports = row.import_code.unwrap_or_default();
    let function = function_of(id, &code, row.func_name.as_deref(), &imports).map_err(|(reason, words)| {
        Box::new(Rejection::new(place.clone(), reason, format!("{place}: {words}"), &raw))
    })?;
    let (example, completions) = (row.example_str, row.completions.map(Texts::into_vec).unwrap_or_default());
    if example.is_none() && completions.is_empty() {
        return Err(unreadable("a published row with neither `example_str` nor `completions`"));
    }
    let tokens = row.num_gen_tokens.as_ref().map_or(0, total);
    // The block as somebody has cut it out already, else what all the rounds give together.
    let block = match example.map(|text| joined(vec![text])) {
        Some(Ok(block)) => Ok(block),
        Some(Err(reason)) if completions.is_empty() => Err(reason),
        _ => joined(completions),
    };
    let (completion, examples, salvaged) = block
        .map_err(|reason| Box::new(Rejection::of(&function, reason, format!("{place}: {}", reason.describe()))))?;
    let method = if salvaged { WriteMethod::Salvaged } else { WriteMethod::Plain };
    let generation = Generation {
        model: row.model.unwrap_or_else(|| "unknown".into()),
        prompt: "published".into(),
        prompt_sha256: String::new(),
        temperature: row.temperature.unwrap_or_default(),
        top_p: 0.0,
        seed: None,
        prompt_tokens: 0,
        completion_tokens: tokens,
        finish_reason: String::new(),
        completion,
        method: method.into(),
    };
    Ok(GeneratedInputs { function, examples, generation, repairs_left: 0 })
}

/// The usable texts of several rounds, with the block that they give together and whether any of it was salvaged; else
/// why the first gives none.
fn joined(texts: Vec<String>) -> Result<(String, String, bool), Reason> {
    let (mut whole, mut why): (Option<(String, String, bool)>, _) = (None, None);
    for text in texts {
        let block = if whole.is_some() { more_examples_block(&text) } else { examples_block(&text) };
        whole = match (whole, block) {
            (None, Ok(block)) => Some((text, block.source, block.salvaged)),
            (Some((texts, before, salvaged)), Ok(block)) => match merged(&before, &block.source) {
                Some(source) => Some((format!("{texts}\n{text}"), source, salvaged || block.salvaged)),
                None => Some((texts, before, salvaged)),
            },
            (whole, Err(reason)) => {
                why = why.or(Some(reason));
                whole
            }
        };
    }
    whole.ok_or_else(|| why.unwrap_or(Reason::EmptyCompletion))
}

/// The function `wanted` (else the only one, else the last) of `code`; what stands around it is its context.
fn function_of(id: String, code: &str, wanted: Option<&str>, imports: &[String]) -> Result<Function, (Reason, String)> {
    let code = normalize(code);
    let definitions =
        with_module(&code, |module| module.definitions()).map_err(|error| (Reason::SyntaxError, error.to_string()))?;
    let mut definitions = definitions.into_iter().rev();
    let definition = match wanted {
        Some(name) => definitions.find(|definition| definition.name == name),
        None => definitions.next(),
    };
    let Some(definition) = definition else {
        let named = wanted.map(|name| format!(" `{name}`")).unwrap_or_default();
        return Err((Reason::NoFunction, format!("`code` defines no top-level function{named}")));
    };
    // The last occurrence, as it is the last definition of the name that counts.
    let own = definition.code.trim_end();
    let around = match code.rfind(own) {
        Some(at) => format!("{}\n{}", code[..at].trim_end(), code[at + own.len()..].trim()),
        None => String::new(),
    };
    let context: Vec<&str> =
        imports.iter().map(|line| line.trim_end()).chain([around.trim()]).filter(|part| !part.is_empty()).collect();
    Ok(Function {
        id,
        name: definition.name,
        parameters: definition.parameters,
        code: definition.code,
        context: context.join("\n"),
        meta: Map::new(),
    })
}

/// An id that is text or a number.
fn name_of(id: &Value) -> Option<String> {
    match id {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A count, or the sum of the counts of several tries.
fn total(count: &Value) -> u64 {
    match count {
        Value::Array(counts) => counts.iter().map(total).sum(),
        other => other.as_u64().unwrap_or_default(),
    }
}
