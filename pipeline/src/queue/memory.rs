//! The queue of `case2code run`: bounded, within one process. What is lost with the process is collected again, since
//! only the sink's journals count as done.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use super::{BoxFuture, Consumer, Delivery, Queue, QueueError, QueueName, Receipt, Unattributable};
use crate::message::Message;

/// How long a record waits before another attempt.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// All queues of one run. Clones share them.
#[derive(Clone)]
pub struct MemoryQueue {
    channels: Arc<HashMap<QueueName, Arc<Channel>>>,
}

struct Channel {
    waiting: Mutex<VecDeque<(Message, u64)>>,
    /// One permit for each message that waits. Closed with the queue.
    ready: Semaphore,
    /// One permit for each further message that may be waiting or unacknowledged.
    room: Semaphore,
    /// Messages that were put without room; the next acknowledgements pay for them.
    debt: AtomicUsize,
}

impl Channel {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<(Message, u64)>> {
        // Nothing panics while it holds the lock; the queue is whole even if something did.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, message: Message, delivery_count: u64, first: bool) {
        let mut waiting = self.waiting();
        if first {
            waiting.push_front((message, delivery_count))
        } else {
            waiting.push_back((message, delivery_count))
        }
        drop(waiting);
        self.ready.add_permits(1);
    }
}

impl MemoryQueue {
    /// Queues that hold at most `capacity` messages each, unacknowledged ones included; `.repairs`, `.retry` and
    /// `.dead` are unbounded, so that no cycle can lock up.
    pub fn new(capacity: usize) -> Self {
        Self::with_capacities(|_| capacity)
    }

    /// As [`Self::new`], with a capacity for each queue.
    pub fn with_capacities(capacity: impl Fn(QueueName) -> usize) -> Self {
        let channel = |name: QueueName| {
            let bounded = matches!(name, QueueName::Functions | QueueName::Inputs | QueueName::Outcomes);
            let room = if bounded { capacity(name).max(1) } else { Semaphore::MAX_PERMITS };
            let channel = Channel {
                waiting: Mutex::default(),
                ready: Semaphore::new(0),
                room: Semaphore::new(room),
                debt: AtomicUsize::new(0),
            };
            (name, Arc::new(channel))
        };
        Self { channels: Arc::new(QueueName::ALL.into_iter().map(channel).collect()) }
    }

    /// Ends a queue: consumers get what is left, then `None`.
    pub fn close(&self, name: QueueName) {
        self.channel(name).ready.close();
    }

    fn channel(&self, name: QueueName) -> &Arc<Channel> {
        let live = match name {
            QueueName::FunctionsRetry => QueueName::Functions,
            QueueName::InputsRetry => QueueName::Inputs,
            other => other,
        };
        // `new` makes a channel for every name.
        &self.channels[&live]
    }
}

impl Queue for MemoryQueue {
    type Consumer = MemoryConsumer;

    async fn publish(&self, to: QueueName, message: &Message) -> Result<(), QueueError> {
        let channel = self.channel(to);
        let retried = matches!(to, QueueName::FunctionsRetry | QueueName::InputsRetry);
        if retried || message.alone > 0 {
            // The delivery that it replaces gives its room back right after; waiting for it here would lock up.
            match channel.room.try_acquire() {
                Ok(permit) => permit.forget(),
                Err(_) => _ = channel.debt.fetch_add(1, Ordering::SeqCst),
            }
        } else {
            match channel.room.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_) => return Err(QueueError::Refused(format!("the queue `{to}` is closed"))),
            }
        }
        if retried {
            let (channel, message) = (Arc::clone(channel), message.clone());
            tokio::spawn(async move {
                tokio::time::sleep(RETRY_AFTER).await;
                channel.put(message, 0, false);
            });
        } else {
            channel.put(message.clone(), 0, false);
        }
        Ok(())
    }

    async fn consume(&self, from: QueueName, _prefetch: u16) -> Result<MemoryConsumer, QueueError> {
        Ok(MemoryConsumer { channel: Arc::clone(self.channel(from)) })
    }
}

/// Takes from one queue.
pub struct MemoryConsumer {
    channel: Arc<Channel>,
}

impl Consumer for MemoryConsumer {
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError> {
        if let Ok(permit) = self.channel.ready.acquire().await {
            permit.forget();
        }
        let Some((message, delivery_count)) = self.channel.waiting().pop_front() else { return Ok(None) };
        let receipt =
            MemoryReceipt { channel: Arc::clone(&self.channel), message: Some((message.clone(), delivery_count)) };
        Ok(Some(Delivery { message: Ok(message), delivery_count, waited: None, receipt: Box::new(receipt) }))
    }

    async fn retire(self) {
        // Nothing is held ahead.
    }
}

struct MemoryReceipt {
    channel: Arc<Channel>,
    message: Option<(Message, u64)>,
}

impl Drop for MemoryReceipt {
    fn drop(&mut self) {
        if let Some((message, delivery_count)) = self.message.take() {
            self.channel.put(message, delivery_count + 1, true);
        }
    }
}

impl Receipt for MemoryReceipt {
    fn ack(mut self: Box<Self>) -> BoxFuture<'static, Result<(), QueueError>> {
        self.message = None;
        let paid = self.channel.debt.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |debt| debt.checked_sub(1));
        if paid.is_err() {
            self.channel.room.add_permits(1);
        }
        Box::pin(async { Ok(()) })
    }

    fn give_back(mut self: Box<Self>) -> BoxFuture<'static, Result<(), QueueError>> {
        if let Some((message, delivery_count)) = self.message.take() {
            self.channel.put(message, delivery_count, true);
        }
        Box::pin(async { Ok(()) })
    }

    fn set_aside(self: Box<Self>, _aside: Unattributable) -> BoxFuture<'static, Result<(), QueueError>> {
        // Nothing foreign can reach a queue within the process.
        self.ack()
    }
}
