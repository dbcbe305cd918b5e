//! The queue contract over a real broker.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod broker;

use std::time::Duration;

use broker::Broker;
use pipeline::{
    message::{Address, Message, RecordType, RunId},
    queue::{
        Consumer, Queue, QueueError, QueueName, Unattributable,
        rabbitmq::{BrokerSettings, RabbitQueue, WorksBy, dead},
    },
};

const DEADLINE: Duration = Duration::from_secs(60);

fn settings(broker: &Broker, run: &str) -> BrokerSettings {
    BrokerSettings { amqp_url: broker.url(), run: Some(run.into()), startup_wait: 10 }
}

fn message(index: u64) -> Message {
    let address = Address { run_id: RunId("r".into()), seed: u64::MAX, shard: 0, index };
    Message { record_type: RecordType::Function, address, attempt: 1, alone: 0, body: b"{}".to_vec() }
}

async fn queue(broker: &Broker, run: &str) -> RabbitQueue {
    RabbitQueue::connect(&settings(broker, run), "test").await.expect("a broker that runs")
}

async fn next(consumer: &mut impl Consumer) -> pipeline::queue::Delivery {
    let next = tokio::time::timeout(DEADLINE, consumer.next()).await;
    next.expect("a delivery in time").expect("a queue that works").expect("an open stream")
}

/// One broker for all that does not harm it: starting one takes seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_behaves() {
    let broker = Broker::start();
    comes_back_as_it_was_sent(&broker).await;
    unacknowledged_comes_again(&broker).await;
    unroutable_is_an_error_and_heals(&broker).await;
    retry_comes_back_to_its_queue(&broker).await;
    one_holder_a_lock(&broker).await;
    what_is_set_aside_is_seen_and_stays(&broker).await;
    what_the_broker_gave_up_on_ends(&broker).await;
    a_retired_consumer_gives_back_what_it_did_not_give_out(&broker).await;
    a_consumer_that_is_retired_under_load_leaves_no_count(&broker).await;
    looking_brings_nothing_about(&broker).await;
    worker_exec_may_do_its_work_and_nothing_else(&broker).await;
    a_broker_that_refuses_is_told_from_one_that_is_away(&broker).await;
}

