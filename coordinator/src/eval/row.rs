//! A sample as a row of a test set in the published form.

use pipeline::{
    python,
    records::{Example, Sample},
};
use serde_json::{Value, json};

use crate::assemble::quoted::json_ascii;

/// The block that builds the examples.
pub(super) fn block(sample: &Sample) -> String {
    let entries: Vec<_> = sample.examples.iter().map(|example| format!("    dict({}),\n", example.input)).collect();
    format!("examples = [\n{}]", entries.concat())
}

/// The sample as a row in the published form.
pub(super) fn row(sample: &Sample) -> Value {
    let block = block(sample);
    let parsed = python::entries(&block).unwrap_or_default();
    let shown = |at: &usize| {
        let line = match output(&sample.examples[*at]) {
            (true, json) => json,
            (false, json) => json.trim_start_matches("<|EXCEPTION|> ").to_owned(),
        };
        format!("Input: dict({}), Output: {line}\n", sample.examples[*at].input)
    };
    let shown_lines: String = sample.shown.iter().map(shown).collect();
    let prompt = format!(
        "Define a function that maps each input to its output.\n{shown_lines}\nFunction: {}\n",
        sample.function_name
    );
    let outputs = sample.examples.iter().map(|example| match output(example) {
        (true, json) => json!({ "return": json }),
        (false, json) => json!({ "error": json }),
    });
    let as_repr = |entry: &Option<python::Entry>| {
        let pairs = entry.iter().flatten().map(|(name, source)| format!("'{name}': {source}"));
        json_ascii(&format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")))
    };
    json!({
        "id": sample.id,
        "prompt": prompt,
        "func_name": sample.function_name,
        "example_str": block,
        "example_inputs": parsed.iter().map(as_repr).collect::<Vec<_>>(),
        "parsed_inputs": parsed.iter().map(|entry| json!(entry)).collect::<Vec<_>>(),
        "example_outputs": outputs.collect::<Vec<_>>(),
        "choosed_example_idx": sample.shown,
        "code": sample.code,
        "exec_code": sample.code,
        "exec_status": true,
        "output": format!("The function is:\n\n```python\n{}\n```", sample.code),
    })
}

/// The published line of an example, and whether it is a value.
fn output(example: &Example) -> (bool, String) {
    match (&example.output, &example.error) {
        (Some(repr), _) => (true, json_ascii(repr)),
        (None, error) => {
            let error = error.as_deref().unwrap_or_default();
            let (class, message) = error.split_once(": ").unwrap_or((error, ""));
            // The published script is its own main module.
            let class =
                class.strip_prefix("program.").map_or_else(|| class.to_owned(), |own| format!("__main__.{own}"));
            (false, format!("<|EXCEPTION|> {}", json_ascii(&format!("<class '{class}'>: {message}"))))
        }
    }
}
