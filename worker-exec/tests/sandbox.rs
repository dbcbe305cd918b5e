//! Every case of `tests/cases/` in every sandbox: a program, its examples, and what must come of it. After each case a
//! benign program runs in the same sandbox and must give its right answer and find nothing of the one before.
//!
//! `expected.json` holds `outcomes` (only the fields that it names are compared) or `rejected` with a part of `detail`;
//! where given also `inputs`, `arguments`, `literal`, `lines` and `stable`.

use std::{fmt::Write as _, fs, os::unix::process::CommandExt, path::Path, process::Command};

use pipeline::{
    records::{Function, GeneratedInputs, Generation, WriteMethod},
    stage::{Stage, Verdict},
};
use serde_json::{Value, json};
use worker_exec::{ExecSettings, Executor, settings::SandboxChoice};

/// An account without rights, as on every Linux.
const NOBODY: u32 = 65534;

fn settings(sandbox: SandboxChoice) -> ExecSettings {
    ExecSettings {
        sandbox,
        // Not one from a folder that only root may enter.
        python: Some("/usr/bin/python3".into()),
        sandbox_image: "python:3.13-slim-trixie".into(),
        runtime: None,
        slots: Some(1),
        timeout: 0.5,
        memory_limit: 256,
        stability: true,
    }
}

fn record(id: &str, name: &str, code: String, examples: String) -> GeneratedInputs {
    let function = Function {
        id: id.into(),
        name: name.into(),
        parameters: Vec::new(),
        code,
        context: String::new(),
        meta: serde_json::Map::new(),
    };
    let generation = Generation {
        model: "test".into(),
        prompt: "test".into(),
        prompt_sha256: String::new(),
        temperature: 0.0,
        top_p: 1.0,
        seed: None,
        prompt_tokens: 0,
        completion_tokens: 0,
        finish_reason: "stop".into(),
        completion: examples.clone(),
        method: WriteMethod::Plain.into(),
    };
    GeneratedInputs { function, examples, generation }
}

/// What came of a record, as JSON.
async fn outcome_of(executor: &Executor, record: GeneratedInputs) -> Value {
    match executor.process(record).await {
        Ok(Verdict::Pass(executed)) => json!(executed),
        Ok(Verdict::Reject(rejection)) => json!(rejection),
        Err(error) => json!({"broken": error.to_string()}),
    }
}

/// Whether `actual` has everything that `expected` names.
fn holds(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            expected.iter().all(|(key, value)| actual.get(key).is_some_and(|actual| holds(value, actual)))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| holds(e, a))
        }
        _ => expected == actual,
    }
}

/// The difference between a case's `expected.json` and what came of it, one line each.
fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let column = |name: &str| -> Value {
        actual["executions"].as_array().into_iter().flatten().map(|execution| execution[name].clone()).collect()
    };
    let mut wrong = Vec::new();
    for (key, expected) in expected.as_object().into_iter().flatten() {
        let actual = match key.as_str() {
            "outcomes" => column("outcome"),
            "inputs" => column("input"),
            "arguments" | "literal" | "lines" => column(key),
            "rejected" => actual["reason"].clone(),
            _ => actual[key].clone(),
        };
        let part_of =
            || key == "detail" && actual.as_str().is_some_and(|a| expected.as_str().is_some_and(|e| a.contains(e)));
        if !holds(expected, &actual) && !part_of() {
            wrong.push(format!("{key}: expected {expected}\n      got {actual}"));
        }
    }
    if let Some(broken) = actual.get("broken") {
        wrong.push(format!("the sandbox broke: {broken}"));
    }
    wrong
}

/// Runs every case in one sandbox; panics with all that went wrong.
fn run_cases(sandbox: SandboxChoice) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let executor = match Executor::start(&settings(sandbox)).await {
            Ok(executor) => executor,
            Err(failure) => panic!("this test needs a {sandbox:?} sandbox: {failure}"),
        };
        let mut report = String::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        let mut cases: Vec<_> = fs::read_dir(folder).expect("cases").flatten().map(|entry| entry.path()).collect();
        cases.sort();
        assert!(cases.len() > 30, "the cases are gone");
        for case in cases {
            let read =
                |file| fs::read_to_string(case.join(file)).unwrap_or_else(|error| panic!("{case:?} {file}: {error}"));
            let id = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let expected: Value = serde_json::from_str(&read("expected.json")).expect("expected.json is JSON");
            let actual = outcome_of(&executor, record(&id, "attack", read("program.py"), read("examples.py"))).await;
            for difference in differences(&expected, &actual) {
                let _ = writeln!(report, "{id}: {difference}");
            }
            let benign = outcome_of(&executor, benign()).await;
            let right = json!([{"return": "(42, [], 0.8444218515250481)"}]);
            for difference in differences(&json!({"outcomes": right}), &benign) {
                let _ = writeln!(report, "after {id}: {difference}");
            }
        }
        executor.shutdown().await;
        assert!(report.is_empty(), "{sandbox:?}:\n{report}");
    });
}

/// Its answer shows what a program before it could have left: files, and the state of modules.
fn benign() -> GeneratedInputs {
    let code = "import os, random\n\ndef benign(x):\n    return x * 2, os.listdir('.'), random.random()\n";
    record("benign", "benign", code.into(), "examples = [dict(x=21)]".into())
}

#[test]
fn namespace() {
    run_cases(SandboxChoice::Namespace);
}

#[test]
fn docker() {
    run_cases(SandboxChoice::Docker);
}

/// The test `namespace` again, without root. Where the tests run without root anyway it has been seen already.
#[test]
fn namespace_as_an_ordinary_user() {
    let this = std::env::current_exe().expect("this test's own path");
    let mut command = Command::new(this);
    command.args(["--exact", "namespace", "--nocapture"]).env("TMPDIR", "/tmp").current_dir("/");
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().expect("the test starts again as another user");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "as uid {NOBODY}:\n{said}");
}