/// The user that `deploy` gives to the process that runs strangers' code.
async fn worker_exec_may_do_its_work_and_nothing_else(broker: &Broker) {
    let definitions = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/rabbitmq/definitions.json");
    let imported = broker.control(&["import_definitions", definitions]).expect("rabbitmqctl starts");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let url = format!("amqp://worker-exec:worker-exec@127.0.0.1:{}/%2f", broker.port());
    // For longer than it would wait for a broker.
    let limited = BrokerSettings { amqp_url: url.clone(), run: Some("limited".into()), startup_wait: 5 };
    // It comes first and waits for those who declare.
    let mut first = tokio::spawn(async move { RabbitQueue::connect(&limited, "worker-exec").await });
    assert!(tokio::time::timeout(Duration::from_secs(7), &mut first).await.is_err(), "it gave up");
    let owner = queue(broker, "limited").await;
    let worker = first.await.expect("no panic").expect("the run is there now");
    assert!(worker.is_connected());
    owner.publish(QueueName::Inputs, &message(4)).await.expect("confirmed");
    owner.publish(QueueName::Functions, &message(5)).await.expect("confirmed");
    let mut consumer = worker.consume(QueueName::Inputs, 1).await.expect("a consumer");
    let delivery = next(&mut consumer).await;
    for to in [QueueName::Outcomes, QueueName::Repairs, QueueName::InputsRetry] {
        worker.publish(to, &message(4)).await.expect("confirmed");
    }
    let aside = Unattributable { reason: "no header".into(), body: "x".into() };
    worker.set_aside(&lapin::BasicProperties::default(), &aside).await.expect("confirmed");
    delivery.receipt.ack().await.expect("acknowledged");
    assert_eq!(worker.depth(QueueName::Outcomes).await.expect("a depth").ready, 1);

    // Whoever takes the process over, with its password: each try on a channel of its own, which the refusal ends.
    let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await.expect("let in");
    let channel = async || connection.create_channel().await.expect("a channel");
    let table = lapin::types::FieldTable::default;
    let refused = |what: &str, error: Option<lapin::Error>| {
        let words = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(words.contains("ACCESS_REFUSED"), "{what}: {words}");
    };
    for name in ["functions", "outcomes", "run", "dead"] {
        let of = || lapin::types::ShortString::from(format!("limited.{name}"));
        refused("purge", channel().await.queue_purge(of(), Default::default()).await.err());
        refused("get", channel().await.basic_get(of(), Default::default()).await.err());
        refused("delete", channel().await.queue_delete(of(), Default::default()).await.err());
        refused("consume", channel().await.basic_consume(of(), "".into(), Default::default(), table()).await.err());
    }
    refused("delete inputs", channel().await.queue_delete("limited.inputs".into(), Default::default()).await.err());
    refused("exchange", channel().await.exchange_delete("limited".into(), Default::default()).await.err());
    refused("declare", channel().await.queue_declare("mine".into(), Default::default(), table()).await.err());
    // The default exchange reaches every queue of the broker.
    let past = channel().await;
    past.confirm_select(Default::default()).await.expect("confirms");
    let publish = past.basic_publish("".into(), "other.functions".into(), Default::default(), b"x", Default::default());
    refused("default exchange", publish.await.expect("sent").await.err());
    assert_eq!(owner.depth(QueueName::Functions).await.expect("a depth").ready, 1);

    // The run's queues go, and come back by others: it goes on.
    owner.delete().await.expect("deleted");
    assert!(worker.publish(QueueName::Outcomes, &message(6)).await.is_err(), "there is no exchange");
    let owner = queue(broker, "limited").await;
    let begun = std::time::Instant::now();
    while let Err(error) = worker.publish(QueueName::Outcomes, &message(6)).await {
        assert!(begun.elapsed() < DEADLINE, "{error}");
    }
    owner.publish(QueueName::Inputs, &message(6)).await.expect("confirmed");
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message.expect("attributable"), message(6));
    delivery.receipt.ack().await.expect("acknowledged");
}

async fn a_broker_that_refuses_is_told_from_one_that_is_away(broker: &Broker) {
    let of = |place: &str| BrokerSettings {
        amqp_url: format!("amqp://{place}/%2f"),
        run: Some("r".into()),
        startup_wait: 2,
    };
    let told = async |place: &str| {
        let failure = RabbitQueue::connect(&of(place), "test").await.err().expect("nobody there, or no entry");
        (failure.exit_code(), failure.to_string())
    };
    let (code, words) = told(&format!("guest:wrong@127.0.0.1:{}", broker.port())).await;
    assert!(code == 3 && words.contains("refuses us at amqp://127.0.0.1"), "{code} {words}");
    let (code, words) = told("guest:guest@127.0.0.1:1").await;
    assert!(code == 3 && words.contains("no broker at amqp://127.0.0.1:1"), "{code} {words}");
    let (code, words) = told("guest:a/b@127.0.0.1").await;
    assert!(code == 2 && words.contains("%2F") && !words.contains("a/b"), "{code} {words}");
}

async fn comes_back_as_it_was_sent(broker: &Broker) {
    let queue = queue(broker, "round-trip").await;
    for index in 0..500 {
        queue.publish(QueueName::Functions, &message(index)).await.expect("confirmed");
    }
    let mut consumer = queue.consume(QueueName::Functions, 50).await.expect("a consumer");
    for index in 0..500 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.message.expect("attributable"), message(index));
        assert_eq!(delivery.delivery_count, 0);
        delivery.receipt.ack().await.expect("acknowledged");
    }
    assert_eq!(queue.depth(QueueName::Functions).await.expect("a depth").ready, 0);
}

async fn unacknowledged_comes_again(broker: &Broker) {
    let queue = queue(broker, "again").await;
    queue.publish(QueueName::Inputs, &message(7)).await.expect("confirmed");
    let mut consumer = queue.consume(QueueName::Inputs, 1).await.expect("a consumer");
    drop(next(&mut consumer).await);
    let again = next(&mut consumer).await;
    assert_eq!(again.message.expect("attributable"), message(7));
    again.receipt.ack().await.expect("acknowledged");
}

