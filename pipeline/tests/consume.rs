//! The consume loop over the in-memory queue, and the filter, with a stage that misbehaves.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use pipeline::{
    consume::{GRACE, MAX_ATTEMPTS, Route, StageMetrics, consume},
    error::Failure,
    filter,
    message::{Address, Message, RecordType, RunId},
    queue::{Consumer, Queue, QueueName, memory::MemoryQueue},
    reason::{Reason, StageName},
    records::{Function, GeneratedInputs, Generation, Rejection, WriteMethod},
    stage::{Stage, StageError, Verdict},
};
use tokio_util::sync::CancellationToken;

const ITEMS: u64 = 300;

/// Does what the function's name says, and counts how often it was asked.
#[derive(Default)]
struct Moody {
    calls: Mutex<BTreeMap<String, u32>>,
}

impl Stage for Moody {
    type Input = Function;
    type Output = GeneratedInputs;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, function: Function, _seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        let calls = {
            let mut calls = self.calls.lock().expect("nobody panics in here");
            let calls = calls.entry(function.id.clone()).or_default();
            *calls += 1;
            *calls
        };
        match function.name.as_str() {
            "rejected" => Ok(Rejection::of(&function, Reason::NoExamples, "none").into()),
            "down_twice" if calls <= 2 => Err(StageError::Unavailable("down".into())),
            "fails_once" if calls == 1 => Err(StageError::Failed("once".into())),
            "fails_always" => Err(StageError::Failed("always".into())),
            "never_ends" => std::future::pending().await,
            "panics_always" => panic!("as a bug of ours would"),
            _ => Ok(Verdict::Pass(GeneratedInputs {
                function,
                examples: String::new(),
                generation: generation(),
                repairs_left: 0,
            })),
        }
    }
}

fn generation() -> Generation {
    Generation {
        model: "m".into(),
        prompt: "p".into(),
        prompt_sha256: String::new(),
        temperature: 0.0,
        top_p: 1.0,
        seed: None,
        prompt_tokens: 0,
        completion_tokens: 0,
        finish_reason: "stop".into(),
        completion: String::new(),
        method: WriteMethod::Plain.into(),
    }
}

fn function(index: u64) -> Function {
    let name = match index % 50 {
        1 => "rejected",
        2 => "down_twice",
        3 => "fails_once",
        4 => "fails_always",
        5 => "panics_always",
        _ => "works",
    };
    Function {
        id: format!("f{index}"),
        name: name.into(),
        parameters: vec!["a".into()],
        code: String::new(),
        context: String::new(),
        meta: serde_json::Map::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_ends_once_whatever_the_stage_does() {
    let queue = MemoryQueue::new(64);
    let stage = Arc::new(Moody::default());
    let metrics = StageMetrics::register(&prometheus::Registry::new()).expect("a fresh registry");
    let stop = CancellationToken::new();
    let worker =
        tokio::spawn(consume(Arc::clone(&stage), queue.clone(), Route::WRITE_INPUTS, 8, metrics, stop.clone()));
    let feeder = queue.clone();
    tokio::spawn(async move {
        for index in 0..ITEMS {
            let address = Address { run_id: RunId("r".into()), seed: 0, shard: 0, index };
            feeder.publish(QueueName::Functions, &Message::of(address, &function(index))).await.expect("open");
        }
    });

    let mut passed = queue.consume(QueueName::Inputs, 1).await.expect("a consumer");
    let mut ended = queue.consume(QueueName::Outcomes, 1).await.expect("a consumer");
    let mut outcomes: BTreeMap<u64, String> = BTreeMap::new();
    while outcomes.len() < ITEMS as usize {
        let delivery = tokio::time::timeout(Duration::from_secs(60), async {
            tokio::select! { d = passed.next() => d, d = ended.next() => d }
        });
        let delivery = delivery.await.expect("an outcome in time").expect("a queue").expect("open");
        let message = delivery.message.expect("attributable");
        let outcome = match message.record_type {
            RecordType::GeneratedInputs => "pass".to_owned(),
            _ => message.decode::<Rejection>().expect("a rejection").reason.to_string(),
        };
        let before = outcomes.insert(message.address.index, outcome);
        assert!(before.is_none(), "item {} ended twice", message.address.index);
        delivery.receipt.ack().await.expect("acknowledged");
    }
    stop.cancel();
    worker.await.expect("no panic").expect("no error");

    for index in 0..ITEMS {
        let Function { id, name, .. } = function(index);
        let calls = stage.calls.lock().expect("nobody panics in here")[&id];
        let (outcome, expected_calls) = match name.as_str() {
            "rejected" => ("no_examples", 1),
            "down_twice" => ("pass", 3),
            "fails_once" => ("pass", 2),
            "fails_always" => ("poison", MAX_ATTEMPTS),
            "panics_always" => ("poison", MAX_ATTEMPTS),
            _ => ("pass", 1),
        };
        assert_eq!((outcomes[&index].as_str(), calls), (outcome, expected_calls), "{id} {name}");
    }
}

/// On a clock that jumps to whatever is waited for.
#[tokio::test(start_paused = true)]
async fn a_stop_gives_back_what_is_not_done() {
    let queue = MemoryQueue::new(10);
    let (stage, stop) = (Arc::new(Moody::default()), CancellationToken::new());
    let metrics = StageMetrics::register(&prometheus::Registry::new()).expect("new names");
    let record = Function { name: "never_ends".into(), ..function(0) };
    let address = Address { run_id: RunId("r".into()), seed: 0, shard: 0, index: 1 };
    queue.publish(QueueName::Functions, &Message::of(address.clone(), &record)).await.expect("room");
    let working = consume(Arc::clone(&stage), queue.clone(), Route::WRITE_INPUTS, 4, metrics, stop.clone());
    let stopping = async {
        while stage.calls.lock().expect("nobody panics in here").is_empty() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(tokio::time::timeout(10 * GRACE, working), stopping);
    ended.expect("an end within the grace period").expect("the queue works");
    let mut again = queue.consume(QueueName::Functions, 1).await.expect("a consumer");
    let delivery = again.next().await.expect("a queue that works").expect("given back");
    assert_eq!(delivery.message.expect("attributable").address, address);
}

/// The same stage as a filter: one record that always fails does not end the rest, nor does a service that is down for
/// a while.
#[tokio::test]
async fn a_filter_goes_on_after_a_record_that_always_fails() {
    let functions: Vec<Function> = [1, 2, 3, 4, 6].map(function).into();
    let lines: Vec<String> =
        functions.iter().map(|function| serde_json::to_string(function).expect("a record")).collect();
    let input = format!("{}\nnot JSON\n", lines.join("\n"));
    let folder = tempfile::tempdir().expect("a folder");
    let rejected = folder.path().join("rejected.jsonl");
    let mut output = Vec::new();
    let counts = filter::run(
        Arc::new(Moody::default()),
        input.as_bytes(),
        filter::Reading { source: "test", seed: 0, read: filter::read_record, stop: CancellationToken::new() },
        2,
        &mut output,
        filter::RejectionWriter::create(Some(&rejected)).await.expect("a file"),
    );
    assert_eq!(counts.await.expect("no error"), filter::Counts { passed: 3, rejected: 3 });
    let passed: Vec<GeneratedInputs> = output
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).expect("JSON"))
        .collect();
    assert_eq!(
        passed.iter().map(|record| record.function.name.as_str()).collect::<Vec<_>>(),
        ["down_twice", "fails_once", "works"]
    );
    let rejected = std::fs::read_to_string(&rejected).expect("a file");
    let reasons = rejected.lines().map(|line| serde_json::from_str::<Rejection>(line).expect("JSON").reason);
    assert_eq!(reasons.collect::<Vec<_>>(), [Reason::NoExamples, Reason::Poison, Reason::Unreadable]);
}

/// Its first record is done when all others are.
struct FirstLast {
    others_done: tokio::sync::watch::Sender<u64>,
}

impl Stage for FirstLast {
    type Input = Function;
    type Output = Function;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, function: Function, _seed: u64) -> Result<Verdict<Function>, StageError> {
        if function.id == "f0" {
            self.others_done.subscribe().wait_for(|done| *done == OTHERS).await.expect("the sender lives");
        } else {
            self.others_done.send_modify(|done| *done += 1);
        }
        Ok(Verdict::Pass(function))
    }
}

