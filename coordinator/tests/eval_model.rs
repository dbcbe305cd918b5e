//! Evaluations as a user makes them: a model is asked, two results are compared, a test set is made of samples.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod process;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, routing};
use process::{case2code, program, succeed};
use serde_json::{Value, json};

/// What was asked, in order.
type Asked = Arc<Mutex<Vec<Value>>>;

const RIGHT: &str = "<think>hm</think>```python\ndef double(x):\n    return x * 2\n```";
const CUT: &str = "```python\ndef double(x):\n    return x *";
const WRONG: &str = "```python\ndef double(x):\n    return x + 2\n```";

/// Starts a model that knows half of the answers; its URL.
fn model() -> (String, Asked) {
    let asked = Asked::default();
    let app = Router::new()
        .route("/v1/models", routing::get(|| async { json!({ "data": [{ "id": "half" }] }).to_string() }))
        .route("/v1/chat/completions", routing::post(answer))
        .with_state(Arc::clone(&asked));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket of ours");
    let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await
        })
    });
    (url, asked)
}

async fn answer(State(asked): State<Asked>, body: String) -> String {
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let question = request["messages"][0]["content"].as_str().unwrap_or_default();
    let (text, reason) = match question {
        _ if question.contains("item 0") => (RIGHT, "stop"),
        _ if question.contains("item 1") => (WRONG, "stop"),
        _ if question.contains("item 2") => (CUT, "length"),
        _ => ("yes", "stop"),
    };
    if request["max_tokens"] != 1 {
        asked.lock().expect("nobody panics while holding it").push(request.clone());
    }
    let message = json!({ "role": "assistant", "content": text });
    json!({ "choices": [{ "index": 0, "message": message, "finish_reason": reason }] }).to_string()
}

