//! Inputs that all failed go back to the writer before anything else, and every item ends once; over both queues.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod broker;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use broker::Broker;
use pipeline::{
    consume::{Route, StageMetrics, consume},
    message::{Address, Message, RunId},
    queue::{
        Consumer, Queue, QueueName,
        memory::MemoryQueue,
        rabbitmq::{BrokerSettings, RabbitQueue},
    },
    reason::StageName,
    records::{Function, GeneratedInputs, Generation, RepairRequest, WriteMethod, WriteTask},
    stage::{Stage, StageError, Verdict},
};
use tokio_util::sync::CancellationToken;

const ITEMS: u64 = 120;
const DEADLINE: Duration = Duration::from_secs(120);

/// Writes inputs that are good once they were mended as often as the function's name says.
#[derive(Default)]
struct Writer(Mutex<Vec<(String, bool)>>);

impl Stage for Writer {
    type Input = WriteTask;
    type Output = GeneratedInputs;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, task: WriteTask, _seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        let repair = matches!(task, WriteTask::Repair(_));
        let (function, repairs_left) = match task {
            WriteTask::Write(function) => (function, 2),
            WriteTask::Repair(request) => (request.inputs.function, request.inputs.repairs_left - 1),
        };
        self.0.lock().expect("nobody panics in here").push((function.id.clone(), repair));
        Ok(Verdict::Pass(GeneratedInputs { function, examples: String::new(), generation: generation(), repairs_left }))
    }
}

/// Asks for repairs as often as the function's name says.
struct Executor;

impl Stage for Executor {
    type Input = GeneratedInputs;
    type Output = Function;
    const NAME: StageName = StageName::Execute;

    async fn process(&self, inputs: GeneratedInputs, _seed: u64) -> Result<Verdict<Function>, StageError> {
        let wanted: u32 = inputs.function.name.parse().expect("a number");
        let done = Verdict::Pass(inputs.function.clone());
        let mended = 2 - inputs.repairs_left;
        if mended >= wanted || inputs.repairs_left == 0 {
            return Ok(done);
        }
        let request = RepairRequest { inputs, problem: "all failed".into(), keep: false };
        Ok(Verdict::Repair(Box::new(request), Box::new(done)))
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

/// Item `index` is mended `index % 4` times, but no more than twice.
fn message(index: u64) -> Message {
    let function = Function {
        id: index.to_string(),
        name: (index % 4).to_string(),
        parameters: Vec::new(),
        code: String::new(),
        context: String::new(),
        meta: serde_json::Map::new(),
    };
    Message::of(Address { run_id: RunId("r".into()), seed: 0, shard: 0, index }, &function)
}

fn metrics() -> StageMetrics {
    StageMetrics::register(&prometheus::Registry::new()).expect("a fresh registry")
}

async fn every_item_ends_once(queue: impl Queue) {
    for index in 0..ITEMS {
        queue.publish(QueueName::Functions, &message(index)).await.expect("confirmed");
    }
    let (writer, stop) = (Arc::new(Writer::default()), CancellationToken::new());
    let working = [
        tokio::spawn(consume(Arc::clone(&writer), queue.clone(), Route::WRITE_INPUTS, 4, metrics(), stop.clone())),
        tokio::spawn(consume(Arc::new(Executor), queue.clone(), Route::EXECUTE, 4, metrics(), stop.clone())),
    ];
    let mut outcomes = queue.consume(QueueName::Outcomes, 10).await.expect("a consumer");
    let mut ended: BTreeMap<u64, u32> = BTreeMap::new();
    let all = async {
        while ended.len() < ITEMS as usize {
            let delivery = outcomes.next().await.expect("a queue that works").expect("open");
            let index = delivery.message.expect("attributable").address.index;
            *ended.entry(index).or_default() += 1;
            delivery.receipt.ack().await.expect("acknowledged");
        }
    };
    tokio::time::timeout(DEADLINE, all).await.expect("every item in time");
    stop.cancel();
    for one in working {
        assert_eq!(one.await.expect("no panic").expect("no error"), 0, "something was not given back");
    }
    assert!(ended.values().all(|times| *times == 1), "{ended:?}");
    let calls = writer.0.lock().expect("nobody panics in here").clone();
    for index in 0..ITEMS {
        let repairs = calls.iter().filter(|(id, repair)| *id == index.to_string() && *repair).count() as u64;
        assert_eq!(repairs, (index % 4).min(2), "repairs of item {index}");
        let writes = calls.iter().filter(|(id, repair)| *id == index.to_string() && !*repair).count();
        assert_eq!(writes, 1, "item {index}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn within_one_process() {
    every_item_ends_once(MemoryQueue::new(256)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_broker() {
    let broker = Broker::start();
    let settings = BrokerSettings { amqp_url: broker.url(), run: Some("repairs".into()), startup_wait: 10 };
    every_item_ends_once(RabbitQueue::connect(&settings, "test").await.expect("a broker that runs")).await;
}

/// A worker that starts when nothing but repairs is left finds them; and what is to be mended goes before the rest.
#[tokio::test]
async fn repairs_go_first_and_need_no_functions() {
    repairs_go_first(0).await;
}

/// As after a crash: each is worked alone, by a loop that looks at one queue at a time.
#[tokio::test]
async fn repairs_go_first_among_suspects() {
    repairs_go_first(1).await;
}

async fn repairs_go_first(alone: u32) {
    let queue = MemoryQueue::new(256);
    let as_suspect = |message: Message| Message { alone, ..message };
    let repair = |index: u64| {
        let function = message(index).decode::<Function>().expect("a function");
        let inputs = GeneratedInputs { function, examples: String::new(), generation: generation(), repairs_left: 1 };
        let address = message(index).address;
        Message::of(address, &RepairRequest { inputs, problem: "all failed".into(), keep: false })
    };
    let (writer, stop) = (Arc::new(Writer::default()), CancellationToken::new());
    queue.publish(QueueName::Repairs, &repair(0)).await.expect("room");
    let working =
        tokio::spawn(consume(Arc::clone(&writer), queue.clone(), Route::WRITE_INPUTS, 1, metrics(), stop.clone()));
    let mut inputs = queue.consume(QueueName::Inputs, 10).await.expect("a consumer");
    let mut next = async || {
        let delivery = tokio::time::timeout(DEADLINE, inputs.next()).await.expect("inputs in time");
        let delivery = delivery.expect("a queue that works").expect("open");
        delivery.receipt.ack().await.expect("acknowledged");
    };
    next().await;
    for index in 1..=20 {
        queue.publish(QueueName::Functions, &as_suspect(message(index))).await.expect("room");
    }
    for index in 21..=25 {
        queue.publish(QueueName::Repairs, &as_suspect(repair(index))).await.expect("room");
    }
    for _ in 1..=25 {
        next().await;
    }
    stop.cancel();
    working.await.expect("no panic").expect("no error");
    let calls = writer.0.lock().expect("nobody panics in here").clone();
    // A few functions may be in hand already when the repairs come.
    let last = calls.iter().rposition(|(_, repair)| *repair).expect("repairs");
    assert!(last < 12, "{calls:?}");
}
