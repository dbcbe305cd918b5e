//! A stream of deliveries that survives the broker: whatever ends it, it is built again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};

use super::{RabbitQueue, channels::answered, connection::short, wire};
use crate::queue::{BoxFuture, Consumer, Delivery, QueueError, QueueName, Receipt, Unattributable};

/// With nothing in hand and nothing delivered for this long, the channel is checked against the queue's depth: a
/// consumer that the broker forgot (a leader change, a deleted queue) gets no word of it.
const WATCH_AFTER: Duration = Duration::from_secs(20);

/// Consumes one queue.
pub struct RabbitConsumer {
    queue: RabbitQueue,
    from: QueueName,
    prefetch: u16,
    open: Option<Open>,
    pause: Duration,
}

struct Open {
    channel: Channel,
    stream: lapin::Consumer,
    /// Deliveries of this channel that are neither acknowledged nor given back.
    in_hand: Arc<AtomicI64>,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl RabbitConsumer {
    /// A consumer that connects with its first delivery.
    pub fn new(queue: RabbitQueue, from: QueueName, prefetch: u16) -> Self {
        Self { queue, from, prefetch: prefetch.max(1), open: None, pause: FIRST_PAUSE }
    }

    async fn open(&self) -> Result<Open, QueueError> {
        let connection = self.queue.link().connection_with_patience().await?;
        let name = short(&self.queue.topology().queue(self.from))?;
        answered(async {
            let channel = connection.create_channel().await?;
            channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
            let options = BasicConsumeOptions::default();
            let stream = channel.basic_consume(name, "".into(), options, FieldTable::default()).await?;
            Ok(Open { channel, stream, in_hand: Arc::default() })
        })
        .await
    }

    /// Waits for the next delivery of the open stream. `None`: the stream is no good any more.
    async fn poll(&mut self) -> Option<Delivery> {
        let Self { queue, from, open, .. } = self;
        let open = open.as_mut()?;
        let mut idle_since = Instant::now();
        loop {
            match tokio::time::timeout(WATCH_AFTER, open.stream.next()).await {
                Ok(Some(Ok(delivery))) => return Some(open.take(queue, delivery)),
                Ok(Some(Err(error))) => {
                    tracing::warn!(queue = %from, %error, "the consumer broke");
                    return None;
                }
                Ok(None) => {
                    tracing::warn!(queue = %from, "the broker ended the consumer");
                    return None;
                }
                Err(_) => {}
            }
            if !open.channel.status().connected() {
                return None;
            }
            let in_hand = open.in_hand.load(Ordering::SeqCst);
            let Ok(depth) = queue.depth(*from).await else { continue };
            if in_hand > 0 || (depth.ready == 0 && depth.consumers > 0) {
                idle_since = Instant::now();
            } else if idle_since.elapsed() >= 2 * WATCH_AFTER {
                tracing::warn!(queue = %from, ready = depth.ready, "messages wait but none comes: consuming anew");
                return None;
            }
        }
    }
}

impl Open {
    fn take(&self, queue: &RabbitQueue, mut delivery: lapin::message::Delivery) -> Delivery {
        self.in_hand.fetch_add(1, Ordering::SeqCst);
        let delivery_count = wire::delivery_count(&delivery);
        let message = wire::message(&mut delivery);
        let receipt =
            RabbitReceipt { queue: queue.clone(), acker: Some(delivery.acker), in_hand: Arc::clone(&self.in_hand) };
        Delivery { message, delivery_count, receipt: Box::new(receipt) }
    }
}

impl Consumer for RabbitConsumer {
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError> {
        loop {
            if self.open.is_none() {
                match self.open().await {
                    Ok(open) => self.open = Some(open),
                    Err(error @ QueueError::Refused(_)) => return Err(error),
                    Err(error) => {
                        tracing::warn!(queue = %self.from, %error, "cannot consume");
                        tokio::time::sleep(self.pause).await;
                        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                        continue;
                    }
                }
            }
            if let Some(delivery) = self.poll().await {
                self.pause = FIRST_PAUSE;
                return Ok(Some(delivery));
            }
            if let Some(broken) = self.open.take() {
                // A queue or binding that is gone comes back with the topology of a new connection.
                self.queue.link().rebuild();
                let close = broken.channel.close(200, "rebuilt".into());
                let _ = tokio::time::timeout(Duration::from_secs(1), close).await;
            }
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }
}

struct RabbitReceipt {
    queue: RabbitQueue,
    acker: Option<lapin::Acker>,
    in_hand: Arc<AtomicI64>,
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
            answered(acker.ack(BasicAckOptions::default())).await.map(drop)
        })
    }

    fn give_back(mut self: Box<Self>) -> BoxFuture<'static, Result<(), QueueError>> {
        Box::pin(async move {
            let Some(acker) = self.acker.take() else { return Ok(()) };
            answered(acker.nack(BasicNackOptions { requeue: true, multiple: false })).await.map(drop)
        })
    }

    fn set_aside(self: Box<Self>, aside: Unattributable) -> BoxFuture<'static, Result<(), QueueError>> {
        Box::pin(async move {
            tracing::warn!(reason = aside.reason, "set aside on `.dead`");
            self.queue.set_aside(&aside).await?;
            self.ack().await
        })
    }
}
