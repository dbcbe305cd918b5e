//! The writer against a server that misbehaves.

mod fake;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use clap::Parser;
use fake::{BLOCK, ONE_MODEL, Reply, Script, serve, serve_greeting};
use pipeline::{
    error::Failure,
    reason::Reason,
    records::{Function, GeneratedInputs, WriteTask},
    stage::{Stage, StageError, Verdict},
};
use prometheus::Registry;
use worker_llm::{WayBack, Writer, client::Patience, settings::WriterSettings};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    writer: WriterSettings,
}

/// Short enough for a test, long enough for a loaded machine.
const PATIENCE: Patience = Patience {
    tries: 4,
    pause: Duration::from_millis(1),
    outage: Duration::from_secs(3),
    total: Duration::from_secs(60),
};

fn settings(flags: &[&str]) -> WriterSettings {
    Cli::try_parse_from([&["test"], flags].concat()).expect("the flags are right").writer
}

fn function(id: &str) -> Function {
    Function {
        id: id.into(),
        name: "f".into(),
        parameters: vec!["a".into()],
        code: "def f(a):\n    return f'<{a}>' + '{{ a & b }}'\n".into(),
        context: "import math".into(),
        meta: serde_json::Map::new(),
    }
}

fn task(id: &str) -> WriteTask {
    WriteTask::Write(function(id))
}

async fn started(url: &str, flags: &[&str]) -> Result<Arc<Writer>, Failure> {
    let settings = settings(&[&["--llm-url", url], flags].concat());
    Writer::start_with(&settings, WayBack::None, &Registry::new(), PATIENCE).await
}

/// What one function becomes on a server with this script.
async fn outcome(replies: &[Reply], flags: &[&str]) -> (Result<Verdict<GeneratedInputs>, StageError>, Arc<Script>) {
    let (url, script) = serve(ONE_MODEL, replies).await;
    let writer = started(&url, flags).await.expect("the server is there");
    (writer.process(task("x"), 7).await, script)
}

fn calls(script: &Script) -> usize {
    script.asked.lock().expect("nobody panicked").len()
}

