//! Workers that meet suspects give back what they hold; none of that may count against a record.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod broker;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use broker::Broker;
use pipeline::{
    consume::{Route, StageMetrics, consume},
    message::{Address, Message, RecordType, RunId},
    queue::{
        Consumer, Queue, QueueName,
        rabbitmq::{BrokerSettings, RabbitQueue},
    },
    reason::StageName,
    records::Function,
    stage::{Stage, StageError, Verdict},
};
use tokio_util::sync::CancellationToken;

const WORKERS: usize = 6;
const CONCURRENCY: usize = 32;
const RECORDS: u64 = 300;
const DEADLINE: Duration = Duration::from_secs(300);

struct Slow;

impl Stage for Slow {
    type Input = Function;
    type Output = Function;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, function: Function, _seed: u64) -> Result<Verdict<Function>, StageError> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(Verdict::Pass(function))
    }
}

/// As after a fleet that was killed twice: every fourth record is to be worked alone, in the midst of others.
fn message(index: u64) -> Message {
    let function = Function {
        id: index.to_string(),
        name: "f".into(),
        parameters: Vec::new(),
        code: String::new(),
        context: String::new(),
        meta: serde_json::Map::new(),
    };
    let address = Address { run_id: RunId("r".into()), seed: 0, shard: 0, index };
    Message { alone: u32::from(index.is_multiple_of(4)), ..Message::of(address, &function) }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_among_suspects_are_worked_and_none_is_poison() {
    let broker = Broker::start();
    let settings = BrokerSettings { amqp_url: broker.url(), run: Some("innocents".into()), startup_wait: 10 };
    let connect = || async { RabbitQueue::connect(&settings, "test").await.expect("a broker that runs") };
    let queue = connect().await;
    for index in 0..RECORDS {
        queue.publish(QueueName::Functions, &message(index)).await.expect("confirmed");
    }
    let stop = CancellationToken::new();
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let metrics = StageMetrics::register(&prometheus::Registry::new()).expect("a fresh registry");
        let worked = consume(Arc::new(Slow), connect().await, Route::WRITE_INPUTS, CONCURRENCY, metrics, stop.clone());
        workers.push(tokio::spawn(worked));
    }
    let mut passed = queue.consume(QueueName::Inputs, 100).await.expect("a consumer");
    let mut poisoned = queue.consume(QueueName::Outcomes, 100).await.expect("a consumer");
    let mut seen = BTreeSet::new();
    let all = async {
        while seen.len() < RECORDS as usize {
            let delivery = tokio::select! { d = passed.next() => d, d = poisoned.next() => d };
            let delivery = delivery.expect("a queue that works").expect("open");
            let message = delivery.message.expect("attributable");
            assert_ne!(message.record_type, RecordType::Rejection, "{} is poison", message.address.index);
            seen.insert(message.address.index);
            delivery.receipt.ack().await.expect("acknowledged");
        }
    };
    tokio::time::timeout(DEADLINE, all).await.expect("every record in time");
    stop.cancel();
    for worker in workers {
        assert_eq!(worker.await.expect("no panic").expect("no error"), 0, "something was not given back");
    }
}
