//! Collected items on their way into the queues, numbered and sharded: the front end of both `run` and `submit`.

use futures_util::{StreamExt, TryStreamExt, stream};
use pipeline::{
    error::Failure,
    message::{Address, Message, RecordType, RunClosed, RunId, ShardClosed},
    queue::{Queue, QueueError, QueueName},
    shutdown::CancellationToken,
};
use tokio::sync::mpsc;

use crate::collect::{Collector, Item, Mark};

/// Items that are published at once; also how often a feed can stop and look around.
pub const CHUNK: usize = 256;

/// How the items of a run are cut into shards.
#[derive(Clone, Debug)]
pub struct Sharding {
    /// The run that they belong to.
    pub run_id: RunId,
    /// The run's seed.
    pub seed: u64,
    /// Items a shard.
    pub shard_size: u64,
}

impl Sharding {
    /// Where an item belongs.
    pub fn address(&self, index: u64) -> Address {
        self.place(index / self.shard_size, index)
    }

    /// A control message for the sink.
    pub fn control<T: serde::Serialize>(&self, record_type: RecordType, record: &T) -> Message {
        Message::new(record_type, self.place(0, 0), record)
    }

    fn place(&self, shard: u64, index: u64) -> Address {
        Address { run_id: self.run_id.clone(), seed: self.seed, shard, index }
    }

    /// The messages that close a run of `items` items: its last shard, if that is not full, and the run.
    pub fn end(&self, items: u64) -> Vec<Message> {
        let mut messages = Vec::new();
        if !items.is_multiple_of(self.shard_size) {
            messages.push(self.closed(items / self.shard_size, items % self.shard_size));
        }
        let end = RunClosed { shards: items.div_ceil(self.shard_size), items };
        messages.push(self.control(RecordType::RunClosed, &end));
        messages
    }

    fn closed(&self, shard: u64, count: u64) -> Message {
        self.control(RecordType::ShardClosed, &ShardClosed { shard, first: shard * self.shard_size, count })
    }
}

/// Items that go on together.
pub struct Chunk {
    /// The items.
    pub items: Vec<Item>,
    /// Where the collector stands after them, where that is wanted.
    pub mark: Option<Mark>,
}

/// Items in chunks, collected on a thread of their own so that parsing stalls nothing else.
pub fn chunks(mut collector: Collector) -> mpsc::Receiver<Result<Chunk, Failure>> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let (mut items, mut failure) = (Vec::with_capacity(CHUNK), None);
            for item in collector.by_ref().take(CHUNK) {
                match item {
                    Ok(item) => items.push(item),
                    Err(error) => failure = Some(error),
                }
            }
            let ended = items.len() < CHUNK;
            let mark = collector.mark();
            if sender.blocking_send(Ok(Chunk { items, mark })).is_err() {
                return; // nobody wants more: the feed stopped
            }
            if let Some(failure) = failure {
                let _ = sender.blocking_send(Err(failure));
                return;
            }
            if ended {
                return;
            }
        }
    });
    receiver
}

/// Publishes those items of a chunk that are `wanted`, and the closing of every shard that it ends. Returns when all of
/// it is the queue's to keep.
///
/// # Errors
/// The queue refuses for good, or `stop` was cancelled during an outage of it. Publishing the chunk again is safe.
pub async fn publish_chunk<Q: Queue>(
    queue: &Q,
    sharding: &Sharding,
    chunk: Vec<Item>,
    wanted: impl Fn(&Address) -> bool,
    stop: &CancellationToken,
) -> Result<(), QueueError> {
    let size = sharding.shard_size;
    let ends: Vec<u64> = chunk.iter().map(|item| item.index + 1).filter(|next| next.is_multiple_of(size)).collect();
    let messages = chunk.into_iter().filter_map(|item| {
        let address = sharding.address(item.index);
        wanted(&address).then(|| match item.outcome {
            Ok(function) => (QueueName::Functions, Message::of(address, &function)),
            Err(rejection) => (QueueName::Outcomes, Message::rejection(address, &rejection)),
        })
    });
    stream::iter(messages)
        .map(|(to, message)| async move { publish(queue, to, &message, stop).await })
        .buffer_unordered(CHUNK)
        .try_collect::<()>()
        .await?;
    for end in ends {
        publish(queue, QueueName::Outcomes, &sharding.closed(end / size - 1, size), stop).await?;
    }
    Ok(())
}

/// Publishes one message, again and again through an outage.
///
/// # Errors
/// As for [`publish_chunk`].
pub async fn publish<Q: Queue>(
    queue: &Q,
    to: QueueName,
    message: &Message,
    stop: &CancellationToken,
) -> Result<(), QueueError> {
    loop {
        match queue.publish(to, message).await {
            Err(error @ QueueError::Unavailable(_)) if !stop.is_cancelled() => {
                tracing::warn!(queue = %to, %error, "publishing again");
                tokio::select! {
                    () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
                    () = stop.cancelled() => {}
                }
            }
            result => return result,
        }
    }
}