/// A test set of three items; its path.
fn test_set(folder: &Path) -> String {
    let item = |at: usize| {
        json!({
            "id": format!("item-{at}"),
            "prompt": format!("This is item {at}."),
            "func_name": "double",
            "example_str": "examples = [dict(x=1), dict(x=5)]",
            "example_outputs": [{ "return": "\"2\"" }, { "return": "\"10\"" }],
            "choosed_example_idx": [0],
            "code": "def double(x):\n    return x * 2\n",
        })
    };
    let path = folder.join("test.jsonl");
    fs::write(&path, (0..3).map(|at| item(at).to_string() + "\n").collect::<String>()).expect("a file");
    path.display().to_string()
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("it was written");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_model_is_asked_once_for_each_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, (url, asked)) = (test_set(folder.path()), model());
    let out = folder.path().join("out");
    let out_text = out.display().to_string();
    let eval = |more: &[&str]| -> Vec<String> {
        let fixed = ["eval", "--data", &data, "--llm-url", &url, "--sandbox", "namespace"];
        fixed.iter().chain(more).map(|text| (*text).to_owned()).collect()
    };
    let table = succeed(&eval(&["--out", &out_text, "--n", "2"])).stdout;
    let table = String::from_utf8_lossy(&table);
    assert!(table.contains("3 items, 6 completions") && table.contains("pass@2"), "{table}");
    let verdicts: Vec<_> = rows(&out.join("verdicts.jsonl")).iter().map(|row| row["raw"].clone()).collect();
    assert_eq!(verdicts, ["correct", "correct", "wrong", "wrong", "truncated", "truncated"]);
    let completions = rows(&out.join("completions.jsonl"));
    assert_eq!(completions[0]["completions"], RIGHT.trim_start_matches("<think>hm</think>"));
    assert!(completions[4]["completions"].as_str().is_some_and(|text| text.ends_with("x *<|NONSTOP|>")));
    let count = || asked.lock().expect("nobody panics while holding it").len();
    assert_eq!(count(), 6);
    {
        let asked = asked.lock().expect("nobody panics while holding it");
        let question = asked[0]["messages"][0]["content"].as_str().expect("text");
        assert!(question.contains("This is item") && question.contains("`double(**input_dict)`"), "{question}");
        let mut seeds: Vec<_> = asked.iter().map(|request| request["seed"].as_u64()).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 6, "each answer has a seed of its own");
    }

    // A crash cut both journals: what is left is not asked for again.
    let before = fs::read(out.join("verdicts.jsonl")).expect("verdicts");
    for journal in ["completions.jsonl", "items.jsonl"] {
        let path = out.join(".state").join(journal);
        let text = fs::read(&path).expect("a journal");
        let third = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).expect("three lines").0;
        fs::write(&path, &text[..third]).expect("a journal");
    }
    fs::remove_file(out.join("verdicts.jsonl")).expect("verdicts");
    succeed(&eval(&["--out", &out_text, "--n", "2", "--resume"]));
    assert_eq!(fs::read(out.join("verdicts.jsonl")).expect("verdicts"), before);
    assert_eq!(count(), 10, "two of six were kept");

    // Other settings are another evaluation.
    let other = case2code(&eval(&["--out", &out_text, "--n", "2", "--resume", "--temperature", "0.9"]));
    let said = String::from_utf8_lossy(&other.stderr);
    assert_eq!(other.status.code(), Some(2));
    assert!(said.contains("temperature was 0.2, is 0.9"), "{said}");

    // For a tuned model the prompt is the item's.
    let plain = folder.path().join("plain");
    succeed(&eval(&["--out", &plain.display().to_string(), "--prompt", "plain"]));
    let last = asked.lock().expect("nobody panics while holding it").pop().expect("a question");
    let question = last["messages"][0]["content"].as_str().expect("text");
    assert!(["This is item 0.", "This is item 1.", "This is item 2."].contains(&question), "{question}");

    // Nobody is asked on behalf of a folder that another process works in.
    let busy = folder.path().join("busy");
    fs::create_dir_all(busy.join(".state")).expect("a folder");
    let lock = fs::File::create(busy.join(".state/lock")).expect("a file");
    lock.try_lock().expect("nobody has it");
    let before_it = count();
    let refused = case2code(&eval(&["--out", &busy.display().to_string()]));
    assert_eq!((refused.status.code(), count()), (Some(2), before_it), "{}", String::from_utf8_lossy(&refused.stderr));

    // The answers that the model gave, scored as a file, give the same verdicts.
    let again = folder.path().join("again");
    let file = out.join("completions.jsonl").display().to_string();
    succeed(&eval(&["--out", &again.display().to_string(), "--completions", &file]));
    assert_eq!(fs::read(again.join("verdicts.jsonl")).expect("verdicts"), before);
}

#[test]
fn two_evaluations_are_compared_pair_by_pair() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = test_set(folder.path());
    let evaluate = |name: &str, answers: [&str; 3], further: &[&str]| {
        let file = folder.path().join(format!("{name}.jsonl"));
        let row = |(at, text): (usize, &&str)| json!({ "gen_answer_id": format!("item-{at}"), "completions": text });
        let text: String = answers.iter().enumerate().map(|pair| row(pair).to_string() + "\n").collect();
        fs::write(&file, text).expect("a file");
        let out = folder.path().join(name).display().to_string();
        let file = file.display().to_string();
        let flags = ["eval", "--data", &data, "--completions", &file, "--out", &out, "--sandbox", "namespace"];
        succeed(&[&flags[..], further].concat());
        out
    };
    let (a, b) = (evaluate("a", [RIGHT, WRONG, WRONG], &[]), evaluate("b", [RIGHT, RIGHT, WRONG], &[]));
    let text = String::from_utf8_lossy(&succeed(&["compare", &a, &b]).stdout).into_owned();
    assert!(text.contains("McNemar") && text.contains("B only  item-1 #0"), "{text}");
    assert!(!text.contains("not alike"), "{text}");
    let c = evaluate("c", [RIGHT, RIGHT, WRONG], &["--timeout", "1.5"]);
    let text = String::from_utf8_lossy(&succeed(&["compare", &a, &c]).stdout).into_owned();
    assert!(text.contains("not alike: timeout_s is 3.0 in A, 1.5 in B"), "{text}");
    let told: Value = serde_json::from_slice(&succeed(&["compare", &a, &b, "--json"]).stdout).expect("JSON");
    let clean = &told["paired"][1];
    let counts = ["kind", "both", "first", "second", "neither", "p"].map(|key| clean[key].clone());
    assert_eq!(counts, [json!("clean"), json!(1), json!(0), json!(1), json!(1), json!(1.0)]);
    let nothing = case2code(&["compare", &a, &folder.path().join("none").display().to_string()]);
    assert_eq!(nothing.status.code(), Some(2));
    assert_eq!(case2code(&["report", &a]).status.code(), Some(2), "an evaluation is no run");
}

