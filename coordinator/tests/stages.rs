//! What a run keeps of its records: `assemble DIR --out DIR` makes the same of it, `show` tells it.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod process;

use std::path::Path;

use process::{case2code, corpus, counts, parts, program, succeed};

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn run(folder: &Path, name: &str, more: &[&str]) -> std::path::PathBuf {
    let (input, out) = (corpus(folder, 60), folder.join(name));
    let mut flags = vec!["run", text(&input), "--out", text(&out), "--writer", "builtin", "--sandbox", "namespace"];
    flags.extend(["--shard-size", "25", "--seed", "5"]);
    flags.extend(more);
    succeed(&flags);
    out
}

#[test]
fn the_records_of_a_run_become_the_same_samples_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = run(folder.path(), "out", &[]);
    let again = folder.path().join("again");
    succeed(&["assemble", text(&out), "--out", text(&again)]);
    assert_eq!(parts(&out).len(), 6);
    assert!(parts(&out) == parts(&again), "the bytes differ");
    assert_eq!(counts(&out), counts(&again));
    let twice = succeed(&["assemble", text(&out), "--out", text(&again)]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("complete already"));

    let other = folder.path().join("other");
    let flags = ["--task", "induction,deduction", "--renderings", "2", "--skip-filters", "constant_output"];
    succeed(&[&["assemble", text(&out), "--out", text(&other)], flags.as_slice()].concat());
    let (before, after) = (counts(&out), counts(&other));
    assert_eq!((&before["items"], &before["accepted"]), (&after["items"], &after["accepted"]));
    assert!(after["samples"].as_u64() > before["samples"].as_u64().map(|samples| 2 * samples), "{after}");
    let refused = case2code(&["assemble", text(&out), "--out", text(&other)]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && error.contains("renderings"), "{error}");
}

#[test]
fn kept_inputs_run_again_and_kept_outcomes_go_through_the_filter() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = run(folder.path(), "out", &["--format", "jsonl"]);
    let unpacked = |stage: &str| {
        let path = out.join("stages").join(stage).join("part-00000.jsonl.zst");
        let bytes = zstd::decode_all(std::fs::File::open(path).expect("a file")).expect("zstd");
        let plain = folder.path().join(format!("{stage}.jsonl"));
        std::fs::write(&plain, bytes).expect("a file");
        plain
    };
    let (inputs, outcomes) = (unpacked("inputs"), unpacked("outcomes"));
    let executed = succeed(&["execute", text(&inputs), "--sandbox", "namespace"]).stdout;
    let kept = std::fs::read(&outcomes).expect("a file");
    let lines = |bytes: &[u8], with: &str| -> Vec<String> {
        String::from_utf8_lossy(bytes).lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
    };
    assert_eq!(lines(&executed, "\"executions\""), lines(&kept, "\"executions\""));
    assert_eq!(lines(&kept, "").len(), 25, "one line an item");

    let rejected = folder.path().join("rejected.jsonl");
    let seed = ["--seed", "5", "--rejected", text(&rejected)];
    let samples = succeed(&[&["assemble", text(&outcomes)], seed.as_slice()].concat()).stdout;
    assert!(samples == parts(&out)["data/part-00000.jsonl"]);
    assert!(std::fs::read(&rejected).expect("a file") == parts(&out)["rejected/part-00000.jsonl"]);
}

#[test]
fn show_tells_the_journey() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = run(folder.path(), "out", &["--task", "induction,abduction"]);
    for (id, wanted) in [
        ("row-1", ["--- function\ndef f1(a, b):", "--- inputs: builtin", "--- outcomes: Python", "--- prompt"]),
        ("row-1/abduction/0", ["--- function\ndef f1(a, b):", "lines ", "-> ", "row-1/abduction/0: "]),
        ("row-3", ["rejected by collect", "undefined_global", "undefined_3", "def f3"]),
    ] {
        let shown = String::from_utf8(succeed(&["show", text(&out), id]).stdout).expect("UTF-8");
        for part in wanted {
            assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
        }
    }
}

#[test]
fn without_records_there_is_nothing_to_assemble() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = run(folder.path(), "out", &["--no-stages"]);
    assert!(!out.join("stages").exists());
    let other = folder.path().join("other");
    let refused = program("case2code").args(["assemble", text(&out), "--out", text(&other)]).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--no-stages"));
    assert!(!other.exists());
}
