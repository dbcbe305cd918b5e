//! What is spent on a scripted server, and what a limit does.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod fake;

use clap::Parser;
use fake::{ONE_MODEL, Reply, serve};
use pipeline::{
    records::{Function, WriteTask},
    stage::{Stage, StageError},
};
use prometheus::Registry;
use worker_llm::{
    WayBack, Writer,
    budget::{Budget, Price, Usage},
    estimate::Estimate,
    settings::WriterSettings,
};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    writer: WriterSettings,
}

fn settings(flags: &[&str]) -> WriterSettings {
    Cli::try_parse_from([&["test"], flags].concat()).expect("the flags are right").writer
}

fn function(id: &str) -> Function {
    Function {
        id: id.into(),
        name: "f".into(),
        parameters: vec!["a".into()],
        code: "def f(a):\n    return a + 1\n".into(),
        context: String::new(),
        meta: serde_json::Map::new(),
    }
}

#[test]
fn a_wrong_price_or_limit_is_told_by_its_flag() {
    let cases: &[(&[&str], Option<&str>)] = &[
        (&["--price", "0.15,0.6"], None),
        (&["--price", "0, 0"], None),
        (&["--price", "1,2", "--max-cost", "0.5", "--max-tokens-total", "1"], None),
        (&["--price", "1"], Some("--price")),
        (&["--price", "1,2,3"], Some("--price")),
        (&["--price", "1,-2"], Some("--price")),
        (&["--price", "1,inf"], Some("--price")),
        (&["--price", "a,b"], Some("--price")),
        (&["--max-cost", "1"], Some("--price")),
        (&["--price", "1,2", "--max-cost", "0"], Some("--max-cost")),
    ];
    for (flags, names) in cases {
        match (settings(flags).budget(Usage::default()), names) {
            (Ok(_), None) => {}
            (Err(failure), Some(flag)) => {
                assert!(failure.to_string().contains(flag), "{flags:?}: {failure}");
                assert_eq!(failure.exit_code(), 2, "{flags:?}");
            }
            (told, _) => panic!("{flags:?}: {told:?}"),
        }
    }
}

#[test]
fn a_limit_is_reached_when_as_much_is_spent() {
    let spent = |prompt_tokens, completion_tokens| Usage { prompt_tokens, completion_tokens, ..Usage::default() };
    let price = Price { prompt: 1.0, completion: 2.0 };
    // Limits on tokens and cost; spent before; spent now; the flag that is reached.
    let cases = [
        (None, None, spent(1 << 40, 0), spent(1, 1), None),
        (Some(100), None, spent(0, 0), spent(50, 49), None),
        (Some(100), None, spent(0, 0), spent(50, 50), Some("--max-tokens-total 100")),
        (Some(100), None, spent(60, 40), spent(0, 0), Some("--max-tokens-total 100")),
        (None, Some(3.0), spent(1_000_000, 0), spent(0, 999_999), None),
        (None, Some(3.0), spent(1_000_000, 0), spent(0, 1_000_000), Some("--max-cost 3")),
    ];
    for (tokens, cost, before, now, reached) in cases {
        let budget = Budget::new(Some(price), tokens, cost, before);
        budget.spend(&now);
        assert_eq!(budget.total(), before + now);
        assert_eq!(budget.exhausted().is_cancelled(), reached.is_some(), "{budget:?}");
        match reached {
            Some(flag) => assert!(budget.why().expect("a reason").contains(flag), "{budget:?}"),
            None => assert_eq!(budget.why(), None),
        }
    }
}

#[tokio::test]
async fn what_a_server_counts_is_spent_and_nothing_is_sent_after_the_limit() {
    let (url, script) = serve(ONE_MODEL, &[Reply::Throttle("0")]).await;
    let settings = settings(&["--llm-url", &url, "--max-tokens-total", "240"]);
    let writer = Writer::start(&settings, WayBack::None, &Registry::new()).await.expect("the server is there");
    for id in ["x", "y"] {
        writer.process(WriteTask::Write(function(id)), 7).await.expect("an answer");
    }
    let spent = writer.budget().total();
    // A greeting, a call that is throttled, and two that are answered.
    assert_eq!((spent.calls, spent.retries, spent.prompt_tokens), (4, 1, 200), "{spent:?}");
    assert_eq!((spent.completion_tokens, spent.cached_tokens), (40, 128), "{spent:?}");
    assert!(writer.budget().exhausted().is_cancelled());
    match writer.process(WriteTask::Write(function("z")), 7).await {
        Err(StageError::Unavailable(words)) => assert!(words.contains("--max-tokens-total 240"), "{words}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(script.asked.lock().expect("nobody panicked").len(), 3, "nothing more was sent");
}

#[test]
fn an_estimate_needs_no_server() {
    let mut estimate = Estimate::new(&settings(&["--rounds", "2", "--n", "3", "--max-tokens", "10", "--price", "1,2"]))
        .expect("right");
    let prompt = estimate.add(&function("x")).expect("it renders").expect("a prompt");
    assert!(prompt.contains("return a + 1"), "{prompt}");
    let tokens = (prompt.chars().count() as u64 * 2).div_ceil(4);
    assert_eq!((estimate.calls(), estimate.prompt_tokens(), estimate.completion_tokens()), (2, tokens, 60));
    assert_eq!(estimate.cost(), Some((tokens as f64 + 120.0) / 1e6));
    let mut builtin = Estimate::new(&settings(&["--writer", "builtin"])).expect("right");
    assert_eq!(builtin.add(&function("x")).expect("nothing to render"), None);
    assert_eq!(builtin.calls(), 0);
}