async fn unroutable_is_an_error_and_heals(broker: &Broker) {
    let queue = queue(broker, "unroutable").await;
    let url = broker.url();
    let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
    let connection = connection.await.expect("a broker that runs");
    let channel = connection.create_channel().await.expect("a channel");
    let name = queue.topology().queue(QueueName::Outcomes);
    let unbind = channel.queue_unbind(
        name.as_str().into(),
        queue.topology().exchange().into(),
        name.as_str().into(),
        lapin::types::FieldTable::default(),
    );
    unbind.await.expect("unbound");
    let lost = queue.publish(QueueName::Outcomes, &message(1)).await;
    assert!(matches!(lost, Err(QueueError::Unavailable(_))), "the broker acks what it cannot route: {lost:?}");
    // The next publish rebuilds the topology.
    queue.publish(QueueName::Outcomes, &message(1)).await.expect("bound again");
    assert_eq!(queue.depth(QueueName::Outcomes).await.expect("a depth").ready, 1);
    channel.exchange_delete(queue.topology().exchange().into(), Default::default()).await.expect("deleted");
    let lost = queue.publish(QueueName::Outcomes, &message(2)).await;
    assert!(matches!(lost, Err(QueueError::Unavailable(_))), "there is no exchange: {lost:?}");
    queue.publish(QueueName::Outcomes, &message(2)).await.expect("there again");
    assert_eq!(queue.depth(QueueName::Outcomes).await.expect("a depth").ready, 2);
}

async fn retry_comes_back_to_its_queue(broker: &Broker) {
    let queue = queue(broker, "retry").await;
    queue.publish(QueueName::FunctionsRetry, &message(3)).await.expect("confirmed");
    let mut consumer = queue.consume(QueueName::Functions, 1).await.expect("a consumer");
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message.expect("attributable"), message(3));
    delivery.receipt.ack().await.expect("acknowledged");
}

async fn one_holder_a_lock(broker: &Broker) {
    let settings = settings(broker, "lock");
    let take = || RabbitQueue::connect_alone(&settings, "sink", WorksBy::Consuming);
    let held = take().await.expect("a free lock");
    let other = queue(broker, "lock").await;
    assert!(other.is_locked("sink").await.expect("an answer"));
    assert!(!other.is_locked("submit").await.expect("an answer"));
    let refused = take().await.err().expect("two sinks for one run");
    assert_eq!(refused.exit_code(), 2, "{refused}");
    held.close().await.expect("closed");
    take().await.expect("free again");
}

async fn what_is_set_aside_is_seen_and_stays(broker: &Broker) {
    let queue = queue(broker, "dead").await;
    assert!(queue.dead(10).await.expect("an answer").is_empty());
    for body in ["one", "two"] {
        let aside = Unattributable { reason: format!("no header `{body}`"), body: body.into() };
        queue.set_aside(&lapin::BasicProperties::default(), &aside).await.expect("confirmed");
    }
    queue.publish(QueueName::Dead, &message(9)).await.expect("confirmed");
    for _ in 0..2 {
        let seen = queue.dead(10).await.expect("an answer");
        let shown: Vec<_> = seen.iter().map(|letter| (letter.reason.as_str(), letter.index)).collect();
        let of_ours = ("no reason was written down", Some(9));
        assert_eq!(shown, [("no header `one`", None), ("no header `two`", None), of_ours]);
        assert_eq!(seen[0].body, "one");
    }
    assert_eq!(queue.dead(1).await.expect("an answer").len(), 1);
    queue.delete().await.expect("deleted");
    assert!(RabbitQueue::connect_to_existing(&settings(broker, "dead"), "dead").await.is_err());
}

