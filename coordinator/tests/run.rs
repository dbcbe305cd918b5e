//! `case2code run` and the filters as processes, with the builtin writer and the namespace sandbox.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod process;

use std::{path::Path, time::Duration};

use process::{Running, case2code, corpus, counts, journaled, parts, program, succeed, until};

const DEADLINE: Duration = Duration::from_secs(300);

fn run_flags<'a>(input: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let text = |path: &'a Path| path.to_str().expect("a plain path");
    let mut flags = vec!["run", text(input), "--out", text(out), "--writer", "builtin", "--sandbox", "namespace"];
    flags.extend(["--format", "jsonl", "--shard-size", "40"]);
    flags.extend(more);
    flags
}

#[test]
fn every_item_is_accounted_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (corpus(folder.path(), 210), folder.path().join("out"));
    succeed(&run_flags(&input, &out, &[]));
    let counts = counts(&out);
    assert_eq!(counts["items"], 210);
    let sum = counts["accepted"].as_u64().expect("a number") + counts["rejected"].as_u64().expect("a number");
    assert_eq!(sum, 210, "{counts}");
    assert_eq!(counts["rejected_by_reason"]["no_return"], 30);
    assert_eq!(counts["rejected_by_reason"]["undefined_global"], 30);
    assert!(counts["accepted"].as_u64() > Some(60), "{counts}");
    assert!(!out.join(".state").exists(), "the state goes when the run is over");
    let again = succeed(&run_flags(&input, &out, &[]));
    assert!(String::from_utf8_lossy(&again.stderr).contains("complete already"));
}

#[test]
fn killed_and_run_again_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = corpus(folder.path(), 210);
    let (calm, killed) = (folder.path().join("calm"), folder.path().join("killed"));
    succeed(&run_flags(&input, &calm, &["--slots", "2"]));
    for at_least in [1, 20] {
        let mut run = Running::start("case2code", &run_flags(&input, &killed, &["--slots", "1"]));
        until("outcomes on disk", DEADLINE, || journaled(&killed) >= at_least || killed.join("run.json").exists());
        run.0.kill().expect("it runs");
        run.0.wait().expect("it ends");
    }
    // A torn line, as a power cut leaves it.
    let journal = std::fs::read_dir(killed.join(".state")).expect("state").flatten().map(|entry| entry.path());
    if let Some(journal) = journal.into_iter().find(|path| path.to_string_lossy().contains("journal-")) {
        let mut bytes = std::fs::read(&journal).expect("a journal");
        bytes.extend_from_slice(br#"{"index":3,"type":"exec"#);
        std::fs::write(&journal, bytes).expect("a journal");
    }
    succeed(&run_flags(&input, &killed, &["--slots", "2"]));
    assert_eq!(parts(&calm).len(), 12);
    assert!(parts(&calm) == parts(&killed), "the bytes differ");
}

#[test]
fn a_signal_stops_it_and_the_same_command_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (corpus(folder.path(), 210), folder.path().join("out"));
    let mut run = Running::start("case2code", &run_flags(&input, &out, &["--slots", "1"]));
    until("outcomes on disk", DEADLINE, || journaled(&out) > 0);
    run.terminate();
    assert_eq!(run.wait(Duration::from_secs(60)), Some(130));
    succeed(&run_flags(&input, &out, &[]));
    assert_eq!(counts(&out)["items"], 210);
}

#[test]
fn another_run_in_the_same_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (corpus(folder.path(), 20), folder.path().join("out"));
    succeed(&run_flags(&input, &out, &[]));
    let other = case2code(&run_flags(&input, &out, &["--seed", "9"]));
    let error = String::from_utf8_lossy(&other.stderr).into_owned();
    assert_eq!(other.status.code(), Some(2), "{error}");
    assert!(error.contains("seed (was 0, is 9)"), "{error}");
}

/// Flags are looked at by clap, the environment and files are not.
#[test]
fn a_shard_of_no_items_is_refused_wherever_it_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (corpus(folder.path(), 2), folder.path().join("out"));
    for dry in [&[][..], &["--dry-run"]] {
        let mut run = program("case2code");
        run.arg("run").arg(&input).arg("--out").arg(&out).args(["--writer", "builtin"]).args(dry);
        let output = run.env("CASE2CODE_SHARD_SIZE", "0").output().expect("it starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains("shard_size"), "{dry:?}: {error}");
    }
}

#[test]
fn the_stages_piped_give_what_the_run_gives() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (corpus(folder.path(), 70), folder.path().join("out"));
    succeed(&run_flags(&input, &out, &[]));
    let step = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let write = |name: &str, output: std::process::Output| {
        std::fs::write(step(name), output.stdout).expect("a file");
    };
    write("functions", succeed(&["collect", input.to_str().expect("plain")]));
    write("inputs", succeed(&["write-inputs", "--writer", "builtin", &step("functions")]));
    write("outcomes", succeed(&["execute", "--sandbox", "namespace", &step("inputs")]));
    let samples = succeed(&["assemble", &step("outcomes")]).stdout;
    let run: Vec<u8> =
        parts(&out).into_iter().filter(|(name, _)| name.starts_with("data/")).flat_map(|(_, b)| b).collect();
    assert!(samples == run, "the pipe and the run differ");
    assert!(!run.is_empty());
}

#[test]
fn what_is_missing_is_one_sentence_and_exit_code_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (corpus(folder.path(), 5), folder.path().join("out"));
    let (input, out) = (input.to_str().expect("plain"), out.to_str().expect("plain"));
    let cases: &[(&[&str], i32, &str)] = &[
        (&["run", "/nowhere.jsonl", "--out", out, "--writer", "builtin"], 3, "/nowhere.jsonl"),
        (&["run", input, "--out", out, "--llm-url", "http://127.0.0.1:1/v1"], 3, "--llm-url"),
        (
            &["run", input, "--out", out, "--writer", "builtin", "--sandbox", "namespace", "--python", "/no/python"],
            3,
            "--python",
        ),
        (
            &["submit", input, "--run", "x", "--state", out, "--amqp-url", "amqp://127.0.0.1:1", "--startup-wait", "1"],
            3,
            "AMQP_URL",
        ),
        (
            &["sink", "--run", "x", "--out", out, "--amqp-url", "amqp://127.0.0.1:1", "--startup-wait", "1"],
            3,
            "AMQP_URL",
        ),
        (&["sink", "--out", out], 2, "--run"),
        (&["sink", "--out", out, "--run", "amq.x"], 2, "--run"),
        (&["run", input, "--out", out, "--writer", "builtin", "--shown", "0"], 2, "--shown"),
        (&["run", input, "--out", "examples", "--writer", "builtin"], 2, "--out"),
        (&["run", input, "--out", out, "--max-cost", "1"], 2, "--price"),
        (&["run", input, "--out", out, "--price", "1"], 2, "--price"),
        (&["show", "/nowhere"], 3, "/nowhere"),
        (&["run", input], 2, "--out"),
        (&["run", input, "--out", out, "--config", "/nowhere.toml"], 2, "/nowhere.toml"),
    ];
    for (arguments, code, names) in cases {
        let begun = std::time::Instant::now();
        let output = case2code(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {error}");
        assert!(error.contains(names), "{arguments:?} should name {names}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(12), "{arguments:?} took {:?}", begun.elapsed());
    }
}