#[test]
fn a_test_set_of_samples_measures_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (samples, test, twice) = (path("samples"), path("test.jsonl"), path("twice.jsonl"));
    let sandbox = ["--sandbox", "namespace"];
    let run =
        ["run", "examples", "examples/functions.jsonl", "--writer", "builtin", "--inputs", "12", "--out", &samples];
    succeed(&[&run[..], &sandbox].concat());
    let make = |out: &str| {
        [&["make-test", out, "--from", &samples, "--n", "9"][..], &sandbox]
            .concat()
            .iter()
            .map(|s| (*s).to_owned())
            .collect::<Vec<_>>()
    };
    let said = succeed(&make(&test)).stdout;
    let items = rows(Path::new(&test));
    assert_eq!(items.len(), 9, "{}", String::from_utf8_lossy(&said));
    succeed(&make(&twice));
    assert_eq!(fs::read(&test).expect("a set"), fs::read(&twice).expect("a set"));
    assert_eq!(case2code(&make(&twice)).status.code(), Some(2), "a file that is there was written over");
    assert_eq!(fs::read(&test).expect("a set"), fs::read(&twice).expect("a set"));
    // Several rows of a function are no reason against it, and make no second item.
    let (several, of_several) = (path("several"), path("of_several.jsonl"));
    succeed(&["assemble", &samples, "--out", &several, "--task", "deduction,induction", "--renderings", "2"]);
    succeed(&[&["make-test", &of_several, "--from", &several, "--n", "9"][..], &sandbox].concat());
    let of_several = rows(Path::new(&of_several));
    let codes: BTreeSet<_> = of_several.iter().map(|row| row["code"].as_str()).collect();
    assert_eq!((of_several.len(), codes.len()), (9, 9));
    let lengths: Vec<_> =
        items.iter().map(|item| item["code"].as_str().map_or(0, |code| code.lines().count())).collect();
    let (shortest, longest) = (lengths.iter().min().copied(), lengths.iter().max().copied());
    assert!(longest >= shortest.map(|length| length + 5), "short and long ones: {lengths:?}");
    let answers = path("answers.jsonl");
    let own = |item: &Value| json!({ "gen_answer_id": item["id"], "completions": item["output"] }).to_string() + "\n";
    fs::write(&answers, items.iter().map(own).collect::<String>()).expect("a file");
    let out = path("eval");
    let eval = ["eval", "--data", &test, "--completions", &answers, "--out", &out];
    succeed(&[&eval[..], &sandbox].concat());
    let text = fs::read_to_string(Path::new(&out).join("summary.json")).expect("a summary");
    let summary: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(summary["clean"], json!({ "correct": 9, "unscoreable": 0, "wrong": 0 }));
    assert_eq!(summary["raw"]["correct"], 9, "sets of other orders aside, the text is the same too");
    assert!(summary["inputs"]["held_out"].as_u64() >= Some(27), "{}", summary["inputs"]);
    let help = program("case2code").arg("make-test").arg("--help").output().expect("it starts");
    assert!(String::from_utf8_lossy(&help.stdout).contains("published form"));
}