async fn what_the_broker_gave_up_on_ends(broker: &Broker) {
    let queue = queue(broker, "gave-up").await;
    let dead = |message: Message| {
        let queue = queue.clone();
        async move { queue.publish(QueueName::Dead, &message).await.expect("confirmed") }
    };
    let outcome = Message { record_type: RecordType::Rejection, ..message(1) };
    dead(outcome.clone()).await;
    let foreign = Address { run_id: RunId("other".into()), ..message(2).address };
    dead(Message { address: foreign, ..message(2) }).await;
    let aside = Unattributable { reason: "set aside by one of us".into(), body: b"{}".to_vec() };
    queue.set_aside(&lapin::BasicProperties::default(), &aside).await.expect("confirmed");
    let (to, mut letters) = tokio::sync::mpsc::channel(10);
    let watching = tokio::spawn(dead::watch(queue.clone(), || Some(RunId("r".into())), to));
    let letter = tokio::time::timeout(DEADLINE, letters.recv()).await.expect("in time").expect("one is ours");
    assert_eq!(letter.message.expect("attributable"), outcome);
    letter.receipt.ack().await.expect("acknowledged");
    let left = async { while queue.depth(QueueName::Dead).await.expect("a depth").ready != 2 {} };
    tokio::time::timeout(DEADLINE, left).await.expect("what is not ours stays");
    drop(letters);
    tokio::time::timeout(DEADLINE, watching).await.expect("it ends").expect("no panic");
}

async fn a_retired_consumer_gives_back_what_it_did_not_give_out(broker: &Broker) {
    let queue = queue(broker, "retired").await;
    for index in 0..20 {
        queue.publish(QueueName::Functions, &message(index)).await.expect("confirmed");
    }
    let mut first = queue.consume(QueueName::Functions, 20).await.expect("a consumer");
    let held = next(&mut first).await;
    first.retire().await;
    let mut second = queue.consume(QueueName::Functions, 20).await.expect("a consumer");
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 19 {
        let delivery = next(&mut second).await;
        seen.insert(delivery.message.expect("attributable").address.index);
        delivery.receipt.ack().await.expect("acknowledged");
    }
    let index = held.message.as_ref().expect("attributable").address.index;
    assert!(!seen.contains(&index), "what was given out came again");
    held.receipt.ack().await.expect("still ours to acknowledge");
    queue.close().await.expect("closed");
    let queue = self::queue(broker, "retired").await;
    assert_eq!(queue.depth(QueueName::Functions).await.expect("a depth").ready, 0);
}