const OTHERS: u64 = 7;

/// One record that takes long does not hold up the others, and the output is in order all the same.
#[tokio::test]
async fn a_filter_works_ahead_of_a_slow_record() {
    let lines: Vec<String> =
        (0..=OTHERS).map(|index| serde_json::to_string(&function(index)).expect("a record")).collect();
    let input = lines.join("\n\n");
    let (others_done, _) = tokio::sync::watch::channel(0);
    let mut output = Vec::new();
    let working = filter::run(
        Arc::new(FirstLast { others_done }),
        input.as_bytes(),
        filter::Reading { source: "test", seed: 0, read: filter::read_record, stop: CancellationToken::new() },
        2,
        &mut output,
        filter::RejectionWriter::create(None).await.expect("none is needed"),
    );
    let counts = tokio::time::timeout(Duration::from_secs(30), working).await.expect("no record waits for ever");
    assert_eq!(counts.expect("no error"), filter::Counts { passed: OTHERS + 1, rejected: 0 });
    assert_eq!(String::from_utf8_lossy(&output).lines().collect::<Vec<_>>(), lines);
}

/// The service is away for its second record, and only then lets go of the first.
struct Exhausted {
    stop: CancellationToken,
}

impl Stage for Exhausted {
    type Input = Function;
    type Output = Function;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, function: Function, _seed: u64) -> Result<Verdict<Function>, StageError> {
        if function.id == "f1" {
            self.stop.cancel();
            return Err(StageError::Unavailable("all is spent".into()));
        }
        self.stop.cancelled().await;
        Ok(Verdict::Pass(function))
    }
}

/// What was paid for is written, though a service stays away from another record.
#[tokio::test]
async fn a_filter_writes_what_is_in_flight_when_a_service_stays_away() {
    let lines: Vec<String> = (0..9).map(|n| serde_json::to_string(&function(n)).expect("a record")).collect();
    let (input, stop, mut output) = (lines.join("\n"), CancellationToken::new(), Vec::new());
    let working = filter::run(
        Arc::new(Exhausted { stop: stop.clone() }),
        input.as_bytes(),
        filter::Reading { source: "test", seed: 0, read: filter::read_record, stop },
        3,
        &mut output,
        filter::RejectionWriter::create(None).await.expect("none is needed"),
    );
    let ended = tokio::time::timeout(Duration::from_secs(30), working).await.expect("it ends");
    assert!(matches!(&ended, Err(Failure::Unavailable(words)) if words == "all is spent"), "{ended:?}");
    let written = String::from_utf8_lossy(&output);
    let written: Vec<&str> = written.lines().collect();
    assert!(written.len() >= 2 && written[0] == lines[0] && written[1] == lines[2], "{written:?}");
}