fn passed(result: Result<Verdict<GeneratedInputs>, StageError>) -> GeneratedInputs {
    match result {
        Ok(Verdict::Pass(record)) => record,
        other => panic!("no record: {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_becomes_a_record() {
    let (result, script) = outcome(&[Reply::Text(BLOCK)], &[]).await;
    let record = passed(result);
    assert_eq!(record.examples, "examples = [dict(a=1), dict(a=2)]\n");
    assert_eq!(record.generation.completion, BLOCK);
    assert_eq!((record.generation.prompt_tokens, record.generation.completion_tokens), (100, 20));
    let asked = script.asked.lock().expect("nobody panicked")[0].clone();
    assert_eq!(asked["seed"].as_u64(), record.generation.seed);
    assert!(record.generation.seed.is_some_and(|seed| seed < 1 << 31));
    let question = asked["messages"][0]["content"].as_str().expect("text").to_owned();
    assert!(question.contains("import math\n\ndef f(a):\n    return f'<{a}>' + '{{ a & b }}'"), "{question}");
}

#[tokio::test]
async fn trouble_that_passes_leaves_no_trace() {
    let clean = passed(outcome(&[], &[]).await.0);
    let troubles: [&[Reply]; 5] = [
        &[Reply::Status(500, ""), Reply::Status(503, "busy")],
        &[Reply::Status(200, "garbage")],
        &[Reply::Status(200, r#"{"choices": []}"#)],
        &[Reply::Hang],
        &[Reply::Throttle("0"), Reply::Throttle("0"), Reply::Throttle("0"), Reply::Throttle("0"), Reply::Throttle("0")],
    ];
    for replies in troubles {
        let (result, script) = outcome(replies, &["--llm-timeout", "1"]).await;
        assert_eq!(passed(result), clean, "{replies:?}");
        assert_eq!(calls(&script), replies.len() + 1, "{replies:?}");
    }
}

/// What a server says beside its answer takes nothing from the answer.
#[tokio::test]
async fn what_stands_beside_an_answer_costs_no_answer() {
    let choices = [
        format!(r#"{{"index": null, "finish_reason": {{}}, "message": {{"content": {BLOCK:?}}}}}"#),
        format!(r#"{{"message": {{"content": [{{"type": "text", "text": {BLOCK:?}}}]}}}}"#),
    ];
    for choice in choices {
        let body = format!(r#"{{"choices": [{choice}], "usage": {{"prompt_tokens": {}}}}}"#, u64::MAX);
        let (result, script) = outcome(&[Reply::Status(200, body.leak())], &[]).await;
        assert_eq!(passed(result).generation.completion, BLOCK, "{choice}");
        assert_eq!(calls(&script), 1, "{choice}");
    }
}

#[tokio::test]
async fn odd_counts_are_none() {
    let usages = [
        r#", "usage": null"#,
        r#", "usage": {"prompt_tokens": -5, "completion_tokens": "7"}"#,
        r#", "usage": {"prompt_tokens": 1.5, "prompt_tokens_details": []}"#,
        r#", "usage": []"#,
        "",
    ];
    for usage in usages {
        let body = format!(r#"{{"choices": [{{"message": {{"content": {BLOCK:?}}}}}]{usage}}}"#);
        let (result, script) = outcome(&[Reply::Status(200, body.leak())], &[]).await;
        let record = passed(result);
        assert_eq!((record.generation.prompt_tokens, record.generation.completion_tokens), (0, 0), "{usage}");
        assert_eq!(calls(&script), 1, "{usage}");
    }
}

#[tokio::test]
async fn settings_out_of_range_name_their_flag() {
    let wrong = [
        ("--top-p", "1.5"),
        ("--temperature", "101"),
        ("--max-tokens", "0"),
        ("--n", "0"),
        ("--rounds", "65"),
        ("--repair", "17"),
        ("--inputs", "1001"),
        ("--concurrency", "0"),
    ];
    for (flag, value) in wrong {
        let failure = started("http://127.0.0.1:1/v1", &[flag, value]).await.expect_err("it is out of range");
        assert_eq!(failure.exit_code(), 2, "{flag} {value}: {failure}");
        assert!(failure.to_string().contains(flag), "{flag} {value}: {failure}");
    }
    for flag in ["--temperature", "--top-p", "--max-cost"] {
        for value in ["nan", "inf", "x"] {
            assert!(Cli::try_parse_from(["test", flag, value]).is_err(), "{flag} {value}");
        }
    }
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let begun = Instant::now();
    passed(outcome(&[Reply::Throttle("1")], &[]).await.0);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_refused_request_is_a_rejection() {
    for status in [400, 413, 422] {
        let (result, script) = outcome(&[Reply::Status(status, "too long at 10:00 on host-7")], &[]).await;
        let Ok(Verdict::Reject(rejection)) = result else { panic!("no rejection: {result:?}") };
        assert_eq!(rejection.reason, Reason::RequestRefused);
        assert_eq!(rejection.detail, format!("the LLM server refused the request (HTTP {status})"));
        // A canary shows that the server accepts others.
        assert_eq!(calls(&script), 2);
    }
}

#[tokio::test]
async fn a_server_that_refuses_everything_says_nothing_about_the_record() {
    let (url, script) = serve(ONE_MODEL, &[Reply::Status(400, "unknown field top_p"); 4]).await;
    let writer = started(&url, &[]).await.expect("the server is there");
    for _ in 0..2 {
        let result = writer.process(task("x"), 7).await;
        let Err(StageError::Unavailable(words)) = result else { panic!("not the server's fault: {result:?}") };
        assert!(words.contains("--top-p") && words.contains("unknown field top_p"), "{words}");
    }
    assert_eq!(calls(&script), 4);
}

#[tokio::test]
async fn a_server_known_to_work_is_believed_at_once() {
    let (url, script) = serve(ONE_MODEL, &[Reply::Text(BLOCK), Reply::Status(400, "")]).await;
    let writer = started(&url, &[]).await.expect("the server is there");
    passed(writer.process(task("x"), 7).await);
    let result = writer.process(task("y"), 7).await;
    assert!(matches!(&result, Ok(Verdict::Reject(no)) if no.reason == Reason::RequestRefused), "{result:?}");
    assert_eq!(calls(&script), 2);
}

#[tokio::test]
async fn a_request_throttled_without_end_is_given_back() {
    let hasty = Patience { total: Duration::from_millis(200), ..PATIENCE };
    for (throttled, others_work) in [(1, true), (1000, false)] {
        let (url, _) = serve(ONE_MODEL, &vec![Reply::Throttle("500"); throttled]).await;
        let begun = Instant::now();
        let writer = Writer::start_with(&settings(&["--llm-url", &url]), WayBack::None, &Registry::new(), hasty).await;
        let result = writer.expect("the server is there").process(task("x"), 7).await;
        assert!(begun.elapsed() < Duration::from_secs(400), "{:?}", begun.elapsed());
        assert_eq!(matches!(result, Err(StageError::Failed(_))), others_work, "{result:?}");
        assert_eq!(matches!(result, Err(StageError::Unavailable(_))), !others_work, "{result:?}");
    }
}

#[tokio::test]
async fn answers_without_inputs_are_rejections() {
    let cases = [
        ("", Reason::EmptyCompletion),
        ("No idea, sorry.", Reason::UnparsableCompletion),
        ("x = 1", Reason::NoExamples),
    ];
    for (text, reason) in cases {
        let (result, script) = outcome(&[Reply::Text(text); 3], &["--repair", "0"]).await;
        assert_eq!(calls(&script), 3);
        assert!(matches!(&result, Ok(Verdict::Reject(rejection)) if rejection.reason == reason), "{result:?}");
    }
}

#[tokio::test]
async fn a_key_that_expires_midway_says_nothing_about_the_record() {
    let (result, script) = outcome(&[Reply::Status(401, "")], &[]).await;
    assert!(matches!(&result, Err(StageError::Unavailable(words)) if words.contains("OPENAI_API_KEY")), "{result:?}");
    assert_eq!(calls(&script), 1);
}

#[tokio::test]
async fn a_server_that_is_down_for_long_gives_the_record_back() {
    let (result, script) = outcome(&[Reply::Status(502, ""); 10_000], &[]).await;
    assert!(matches!(result, Err(StageError::Unavailable(_))), "{result:?}");
    assert!(calls(&script) > 4, "it kept trying: {} calls", calls(&script));
}

#[tokio::test]
async fn a_request_that_fails_on_a_server_that_works_counts_against_its_record() {
    // Four tries; then the server answers the canary.
    let (result, script) = outcome(&[Reply::Status(500, ""); 4], &[]).await;
    assert!(matches!(result, Err(StageError::Failed(_))), "{result:?}");
    assert_eq!(calls(&script), 4 + 1);
}

#[tokio::test]
async fn no_more_requests_at_once_than_allowed() {
    let (url, script) = serve(ONE_MODEL, &[Reply::Hang, Reply::Hang]).await;
    let writer = started(&url, &["--concurrency", "2", "--llm-timeout", "1"]).await.expect("the server is there");
    let all = (0..5).map(|n| {
        let writer = Arc::clone(&writer);
        tokio::spawn(async move { passed(writer.process(task(&n.to_string()), 7).await) })
    });
    let all: Vec<_> = all.collect();
    while calls(&script) < 2 {
        tokio::task::yield_now().await;
    }
    // Both permits hang until the time limit; the others' requests come only after it.
    let begun = Instant::now();
    while calls(&script) == 2 {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() > Duration::from_millis(500), "a third request after {:?}", begun.elapsed());
    for one in all {
        one.await.expect("it does not panic");
    }
}

#[tokio::test]
async fn starting_names_the_setting_to_change() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/v1", listener.local_addr().expect("it is bound"))
    };
    const TWO: &str = r#"{"data": [{"id": "small"}, {"id": "large"}]}"#;
    let table: [(&str, &[&str], u8, &str); 9] = [
        ("", &[], 3, "--llm-url"),
        ("401", &[], 3, "OPENAI_API_KEY"),
        ("403", &[], 3, "OPENAI_API_KEY"),
        ("500", &[], 3, "--llm-url"),
        ("<html>", &[], 3, "--llm-url"),
        ("404", &[], 2, "--model"),
        (TWO, &[], 2, "small, large"),
        (TWO, &["--model", "medium"], 2, "small, large"),
        (ONE_MODEL, &["--prompt", "nope"], 2, "write-inputs, write-inputs-json, write-inputs-zero-shot"),
    ];
    for (models, flags, code, words) in table {
        let url = if models.is_empty() { closed.clone() } else { serve(models, &[]).await.0 };
        let failure = started(&url, flags).await.expect_err("it cannot start");
        assert_eq!(failure.exit_code(), code, "{models} {flags:?}: {failure}");
        assert!(failure.to_string().contains(words), "{models} {flags:?}: {failure}");
    }
    // The list is open to everyone, answers are not; a server that is busy has been reached.
    let (url, _) = serve_greeting(ONE_MODEL, 401, &[]).await;
    let failure = started(&url, &[]).await.expect_err("a wrong key");
    assert!(failure.exit_code() == 3 && failure.to_string().contains("OPENAI_API_KEY"), "{failure}");
    let (url, _) = serve_greeting(ONE_MODEL, 400, &[]).await;
    let failure = started(&url, &[]).await.expect_err("it refuses what every request has");
    assert!(failure.exit_code() == 3 && failure.to_string().contains("--top-p"), "{failure}");
    // One of two is enough.
    let (url, _) = serve(ONE_MODEL, &[]).await;
    passed(started(&closed, &["--llm-url", &url]).await.expect("the other is there").process(task("x"), 7).await);
    let (url, _) = serve_greeting(ONE_MODEL, 503, &[]).await;
    started(&url, &[]).await.expect("busy is not gone");
    let (url, _) = serve("404", &[]).await;
    assert_eq!(started(&url, &["--model", "any"]).await.expect("named").identity()["model"], "any");
    let (url, _) = serve(TWO, &[]).await;
    assert_eq!(started(&url, &["--model", "large"]).await.expect("named").identity()["model"], "large");
}

#[tokio::test]
async fn a_template_of_ones_own_wins_if_it_shows_the_function() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |text: &str| std::fs::write(folder.path().join("write-inputs.jinja"), text).expect("it is writable");
    let flags = ["--prompts-dir", folder.path().to_str().expect("UTF-8")];
    let (url, script) = serve(ONE_MODEL, &[]).await;
    write("Mine: {{ code }}");
    let record = passed(started(&url, &flags).await.expect("it renders").process(task("x"), 7).await);
    // printf 'Mine: {{ code }}' | sha256sum
    let sha256 = "d80c27280196fc99f378c4d9f45c282489875925f31c183709697ba7ccae9c93";
    assert_eq!(record.generation.prompt_sha256, sha256);
    let asked = script.asked.lock().expect("nobody panicked")[0].clone();
    assert!(asked["messages"][0]["content"].as_str().is_some_and(|text| text.starts_with("Mine: def f(a):")));
    for wrong in ["No function", "{{ code", "{{ code }}{{ nothing }}"] {
        write(wrong);
        let failure = started(&url, &flags).await.expect_err("the template is wrong");
        assert_eq!(failure.exit_code(), 2, "{wrong}: {failure}");
    }
}

/// Waits until the server has seen so many connections closed under unanswered requests.
async fn abandoned(script: &Script, number: usize) {
    let seen = async {
        while script.abandoned.load(Ordering::SeqCst) < number {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the connection is closed");
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_given_up_and_its_connection_closed() {
    let (result, script) = outcome(&[Reply::Hang], &["--llm-first-byte-timeout", "1"]).await;
    passed(result);
    abandoned(&script, 1).await;
}

#[tokio::test]
async fn work_that_is_given_up_closes_its_connection() {
    let (url, script) = serve(ONE_MODEL, &[Reply::Hang]).await;
    let writer = started(&url, &[]).await.expect("the server is there");
    let work = tokio::spawn(async move { writer.process(task("x"), 7).await });
    while calls(&script) < 1 {
        tokio::task::yield_now().await;
    }
    work.abort();
    abandoned(&script, 1).await;
}
