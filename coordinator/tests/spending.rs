//! Limits on what a run may spend: it stops, and goes on with a higher one to the same bytes.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod process;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use process::{case2code, corpus, parts, succeed};
use serde_json::{Value, json};

/// Starts a server whose answers depend on nothing but the question; its URL, and how many completions it gave.
fn server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || converse(stream, &counter));
        }
    });
    (url, asked)
}

fn converse(stream: TcpStream, asked: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let (mut line, mut length, mut first) = (String::new(), 0, String::new());
        while reader.read_line(&mut line).ok()? > 0 && line != "\r\n" {
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        if first.is_empty() {
            return None;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = if first.starts_with("GET") {
            json!({"data": [{"id": "small"}]})
        } else {
            asked.fetch_add(1, Ordering::SeqCst);
            complete(&serde_json::from_slice(&body).ok()?)
        };
        let (answer, head) = (answer.to_string(), "HTTP/1.1 200 OK\r\ncontent-type: application/json");
        write!(writer, "{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).ok()?;
    }
}

/// Inputs for the last function that a question shows.
fn complete(request: &Value) -> Value {
    let question = request["messages"][0]["content"].as_str().unwrap_or_default();
    let signature = question.rsplit_once("def f").and_then(|(_, rest)| rest.split_once('(')?.1.split_once(')'));
    let names = signature.map_or("", |(names, _)| names).split(", ");
    let value = |name: &str, k: usize| match name {
        "text" => format!("'t{k}'"),
        "items" => format!("[{k}, 2]"),
        "words" => format!("['w{k}', 'a']"),
        _ => k.to_string(),
    };
    let call = |k| names.clone().map(|name| format!("{name}={}", value(name, k))).collect::<Vec<_>>().join(", ");
    let calls: Vec<_> = (0..10).map(|k| format!("dict({})", call(k))).collect();
    let text = format!("```python\nexamples = [{}]\n```", calls.join(", "));
    let message = json!({"role": "assistant", "content": text});
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 20});
    json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})
}

fn flags<'a>(input: &'a Path, out: &'a Path, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let text = |path: &'a Path| path.to_str().expect("a plain path");
    let mut flags = vec!["run", text(input), "--out", text(out), "--llm-url", url, "--sandbox", "namespace"];
    flags.extend(["--format", "jsonl", "--shard-size", "20", "--concurrency", "2"]);
    flags.extend(more);
    flags
}

/// `usage` of run.json.
fn usage(out: &Path) -> Value {
    let text = std::fs::read(out.join("run.json")).expect("run.json");
    serde_json::from_slice::<Value>(&text).expect("JSON")["usage"].clone()
}

#[test]
fn a_limit_stops_a_run_and_a_higher_one_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, (url, asked)) = (corpus(folder.path(), 70), server());
    let (calm, limited) = (folder.path().join("calm"), folder.path().join("limited"));
    succeed(&flags(&input, &calm, &url, &[]));
    let low: &[&str] = &["--price", "1,2", "--max-tokens-total", "2000"];
    let stopped = case2code(&flags(&input, &limited, &url, low));
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert_eq!(stopped.status.code(), Some(5), "{said}");
    assert!(said.contains("--max-tokens-total 2000") && said.contains("higher limit"), "{said}");
    // The same limit again ends at once, with no server there either.
    let before = asked.load(Ordering::SeqCst);
    for url in [&*url, "http://127.0.0.1:1/v1"] {
        let again = case2code(&flags(&input, &limited, url, low));
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert_eq!(again.status.code(), Some(5), "{said}");
        assert!(said.contains("--max-tokens-total 2000"), "{said}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), before, "nothing was asked");
    succeed(&flags(&input, &limited, &url, &["--price", "1,2", "--max-cost", "100"]));
    assert!(parts(&calm) == parts(&limited), "the bytes differ");
    let (one, both) = (usage(&calm), usage(&limited));
    assert_eq!((&one["model"], &one["cost"]), (&json!("small"), &Value::Null), "{one}");
    assert!(both["calls"].as_u64() >= one["calls"].as_u64(), "what all processes spent: {both}, {one}");
    assert!(both["cost"].as_f64() > Some(0.0) && both["tokens_per_accepted"].as_f64() > Some(0.0), "{both}");
}

#[test]
fn a_limit_that_is_reached_with_the_last_function_does_not_keep_a_run_from_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, (url, asked)) = (corpus(folder.path(), 40), server());
    let (calm, limited) = (folder.path().join("calm"), folder.path().join("limited"));
    succeed(&flags(&input, &calm, &url, &[]));
    let spent = usage(&calm);
    let tokens =
        spent["prompt_tokens"].as_u64().expect("a number") + spent["completion_tokens"].as_u64().expect("a number");
    let limit = tokens.to_string();
    let limit: &[&str] = &["--max-tokens-total", &limit];
    let first = case2code(&flags(&input, &limited, &url, limit));
    assert!(matches!(first.status.code(), Some(0 | 5)), "{}", String::from_utf8_lossy(&first.stderr));
    let before = asked.load(Ordering::SeqCst);
    succeed(&flags(&input, &limited, &url, limit));
    assert_eq!(asked.load(Ordering::SeqCst), before, "nothing was asked");
    assert!(parts(&calm) == parts(&limited), "the bytes differ");
}

#[test]
fn a_filter_stops_at_its_limit_with_whole_lines_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, (url, _)) = (corpus(folder.path(), 70), server());
    let functions = succeed(&["collect", input.to_str().expect("plain")]).stdout;
    let path = folder.path().join("functions");
    std::fs::write(&path, functions).expect("a file");
    let path = path.to_str().expect("plain");
    let write = ["write-inputs", path, "--llm-url", &url, "--concurrency", "2"];
    let whole = succeed(&write).stdout;
    let cut = case2code(&[&write[..], &["--max-tokens-total", "1500"]].concat());
    assert_eq!(cut.status.code(), Some(5), "{}", String::from_utf8_lossy(&cut.stderr));
    assert!(cut.stdout.ends_with(b"\n") && cut.stdout.len() < whole.len());
    assert!(whole.starts_with(&cut.stdout), "a beginning of the whole output");
}

#[test]
fn a_dry_run_shows_prompts_and_cost_and_needs_no_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (corpus(folder.path(), 70), folder.path().join("out"));
    let dry = succeed(&flags(&input, &out, "http://127.0.0.1:1/v1", &["--dry-run", "--price", "1,2"]));
    let text = String::from_utf8_lossy(&dry.stdout).into_owned();
    assert_eq!(text.matches("=== prompt for ").count(), 3, "{text}");
    for part in ["70 items", "calls  ", "prompt tokens", "completion tokens", "cost"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!out.exists(), "nothing is written");
}
