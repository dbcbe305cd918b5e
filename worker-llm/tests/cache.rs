//! Answers that were paid for once are not paid for again.

mod fake;

use std::{path::Path, sync::Arc};

use clap::Parser;
use fake::{ONE_MODEL, Reply, Script, serve, serve_greeting};
use pipeline::{
    records::{Function, GeneratedInputs, WriteTask},
    stage::Stage,
};
use prometheus::Registry;
use worker_llm::{WayBack, Writer, settings::WriterSettings};

const NO_ANSWER: &str = r#"{"answers": [], "prompt_tokens": 1, "cached_tokens": 0, "completion_tokens": 1}"#;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    writer: WriterSettings,
}

async fn written(url: &str, cache: &Path, id: &str, flags: &[&str]) -> GeneratedInputs {
    let cache = cache.to_str().expect("UTF-8");
    let flags = [&["test", "--llm-url", url, "--cache", cache][..], flags].concat();
    let settings = Cli::try_parse_from(flags).expect("the flags are right").writer;
    let writer = Writer::start(&settings, WayBack::None, &Registry::new()).await.expect("the server is there");
    let function = Function {
        id: id.into(),
        name: "f".into(),
        parameters: vec!["a".into()],
        code: "def f(a):\n    return a\n".into(),
        context: String::new(),
        meta: serde_json::Map::new(),
    };
    let verdict = writer.process(WriteTask::Write(function), 7).await.expect("the server works");
    verdict.without_repair().expect("it has inputs")
}

fn calls(script: &Arc<Script>) -> usize {
    script.asked.lock().expect("nobody panicked").len()
}

/// Files of a folder, however deep.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn the_same_requests_are_not_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    // What is asked again and what is unusable is kept, too: a re-run goes the same way.
    let (url, script) = serve(ONE_MODEL, &[Reply::Text("No.")]).await;
    let first = written(&url, folder.path(), "x", &[]).await;
    assert_eq!(calls(&script), 2);
    // A greeting would be a call, and fail the start.
    let (url, script) = serve_greeting(ONE_MODEL, 401, &[Reply::Text("another answer")]).await;
    assert_eq!(written(&url, folder.path(), "x", &[]).await, first);
    assert_eq!(calls(&script), 0);
}

#[tokio::test]
async fn whatever_determines_an_answer_is_part_of_the_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let (url, script) = serve(ONE_MODEL, &[]).await;
    let others: [&[&str]; 9] = [
        &[],
        &["--temperature", "0.5"],
        &["--top-p", "0.5"],
        &["--max-tokens", "5"],
        &["--stop", "x"],
        &["--extra-body", "{\"top_k\": 1}"],
        &["--api", "completion"],
        &["--structured", "json"],
        &["--prompt", "write-inputs-zero-shot"],
    ];
    for (nth, flags) in others.iter().enumerate() {
        written(&url, folder.path(), "x", flags).await;
        assert_eq!(calls(&script), nth + 1, "{flags:?}");
    }
    // Another function has another seed.
    written(&url, folder.path(), "y", &[]).await;
    assert_eq!(calls(&script), others.len() + 1);
}

#[tokio::test]
async fn a_damaged_entry_is_asked_for_again_and_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let (url, script) = serve(ONE_MODEL, &[]).await;
    let first = written(&url, folder.path(), "x", &[]).await;
    let entries = files(folder.path());
    assert_eq!(entries.len(), 1, "{entries:?}");
    for damage in ["", "{\"answers\": [", "[]", NO_ANSWER] {
        std::fs::write(&entries[0], damage).expect("writable");
        let before = calls(&script);
        assert_eq!(written(&url, folder.path(), "x", &[]).await, first);
        assert_eq!(calls(&script), before + 1, "{damage}");
        assert_eq!(written(&url, folder.path(), "x", &[]).await, first);
        assert_eq!(calls(&script), before + 1, "{damage}");
    }
}

#[tokio::test]
async fn many_at_once_leave_whole_entries() {
    let folder = tempfile::tempdir().expect("a folder");
    let (url, script) = serve(ONE_MODEL, &[]).await;
    let ids: Vec<String> = (0..40).map(|nth| (nth % 4).to_string()).collect();
    let all = ids.iter().map(|id| written(&url, folder.path(), id, &[]));
    futures_util::future::join_all(all).await;
    assert_eq!(files(folder.path()).len(), 4, "something was left over");
    let before = calls(&script);
    for id in &ids {
        written(&url, folder.path(), id, &[]).await;
    }
    assert_eq!(calls(&script), before);
}
