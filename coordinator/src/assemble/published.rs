//! Executed functions from lines: our own records, and rows of the published intermediate files.

use pipeline::{
    filter,
    reason::Reason,
    records::{
        ExecutedFunction, Execution, Function, Generation, Meta, Outcome, RaisedError, Rejection, SandboxInfo,
        WriteMethod,
    },
};
use serde::Deserialize;

use super::{literal, plain::is_plain, quoted};

/// Reads a line as an [`ExecutedFunction`] or as a published row (`code`, `func_name`, `example_inputs`,
/// `example_outputs`; optional `exec_code`, `id` or `gen_answer_id`).
///
/// Published files may hold fewer inputs than outputs: the outputs of later `examples += […]` blocks come without
/// theirs. Each input is paired with the output at its place; how many outputs had no input goes into
/// `meta.outputs_without_input`.
///
/// # Errors
/// A line that is neither, a value that is no `json.dumps(repr(…))`, or more inputs than outputs: a [`Rejection`] of
/// the line as `unreadable`.
pub fn read_executed(source: &str, number: u64, line: &[u8]) -> Result<ExecutedFunction, Box<Rejection>> {
    // Checking the whole for UTF-8 is quicker than checking every string in it.
    if let Some(executed) = std::str::from_utf8(line).ok().and_then(|line| serde_json::from_str(line).ok()) {
        return Ok(executed);
    }
    let reject = |detail: String| {
        let raw = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        let detail = format!("{source}:{number}: {detail}");
        Box::new(Rejection::new(format!("{source}:{number}"), Reason::Unreadable, detail, &raw))
    };
    match serde_json::from_slice::<Mark>(line) {
        Ok(Mark { example_outputs: Some(_), .. }) => {}
        // What `stages/outcomes` holds beside executed functions.
        Ok(Mark { reason: Some(_), .. }) => match serde_json::from_slice::<Rejection>(line) {
            Ok(rejection) => return Err(Box::new(rejection)),
            Err(_) => return filter::read_record(source, number, line.to_vec()),
        },
        _ => return filter::read_record(source, number, line.to_vec()),
    }
    let row: PublishedRow =
        serde_json::from_slice(line).map_err(|error| reject(format!("not a published row: {error}")))?;
    row.executed(format!("{source}:{number}")).map_err(reject)
}

/// What tells a published row, or a rejection, from any other line.
#[derive(Deserialize)]
struct Mark {
    example_outputs: Option<serde::de::IgnoredAny>,
    reason: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct PublishedRow {
    id: Option<String>,
    gen_answer_id: Option<String>,
    code: String,
    func_name: String,
    example_inputs: Vec<String>,
    example_outputs: Vec<PublishedOutcome>,
    #[serde(default)]
    example_str: String,
}

/// Exactly one of the two; some rows carry a `trace` beside it, which is not used.
#[derive(Deserialize)]
struct PublishedOutcome {
    #[serde(rename = "return")]
    returned: Option<String>,
    error: Option<String>,
}

impl PublishedRow {
    fn executed(self, place: String) -> Result<ExecutedFunction, String> {
        let (inputs, outputs) = (self.example_inputs.len(), self.example_outputs.len());
        if inputs > outputs {
            return Err(format!("{inputs} inputs but {outputs} outputs"));
        }
        let mut meta = Meta::new();
        if outputs > inputs {
            meta.insert("outputs_without_input".to_owned(), (outputs - inputs).into());
        }
        let pairs = self.example_inputs.iter().zip(&self.example_outputs).enumerate();
        let executions = pairs
            .map(|(at, (input, outcome))| execution(input, outcome).map_err(|error| format!("example {at}: {error}")))
            .collect::<Result<Vec<_>, _>>()?;
        let parameters = executions.first().map(|first| first.arguments.iter().map(|(name, _)| name.clone()).collect());
        let id = self.id.or(self.gen_answer_id).unwrap_or(place);
        let code = format!("{}\n", self.code.trim_end());
        let parameters = parameters.unwrap_or_default();
        let function = Function { id, name: self.func_name, parameters, code, context: String::new(), meta };
        Ok(ExecutedFunction {
            function,
            generation: unknown_generation(self.example_str),
            executions,
            stable: None,
            sandbox: SandboxInfo { backend: "published".into(), python: "unknown".into(), image_digest: None },
        })
    }
}

fn execution(input: &str, outcome: &PublishedOutcome) -> Result<Execution, String> {
    let input = unpack(input)?;
    let arguments =
        literal::keyword_dict(&input).ok_or_else(|| format!("input is no dict of keyword arguments: {input}"))?;
    // A repr is not always source: `inf` is a name that nothing defines.
    let arguments = arguments.into_iter().map(|(name, repr)| (name, literal::source(&repr).into_owned())).collect();
    let (outcome, literal) = match (&outcome.returned, &outcome.error) {
        (Some(repr), None) => {
            let repr = unpack(repr)?;
            let literal = is_plain(&repr);
            (Outcome::Return(repr), literal)
        }
        (None, Some(text)) => (Outcome::Error(raised(text)?), false),
        _ => return Err("an output is either `return` or `error`".to_owned()),
    };
    Ok(Execution { input, arguments, outcome, literal, lines: None })
}

/// `json.dumps(repr(value))` → the repr.
pub(crate) fn unpack(text: &str) -> Result<String, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON string ({error}): {text}"))
}

/// `<|EXCEPTION|> "<class 'ValueError'>: message"`. Whether the function raised it itself was not recorded.
pub(crate) fn raised(text: &str) -> Result<RaisedError, String> {
    let shape = || format!("not an exception as published: {text}");
    let quoted = text.strip_prefix("<|EXCEPTION|>").unwrap_or(text).trim();
    let plain = unpack(quoted).unwrap_or_else(|_| quoted.to_owned());
    let rest = plain.strip_prefix("<class ").ok_or_else(shape)?;
    let end = quoted::length(rest).ok_or_else(shape)?;
    let class = quoted::value(&rest[..end]).ok_or_else(shape)?;
    let message = rest[end..].strip_prefix('>').ok_or_else(shape)?;
    let message = message.strip_prefix(": ").or_else(|| message.strip_prefix(':')).unwrap_or(message);
    Ok(RaisedError { class, message: message.to_owned(), explicit: false })
}

/// Published rows keep the examples' source, and nothing else of where it came from.
fn unknown_generation(completion: String) -> Generation {
    Generation {
        model: "unknown".into(),
        prompt: "unknown".into(),
        prompt_sha256: String::new(),
        temperature: 0.0,
        top_p: 1.0,
        seed: None,
        prompt_tokens: 0,
        completion_tokens: 0,
        finish_reason: "unknown".into(),
        completion,
        method: WriteMethod::Plain.into(),
    }
}
