//! Every program of `tests/loops/`: those of `endless/` are in a loop whose state comes back, and are to be told so long
//! before their time limit; those of `ending/` only look like it, run for longer than a first look takes, and are to end.

mod common;

use std::{fs, path::Path, time::Instant};

use common::{outcome_of, record, settings, start};
use serde_json::json;
use worker_exec::{ExecSettings, settings::SandboxChoice};

/// Far more than any of them needs: what is not found would take so long.
const TIMEOUT_S: f64 = 60.0;
/// A first call that ends its process has the second one run carefully, without a quick attempt that uses up its time.
const CAREFULLY: &str = "
def call(end=False):
    if end:
        import os
        os._exit(1)
    return attack()
";
const EXAMPLES: &str = "examples = [dict(end=True), dict()]";

#[tokio::test(flavor = "multi_thread")]
async fn endless_loops_are_found_and_only_those() {
    let executor =
        start(&ExecSettings { timeout: TIMEOUT_S, stability: false, ..settings(SandboxChoice::Namespace) }).await;
    let mut wrong = String::new();
    for (folder, is_endless) in [("endless", true), ("ending", false)] {
        let files =
            fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loops").join(folder)).expect("programs");
        let mut paths: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        assert!(paths.len() > 5, "the programs are gone");
        for path in paths {
            let program = fs::read_to_string(&path).expect("a program");
            let begun = Instant::now();
            let actual = outcome_of(&executor, record("loop", "call", program + CAREFULLY, EXAMPLES.into())).await;
            let outcome = &actual["executions"][1]["outcome"];
            let found = *outcome == json!({ "limit": "time" });
            let as_wanted = if is_endless { found } else { outcome.get("return").is_some() };
            if !as_wanted || is_endless && begun.elapsed().as_secs_f64() > TIMEOUT_S / 2.0 {
                wrong += &format!("{}: {outcome} after {:?}\n", path.display(), begun.elapsed());
            }
        }
    }
    executor.shutdown().await;
    assert!(wrong.is_empty(), "{wrong}");
}
