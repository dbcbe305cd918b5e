//! Every answer in `tests/completions/<case>/completion.txt` gives what its `expected.json` says.

use std::path::Path;

use pipeline::python::{entries, examples_block};
use serde_json::{Value, json};
use worker_llm::answer::without_thoughts;

fn read(completion: &str) -> Value {
    match examples_block(&without_thoughts(completion)) {
        Ok(block) => json!({
            "source": block.source,
            "salvaged": block.salvaged,
            "entries": entries(&block.source),
        }),
        Err(reason) => json!({ "reason": reason }),
    }
}

#[test]
fn completions_give_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/completions");
    let (mut cases, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(&folder).expect("tests/completions is part of the crate") {
        let case = entry.expect("the folder can be read").path();
        let file = |name: &str| {
            let path = case.join(name);
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let expected: Value = serde_json::from_str(&file("expected.json")).expect("expected.json is JSON");
        let found = read(&file("completion.txt"));
        cases += 1;
        if found != expected {
            wrong.push(format!("{}\n  expected {expected}\n  found    {found}", case.display()));
        }
    }
    assert!(cases > 0, "no case in {}", folder.display());
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
}
