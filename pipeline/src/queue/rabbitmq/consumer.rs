//! A stream of deliveries that survives the broker: whatever ends it, it is built again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt};
use lapin::{
    BasicProperties, Channel,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};

use tokio::{sync::Mutex, task::JoinHandle};

use super::{RabbitQueue, channels::answered, connection::short, wire};
use crate::{
    failpoint,
    queue::{BoxFuture, Consumer, Delivery, QueueError, QueueName, Receipt, Unattributable},
};

/// How often a consumer that gets nothing is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(10);

/// With nothing in hand and nothing delivered for this long, the consumer is made anew. The broker may have forgotten it,
/// or count deliveries as held by it that never arrived (a change of the queue's leader does both, without a word);
/// closing its channel makes them ready again.
const IDLE: Duration = Duration::from_secs(60);

/// Consumes one queue.
pub struct RabbitConsumer {
    queue: RabbitQueue,
    from: QueueName,
    prefetch: u16,
    open: Option<Open>,
    /// The opening under way. A task of its own: cut off in the middle, the broker would deliver to nobody, and count it.
    opening: Option<JoinHandle<Result<Open, QueueError>>>,
    pause: Duration,
}

struct Open {
    channel: Channel,
    stream: lapin::Consumer,
    /// Deliveries of this channel that are neither acknowledged nor given back.
    in_hand: Arc<AtomicI64>,
}

/// How long an opening may still take once nobody wants it any more. A broker that is away would keep it for ever.
const OPENING_ENDS: Duration = Duration::from_secs(5);

/// A consumer that got nothing for so long has nothing under way to it. What still is when it is cancelled never arrives
/// (seen with the quorum queues of 3.10), and counts as delivered once more when its channel closes.
const QUIET: Duration = Duration::from_millis(50);

/// How long that is waited for at most.
const QUIET_DEADLINE: Duration = Duration::from_secs(2);

/// Deliveries that are given back at once.
const RETURNED_AT_ONCE: usize = 64;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl RabbitConsumer {
    /// A consumer that connects with its first delivery.
    pub fn new(queue: RabbitQueue, from: QueueName, prefetch: u16) -> Self {
        Self { queue, from, prefetch: prefetch.max(1), open: None, opening: None, pause: FIRST_PAUSE }
    }

    async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            close(&open.channel).await;
        }
    }

    /// Opens a stream. May be dropped and called again.
    async fn open(&mut self) -> Result<Open, QueueError> {
        let opening =
            self.opening.get_or_insert_with(|| tokio::spawn(open(self.queue.clone(), self.from, self.prefetch)));
        let opened = opening.await;
        self.opening = None;
        opened.unwrap_or_else(|error| Err(QueueError::Unavailable(error.to_string())))
    }

    /// Waits for the next delivery of the open stream.
    async fn poll(&mut self) -> Polled {
        let Self { queue, from, open, .. } = self;
        let Some(open) = open.as_mut() else { return Polled::Broken };
        let mut idle_since = Instant::now();
        loop {
            match tokio::time::timeout(WATCH_EVERY, open.stream.next()).await {
                Ok(Some(Ok(delivery))) => return Polled::Delivery(Box::new(open.take(queue, *from, delivery))),
                Ok(Some(Err(error))) => {
                    tracing::warn!(queue = %from, %error, "the consumer broke");
                    return Polled::Broken;
                }
                Ok(None) => {
                    tracing::warn!(queue = %from, "the broker ended the consumer");
                    return Polled::Broken;
                }
                Err(_) if !open.channel.status().connected() => return Polled::Broken,
                Err(_) => {}
            }
            if open.in_hand.load(Ordering::SeqCst) > 0 {
                idle_since = Instant::now();
            } else if idle_since.elapsed() >= IDLE {
                return Polled::Idle;
            }
        }
    }
}

async fn open(queue: RabbitQueue, from: QueueName, prefetch: u16) -> Result<Open, QueueError> {
    let connection = queue.link().connection_with_patience().await?;
    let name = short(&queue.topology().queue(from))?;
    answered(async {
        let channel = connection.create_channel().await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let stream = channel.basic_consume(name, "".into(), options, FieldTable::default()).await?;
        Ok(Open { channel, stream, in_hand: Arc::default() })
    })
    .await
}

enum Polled {
    Delivery(Box<Delivery>),
    /// Nothing came for [`IDLE`].
    Idle,
    /// The stream is no good any more.
    Broken,
}

impl Open {
    fn take(&self, queue: &RabbitQueue, from: QueueName, mut delivery: lapin::message::Delivery) -> Delivery {
        let delivery_count = wire::delivery_count(&delivery);
        let waited = wire::waited(&delivery.properties);
        let body = delivery.data.clone();
        let message = wire::message(&mut delivery);
        let receipt = RabbitReceipt::new(queue.clone(), from, delivery, body, Arc::clone(&self.in_hand));
        Delivery { message, delivery_count, waited, receipt: Box::new(receipt) }
    }

    /// Waits until nothing is under way. Gives what came meanwhile.
    async fn settle(&mut self, queue: &RabbitQueue, from: QueueName) -> Vec<Delivery> {
        let (begun, mut held) = (Instant::now(), Vec::new());
        while begun.elapsed() < QUIET_DEADLINE {
            match tokio::time::timeout(QUIET, self.stream.next()).await {
                Ok(Some(Ok(delivery))) => held.push(self.take(queue, from, delivery)),
                _ => break,
            }
        }
        held
    }
}

