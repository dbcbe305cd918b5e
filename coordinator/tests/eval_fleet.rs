//! An evaluation over a real broker, through deaths on all sides, gives the bytes of one process.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

#[path = "../../pipeline/tests/broker/mod.rs"]
mod broker;
mod process;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use broker::Broker;
use process::{Running, case2code, program, repository, succeed, until};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(300);
/// How often each case of `tests/eval/` is asked.
const COPIES: usize = 8;

/// Items and completions of all cases, some of which end their process or never end.
fn test_set(folder: &Path) -> [String; 2] {
    let mut cases: Vec<_> = fs::read_dir(repository().join("coordinator/tests/eval"))
        .expect("cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    let (mut items, mut completions) = (String::new(), String::new());
    for copy in 0..COPIES {
        for case in &cases {
            let id = format!("{}-{copy}", case.file_name().expect("a name").to_string_lossy());
            let text = fs::read_to_string(case.join("item.json")).expect("an item");
            let mut item: Value = serde_json::from_str(&text).expect("JSON");
            item["id"] = id.clone().into();
            items += &format!("{item}\n");
            let mut answers: Vec<_> = fs::read_dir(case)
                .expect("a case")
                .map(|entry| entry.expect("a file").path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
                .collect();
            answers.sort();
            for path in answers {
                // Each its own: what is the same is run once.
                let text = format!("{}\n# {copy}\n", fs::read_to_string(path).expect("a completion"));
                completions += &format!("{}\n", json!({ "gen_answer_id": id, "completions": text }));
            }
        }
    }
    write(folder, &items, &completions)
}

fn write(folder: &Path, items: &str, completions: &str) -> [String; 2] {
    [("test.jsonl", items), ("completions.jsonl", completions)].map(|(name, text)| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    })
}

fn judged(out: &str) -> usize {
    let journal = fs::read(Path::new(out).join(".state/items.jsonl")).unwrap_or_default();
    journal.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn a_fleet_gives_the_verdicts_of_one_process() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().expect("a folder");
    let text = |name: &str| folder.path().join(name).display().to_string();
    let [data, completions] = test_set(folder.path());
    let (alone, fleet, other, url) = (text("alone"), text("fleet"), text("other"), broker.url());
    let sandbox = ["--sandbox", "namespace", "--timeout", "0.5", "--memory-limit", "256"];
    let what = ["eval", "--data", &data, "--completions", &completions];
    succeed(&[&what[..], &sandbox, &["--out", &alone]].concat());

    let run = ["--run", "test", "--amqp-url", &url];
    let by_fleet = [&what[..], &run, &["--out", &fleet]].concat();
    let refused = case2code(&[&by_fleet[..], &["--slots", "2"]].concat());
    assert_eq!(refused.status.code(), Some(2), "a worker's flag was taken and did nothing");

    // It is there before any worker is.
    let mut eval = Running::start("case2code", &by_fleet);
    until("it has the name", DEADLINE, || Path::new(&fleet).join(".state/fleet.json").exists());
    let refused = case2code(&[&what[..], &run, &["--out", &other]].concat());
    assert_eq!(refused.status.code(), Some(2), "two evaluations have the same name");
    let worker = [&sandbox[..], &["--slots", "1"], &run].concat();
    let mut first = Running::start("worker-exec", &worker);
    until("the first verdicts", DEADLINE, || judged(&fleet) > 10);
    first.0.kill().expect("it runs");
    let second = Running::start("worker-exec", &worker);
    let so_far = judged(&fleet);
    until("more verdicts", DEADLINE, || judged(&fleet) > so_far + 10);
    let items = test_items(&completions);
    until("status tells", DEADLINE, || {
        let told = succeed(&[&["status"][..], &run].concat());
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        told.contains("completions") && told.contains(&format!("of {items}")) && !told.contains("shards")
    });
    eval.0.kill().expect("it runs");
    eval.0.wait().expect("it ends");
    let unfinished = judged(&fleet);
    assert!(unfinished < test_items(&data), "it was killed too late to show anything");

    let refused = case2code(&by_fleet);
    assert_eq!(refused.status.code(), Some(2), "an evaluation began in the folder of another");
    let refused = case2code(&[&["sink"][..], &run, &["--out", &text("samples")]].concat());
    assert_eq!(refused.status.code(), Some(2), "a sink took the name of an evaluation");
    let refused = case2code(&[&what[..], &run, &["--out", &other]].concat());
    assert_eq!(refused.status.code(), Some(2), "an evaluation took the name of one that is not done");
    let mut eval = Running::start("case2code", &[&by_fleet[..], &["--resume"]].concat());
    assert_eq!(eval.wait(DEADLINE), Some(0));
    for file in ["verdicts.jsonl", "summary.json", "report.html"] {
        let [one, many] = [&alone, &fleet].map(|out| fs::read(Path::new(out).join(file)).expect("a file"));
        assert!(one == many, "{file} of the fleet is another");
    }

    // The name is free for another.
    succeed(&[&what[..], &run, &["--out", &other, "--max-items", "5"]].concat());
    let dead = succeed(&[&["dead"][..], &run].concat());
    let dead = String::from_utf8_lossy(&dead.stdout).into_owned();
    // Answers to the process that died may come when its evaluation is over.
    assert!(dead == "nothing was set aside\n" || dead.contains("belongs to run"), "{dead}");
    drop(second);
}

fn test_items(data: &str) -> usize {
    fs::read_to_string(data).expect("the test set").lines().count()
}

#[test]
fn a_program_that_crashes_workers_is_wrong_and_harms_no_other() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().expect("a folder");
    let item = json!({
        "id": "double", "prompt": "", "func_name": "double", "code": "def double(x):\n    return x * 2\n",
        "example_str": "examples = [{'x': 1}, {'x': 2}]\n", "choosed_example_idx": [0],
        "example_outputs": [{ "return": "\"2\"" }, { "return": "\"4\"" }],
    });
    let answer = |body: &str| {
        let text = format!("def double(x):\n    {body}\n");
        format!("{}\n", json!({ "gen_answer_id": "double", "completions": text }))
    };
    let answers = answer("return x * 2") + &answer("return 'crash the worker'") + &answer("return x + x");
    let [data, completions] = write(folder.path(), &format!("{item}\n"), &answers);
    let (out, url) = (folder.path().join("out"), broker.url());
    let run = ["--run", "crash", "--amqp-url", &url];
    let files = ["eval", "--data", &data, "--completions", &completions, "--out", out.to_str().expect("a plain path")];
    let mut eval = Running::start("case2code", &[&files[..], &run].concat());
    let begun = Instant::now();
    let code = loop {
        // As Kubernetes would: a worker that died is started again.
        let mut worker = program("worker-exec");
        worker.args(["--sandbox", "namespace"]).args(run).env("CASE2CODE_FAILPOINT", "deliver:crash the worker=1");
        let mut worker = Running(worker.spawn().expect("it starts"));
        let ended = loop {
            assert!(begun.elapsed() < DEADLINE, "the evaluation does not end");
            if let Some(status) = eval.0.try_wait().expect("a child of ours") {
                break Some(status.code());
            }
            if worker.0.try_wait().expect("a child of ours").is_some() {
                break None;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if let Some(code) = ended {
            break code;
        }
    };
    assert_eq!(code, Some(0));
    let verdicts = fs::read_to_string(out.join("verdicts.jsonl")).expect("verdicts");
    let rows: Vec<Value> = verdicts.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<_> = rows.iter().map(|row| (row["raw"].as_str(), row["clean"].as_str())).collect();
    let right = (Some("correct"), Some("correct"));
    assert_eq!(told, [right, (Some("no_output"), Some("wrong")), right]);
    assert!(rows[1]["problem"].as_str().is_some_and(|problem| problem.contains("no attempt")), "{}", rows[1]);

    // It may have been bad luck: whoever asks for it again has it asked.
    let worker = ["--sandbox", "namespace", "--run", "crash", "--amqp-url", &url];
    let worker = Running::start("worker-exec", &worker);
    let again = succeed(&[&files[..], &run, &["--resume"]].concat());
    drop(worker);
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    let verdicts = fs::read_to_string(out.join("verdicts.jsonl")).expect("verdicts");
    assert!(!verdicts.contains("no attempt"), "{said}{verdicts}");
}