/// A count is taken for a crash, and a record that has too many for what crashes workers.
async fn a_consumer_that_is_retired_under_load_leaves_no_count(broker: &Broker) {
    const RECORDS: u64 = 400;
    let queue = queue(broker, "under-load").await;
    for index in 0..RECORDS {
        queue.publish(QueueName::Functions, &message(index)).await.expect("confirmed");
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < RECORDS as usize {
        let mut consumer = queue.consume(QueueName::Functions, 32).await.expect("a consumer");
        let mut acks = tokio::task::JoinSet::new();
        for _ in 0..(RECORDS as usize - seen.len()).min(8) {
            let delivery = next(&mut consumer).await;
            assert_eq!(delivery.delivery_count, 0, "it was lost on its way to a consumer that was retired");
            seen.insert(delivery.message.expect("attributable").address.index);
            acks.spawn(delivery.receipt.ack());
        }
        // The broker sends more for each acknowledgement, just when the consumer goes.
        consumer.retire().await;
        while let Some(acknowledged) = acks.join_next().await {
            acknowledged.expect("no panic").expect("acknowledged");
        }
    }
}

async fn looking_brings_nothing_about(broker: &Broker) {
    let nothing = RabbitQueue::connect_to_existing(&settings(broker, "misspelt"), "status").await;
    let failure = nothing.err().expect("no such run");
    assert_eq!(failure.exit_code(), 3);
    assert!(failure.to_string().contains("misspelt"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies() {
    let mut broker = Broker::start();
    let queue = queue(&broker, "dies").await;
    for index in 0..100 {
        queue.publish(QueueName::Functions, &message(index)).await.expect("confirmed");
    }
    let mut consumer = queue.consume(QueueName::Functions, 10).await.expect("a consumer");
    let held = next(&mut consumer).await;
    // A worker that has published and has nothing to do.
    let idle = self::queue(&broker, "idle").await;
    idle.publish(QueueName::Outcomes, &message(0)).await.expect("confirmed");
    let mut waiting = idle.consume(QueueName::Inputs, 1).await.expect("a consumer");
    let waiting = tokio::spawn(async move { waiting.next().await.map(|delivery| delivery.is_some()) });
    ready_is(&idle, true).await;
    broker.kill();
    ready_is(&idle, false).await;
    assert!(queue.publish(QueueName::Functions, &message(100)).await.is_err(), "nobody confirmed");
    broker.restart();
    ready_is(&idle, true).await;
    waiting.abort();
    let publish = async {
        while queue.publish(QueueName::Functions, &message(100)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(DEADLINE, publish).await.expect("the publisher comes back");
    drop(held);
    // What was confirmed before the power cut is still there, what was held comes again.
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 101 {
        let delivery = next(&mut consumer).await;
        seen.insert(delivery.message.expect("attributable").address.index);
        let _ = delivery.receipt.ack().await;
    }
    assert_eq!(seen, (0..=100).collect());
}

async fn ready_is(queue: &RabbitQueue, wanted: bool) {
    let begun = std::time::Instant::now();
    while queue.is_connected() != wanted {
        assert!(begun.elapsed() < DEADLINE, "it does not become {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_broker_that_was_never_there() {
    let settings = BrokerSettings { amqp_url: "amqp://127.0.0.1:1/%2f".into(), run: Some("x".into()), startup_wait: 1 };
    let failure = RabbitQueue::connect(&settings, "test").await.err().expect("nobody listens there");
    assert_eq!(failure.exit_code(), 3);
    assert!(failure.to_string().contains("AMQP_URL"), "{failure}");
    // A user or password that is not encoded.
    for url in ["amqp://a@b/c:d@127.0.0.1:1", "amqp://a:b/c@127.0.0.1:1"] {
        let settings = BrokerSettings { amqp_url: url.into(), ..settings.clone() };
        let failure = RabbitQueue::connect(&settings, "test").await.err().expect("no such URL");
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().contains("%40"), "{failure}");
    }
    let encoded = BrokerSettings { amqp_url: "amqp://a%40b:c@127.0.0.1:1/d%40e".into(), ..settings };
    let failure = RabbitQueue::connect(&encoded, "test").await.err().expect("nobody listens there");
    assert_eq!(failure.exit_code(), 3);
}

/// With a certificate of a private authority, which `SSL_CERT_FILE` names.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_over_tls() {
    let port = broker::free_port();
    let authority = tempfile::tempdir().expect("a folder");
    let broker = Broker::start_with(|_| tls(authority.path(), port));
    let url = format!("amqps://guest:guest@localhost:{port}/%2f");
    let settings = BrokerSettings { amqp_url: url, run: Some("tls".into()), startup_wait: 10 };
    let stranger = RabbitQueue::connect(&settings, "test").await.err().expect("nobody vouches for it");
    assert!(stranger.to_string().contains("TLS"), "{stranger}");
    // SAFETY: no other test of this file reads the variable, and none sets any.
    unsafe { std::env::set_var("SSL_CERT_FILE", authority.path().join("ca.pem")) };
    let queue = RabbitQueue::connect(&settings, "test").await.expect("a broker that is vouched for");
    queue.publish(QueueName::Functions, &message(1)).await.expect("confirmed");
    assert_eq!(queue.depth(QueueName::Functions).await.expect("a depth").ready, 1);
    drop(broker);
}

/// Makes an authority and a certificate for localhost in `folder`; gives the broker's configuration.
fn tls(folder: &std::path::Path, port: u16) -> String {
    let openssl = |arguments: &str| {
        let mut command = std::process::Command::new("openssl");
        let output = command.args(arguments.split(' ')).current_dir(folder).output().expect("openssl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").expect("a file");
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority");
    openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names");
    let file = |name: &str| folder.join(name).display().to_string();
    format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
         ssl_options.keyfile = {}\n",
        file("ca.pem"),
        file("server.pem"),
        file("server.key")
    )
}
