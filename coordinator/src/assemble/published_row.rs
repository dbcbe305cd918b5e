//! What rows of the published files hold beside `id`, `prompt` and `output`.

use pipeline::{
    python::examples_block,
    records::{ExecutedFunction, WriteMethod},
};
use serde_json::{Map, Value, json};
use worker_llm::answer::without_thoughts;

use super::{answer::Answer, cases::Case, quoted, settings::AssembleSettings};

/// The columns that `--keep-raw` and `--for-eval` ask for; none without.
pub(super) fn columns(
    settings: &AssembleSettings,
    executed: &ExecutedFunction,
    answer: &Answer,
    cases: &[Case],
    shown: &[usize],
) -> Map<String, Value> {
    let mut columns = Map::new();
    if settings.keep_raw || settings.for_eval {
        let input = |case: &Case| quoted::json_ascii(case.input);
        columns.extend(table(json!({
            "code": executed.function.code,
            "func_name": answer.name,
            "example_str": examples_source(executed),
            "exec_status": true,
            "example_inputs": cases.iter().map(input).collect::<Vec<_>>(),
            "example_outputs": cases.iter().map(outcome).collect::<Vec<_>>(),
        })));
    }
    if settings.for_eval {
        columns.extend(table(json!({
            "parsed_inputs": cases.iter().map(|case| &case.arguments).collect::<Vec<_>>(),
            "exec_code": answer.source,
            "choosed_example_idx": shown, // spelt as published
        })));
    }
    columns
}

/// The block of examples that a function ran with: the model's own where it was taken as it stood, else the calls as
/// they ran.
pub fn examples_source(executed: &ExecutedFunction) -> String {
    let generation = &executed.generation;
    let own = (generation.method == WriteMethod::Plain.into())
        .then(|| examples_block(&without_thoughts(&generation.completion)).ok())
        .flatten();
    if let Some(block) = own {
        return block.source;
    }
    let call = |arguments: &[(String, String)]| {
        let arguments: Vec<String> = arguments.iter().map(|(name, source)| format!("{name}={source}")).collect();
        format!("    dict({}),\n", arguments.join(", "))
    };
    let calls: String = executed.executions.iter().map(|execution| call(&execution.arguments)).collect();
    format!("examples = [\n{calls}]\n")
}

/// `json.dumps(repr(value))`, or the mark of an exception and the same of its text.
fn outcome(case: &Case) -> Value {
    match case.result {
        Ok(repr) => json!({ "return": quoted::json_ascii(repr) }),
        Err(raised) => {
            let text = quoted::json_ascii(&format!("<class '{}'>: {}", raised.class, raised.message));
            json!({ "error": format!("<|EXCEPTION|> {text}") })
        }
    }
}

fn table(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(table) => table,
        _ => Map::new(),
    }
}
