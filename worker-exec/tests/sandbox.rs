//! Every case of `tests/attacks/` and `tests/cases/` in every sandbox: a program, its examples, and what must come of
//! it. After each a benign program runs in the same sandbox and must give its right answer and find nothing of the one
//! before.
//!
//! What is expected holds `outcomes` (only the fields that it names are compared) or `rejected` with a part of
//! `detail`; where given also `inputs`, `arguments`, `literal`, `lines` and `stable`.

mod common;

use std::{fmt::Write as _, os::unix::process::CommandExt, process::Command};

use common::{attacks, behaviours, outcome_of, record, settings, start};
use pipeline::records::GeneratedInputs;
use serde_json::{Value, json};
use worker_exec::settings::SandboxChoice;

/// An account without rights, as on every Linux.
const NOBODY: u32 = 65534;

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

/// The difference between what a case expects and what came of it, one line each.
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
            wrong.push(format!("{key}: expected {}\n      got {}", shortened(expected), shortened(&actual)));
        }
    }
    if let Some(broken) = actual.get("broken") {
        wrong.push(format!("the sandbox broke: {broken}"));
    }
    wrong
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.len() > 1000 { text.chars().take(1000).chain("…".chars()).collect() } else { text }
}

/// Runs every case in one sandbox; panics with all that went wrong.
fn run_cases(sandbox: SandboxChoice) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut executor = start(&settings(sandbox)).await;
        let cases: Vec<_> = behaviours().into_iter().chain(attacks()).collect();
        assert!(cases.len() > 100, "the cases are gone");
        let mut report = String::new();
        for case in cases {
            let opened = executor.opened();
            let examples = case.examples.unwrap_or_else(|| "examples = [dict()]".into());
            let actual = outcome_of(&executor, record(&case.name, "attack", case.program, examples)).await;
            let id = case.name;
            for difference in differences(&case.file.expected, &actual) {
                let _ = writeln!(report, "{id}: {difference}");
            }
            let benign = outcome_of(&executor, benign()).await;
            let after = differences(&json!({"outcomes": [{"return": ANSWER}]}), &benign);
            for difference in &after {
                let _ = writeln!(report, "after {id}: {difference}");
            }
            if (executor.opened() > opened) != case.file.retires.is_some() {
                let replaced = executor.opened() - opened;
                let _ = writeln!(report, "after {id}: the sandbox was replaced {replaced} times");
            }
            if !after.is_empty() {
                // The next case is not to fail for this one's sake.
                executor.shutdown().await;
                executor = start(&settings(sandbox)).await;
            }
        }
        executor.shutdown().await;
        assert!(report.is_empty(), "{sandbox:?}:\n{report}");
    });
}

/// Its answer shows what a program before it could have left: files, the state of modules, a module put in the place of
/// one that is not loaded yet, marks on descriptors, a scratch folder that cannot be used.
fn benign() -> GeneratedInputs {
    let code = "
import colorsys, fcntl, json, os, random

def benign(x):
    found = os.listdir('.'), [fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_APPEND | os.O_NONBLOCK) for fd in (0, 1, 2)]
    with open('file', 'w') as file:
        json.dump(colorsys.rgb_to_hsv(x, 0, 0), file)
    with open('file') as file:
        return x * 2, found, random.random(), file.read(), os.stat('.').st_mode & 0o777
";
    record("benign", "benign", code.into(), "examples = [dict(x=21)]".into())
}

const ANSWER: &str = "(42, ([], [0, 0, 0]), 0.8444218515250481, '[0.0, 1.0, 21]', 511)";

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