impl Consumer for RabbitConsumer {
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError> {
        loop {
            if self.open.is_none() {
                match self.open().await {
                    Ok(open) => self.open = Some(open),
                    Err(error @ (QueueError::Refused(_) | QueueError::Taken(_))) => return Err(error),
                    Err(error) => {
                        tracing::warn!(queue = %self.from, %error, "cannot consume");
                        tokio::time::sleep(self.pause).await;
                        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                        continue;
                    }
                }
            }
            match self.poll().await {
                Polled::Delivery(delivery) => {
                    self.pause = FIRST_PAUSE;
                    return Ok(Some(*delivery));
                }
                Polled::Idle => {
                    tracing::debug!(queue = %self.from, "nothing came for long: consuming anew");
                    self.close().await;
                    continue;
                }
                Polled::Broken => {}
            }
            // A queue or binding that is gone comes back with the topology of a new connection.
            self.queue.link().rebuild();
            self.close().await;
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn retire(mut self) {
        if self.opening.is_some() {
            self.open = tokio::time::timeout(OPENING_ENDS, self.open()).await.ok().and_then(Result::ok);
            if let Some(opening) = self.opening.take() {
                opening.abort();
            }
        }
        let Some(mut open) = self.open.take() else { return };
        let mut held = open.settle(&self.queue, self.from).await;
        let mut stream = open.stream.clone();
        let cancelled = answered(open.channel.basic_cancel(stream.tag(), BasicCancelOptions::default())).await;
        if let Err(error) = cancelled {
            tracing::debug!(queue = %self.from, %error, "the broker makes ready again what this consumer holds");
            return;
        }
        // What comes before the answer is here now; what comes after it never is.
        while let Some(Some(Ok(delivery))) = stream.next().now_or_never() {
            held.push(open.take(&self.queue, self.from, delivery));
        }
        let held = held.into_iter().map(|delivery| delivery.receipt.give_back());
        futures_util::stream::iter(held).buffer_unordered(RETURNED_AT_ONCE).for_each(|_| async {}).await;
        let Open { channel, in_hand, .. } = open;
        self.queue.inner.retired.keep(channel, in_hand).await;
    }
}

/// Channels that take no more deliveries and have some to answer for. lapin closes a channel when its last user drops
/// it, and ends the whole connection where that meets another closing; so they are kept, and closed in order.
#[derive(Default)]
pub struct Retired(Mutex<Vec<(Channel, Arc<AtomicI64>)>>);

impl Retired {
    /// Keeps a channel until all its deliveries are answered for.
    pub async fn keep(&self, channel: Channel, in_hand: Arc<AtomicI64>) {
        let mut channels = self.0.lock().await;
        channels.push((channel, in_hand));
        let done = channels.extract_if(.., |(_, in_hand)| in_hand.load(Ordering::SeqCst) == 0);
        for (channel, _) in done.collect::<Vec<_>>() {
            close(&channel).await;
        }
    }

    /// Closes all of them; what was not answered is delivered again.
    pub async fn close(&self) {
        for (channel, _) in self.0.lock().await.drain(..) {
            close(&channel).await;
        }
    }
}

async fn close(channel: &Channel) {
    // One that the broker closed before is closed, too.
    let _ = tokio::time::timeout(Duration::from_secs(1), channel.close(200, "done".into())).await;
}

/// The way to answer for a delivery of RabbitMQ.
pub struct RabbitReceipt {
    queue: RabbitQueue,
    from: QueueName,
    acker: Option<lapin::Acker>,
    properties: BasicProperties,
    /// A copy, to be given back.
    body: Vec<u8>,
    in_hand: Arc<AtomicI64>,
}

impl RabbitReceipt {
    /// Counts as `in_hand` until it is dropped. `body` is that of the delivery, which its reader has taken.
    pub fn new(
        queue: RabbitQueue,
        from: QueueName,
        delivery: lapin::message::Delivery,
        body: Vec<u8>,
        in_hand: Arc<AtomicI64>,
    ) -> Self {
        in_hand.fetch_add(1, Ordering::SeqCst);
        Self { queue, from, acker: Some(delivery.acker), properties: delivery.properties, body, in_hand }
    }
}

impl Drop for RabbitReceipt {
    fn drop(&mut self) {
        self.in_hand.fetch_sub(1, Ordering::SeqCst);
        if let Some(acker) = self.acker.take() {
            // Dropped unanswered, by a panic for one: give it back rather than hold it until the connection ends.
            tokio::spawn(async move { acker.nack(BasicNackOptions { requeue: true, multiple: false }).await });
        }
    }
}

impl Receipt for RabbitReceipt {
    fn ack(mut self: Box<Self>) -> BoxFuture<'static, Result<(), QueueError>> {
        Box::pin(async move {
            let Some(acker) = self.acker.take() else { return Ok(()) };
            failpoint::pass("ack.before");
            let acknowledged = answered(acker.ack(BasicAckOptions::default())).await.map(drop);
            failpoint::pass("ack.after");
            acknowledged
        })
    }

    /// To the end of the queue, as a message of its own: a nack would count as a delivery on some versions, and a record
    /// that came back often enough is taken for one that crashes its workers.
    fn give_back(mut self: Box<Self>) -> BoxFuture<'static, Result<(), QueueError>> {
        Box::pin(async move {
            let properties = wire::given_back(&self.properties);
            match self.queue.publish_bytes(self.from, &self.body, properties).await {
                Ok(()) => self.ack().await,
                Err(_) => {
                    let Some(acker) = self.acker.take() else { return Ok(()) };
                    answered(acker.nack(BasicNackOptions { requeue: true, multiple: false })).await.map(drop)
                }
            }
        })
    }

    fn set_aside(self: Box<Self>, aside: Unattributable) -> BoxFuture<'static, Result<(), QueueError>> {
        Box::pin(async move {
            tracing::warn!(reason = aside.reason, "set aside on `.dead`");
            self.queue.set_aside(&self.properties, &aside).await?;
            self.ack().await
        })
    }
}
