//! Pairs of programs through two sandboxes: a hostile one leaves a secret in every way there is and changes all that it
//! can (`leaks/hostile.py`); the benign one after it looks for the secret and for any change (`leaks/benign.py`), and
//! has a known answer.

mod common;

use common::{outcome_of, record, settings, start};
use futures_util::{StreamExt, stream};
use pipeline::records::GeneratedInputs;
use serde_json::Value;
use worker_exec::{Executor, settings::SandboxChoice};

const PAIRS: usize = 2000;
/// One benign program in so many also goes through all its memory.
const DEEP: usize = 50;
/// Of the ways of `hostile.py`, those that no sandbox can refuse: the process is the program's own.
const LEAST_LEFT: usize = 60;

fn hostile(number: usize) -> GeneratedInputs {
    let code = include_str!("leaks/hostile.py").replace("NUMBER", &format!("{number:06}"));
    record(&format!("hostile-{number}"), "attack", code, "examples = [dict()]".into())
}

fn benign(number: usize) -> GeneratedInputs {
    let deep = if number.is_multiple_of(DEEP) { "True" } else { "False" };
    let examples = format!("examples = [dict(x={number}, deep={deep})]");
    record(&format!("benign-{number}"), "benign", include_str!("leaks/benign.py").into(), examples)
}

/// What the only call returned, or all that is known where it returned nothing.
fn returned(record: &Value) -> Result<&str, String> {
    record["executions"][0]["outcome"]["return"].as_str().ok_or_else(|| record.to_string())
}

/// What a benign program says of the state it found.
fn state(answer: &str, number: usize) -> Result<&str, String> {
    let right = format!("({}, [], ", number * number + 7);
    answer.strip_prefix(&right).ok_or_else(|| format!("expected {right}…, got {answer}"))
}

async fn pair(executor: &Executor, number: usize, untouched: &str) -> Result<(), String> {
    let left = outcome_of(executor, hostile(number)).await;
    let ways: usize = returned(&left)?.parse().map_err(|_| left.to_string())?;
    if ways < LEAST_LEFT {
        return Err(format!("the hostile program could do only {ways} things"));
    }
    let answer = outcome_of(executor, benign(number)).await;
    let found = state(returned(&answer)?, number)?;
    if found == untouched { Ok(()) } else { Err(format!("found {found}\n  not  {untouched}")) }
}

fn run_pairs(sandbox: SandboxChoice) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut settings = settings(sandbox);
        (settings.slots, settings.stability, settings.timeout) = (Some(2), false, 3.0);
        let executor = start(&settings).await;
        let answer = outcome_of(&executor, benign(0)).await;
        let untouched = returned(&answer).and_then(|answer| state(answer, 0)).expect("a benign program alone");
        let pairs = stream::iter(1..=PAIRS).map(|number| pair(&executor, number, untouched));
        let wrong: Vec<_> = pairs.buffer_unordered(2).filter_map(|result| async { result.err() }).collect().await;
        let opened = executor.opened();
        executor.shutdown().await;
        assert!(wrong.is_empty(), "{sandbox:?}: {} of {PAIRS} pairs went wrong; the first:\n{}", wrong.len(), wrong[0]);
        assert!(opened <= 2, "{sandbox:?}: a sandbox was replaced: {opened} were opened");
    });
}

#[test]
fn nothing_leaks_in_docker() {
    run_pairs(SandboxChoice::Docker);
}

#[test]
fn nothing_leaks_in_namespaces() {
    run_pairs(SandboxChoice::Namespace);
}
