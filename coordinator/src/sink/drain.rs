//! The loop from the queue to the journals: take a batch, put it on disk, only then acknowledge.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use futures_util::future::join_all;
use pipeline::{
    message::{Message, RecordType, RunClosed, RunOpen, ShardClosed},
    queue::{Consumer, Delivery, QueueError, Receipt, Unattributable},
    records::{ExecutedFunction, Rejection},
    shutdown::CancellationToken,
};

use super::{
    journal::Entry,
    shards::{Belongs, Shards},
};
use crate::standing::SharedStanding;

/// Deliveries that are put on disk with one sync.
pub const BATCH: usize = 1_000;

/// How long a batch that is not full waits for more.
const LINGER: Duration = Duration::from_millis(20);

/// How long to wait where the disk or the queue refuses, and before a message whose run is not open yet is looked at
/// again.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest of pauses that grow.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// When to stop.
pub struct Until {
    /// Take no more.
    pub stop: CancellationToken,
    /// Do not wait for a disk that refuses any more.
    pub give_up: CancellationToken,
}

/// A message on its way to the disk, known to read.
struct Taken {
    content: Content,
    receipt: Box<dyn Receipt>,
}

enum Content {
    Outcome { shard: u64, index: u64, record_type: RecordType, body: Vec<u8> },
    ShardClosed(ShardClosed),
    RunClosed(RunClosed),
}

/// Drains outcomes until the run is finished or stopped. Gives the shards back; whether they are finished
/// tells which of the two it was.
///
/// `check` looks at the run as it opens and may refuse it.
///
/// # Errors
/// The queue refuses for good, or `check` does. A disk that is full is waited for.
pub async fn drain<C: Consumer>(
    shards: Shards,
    mut consumer: C,
    standing: SharedStanding,
    check: impl Fn(&RunOpen) -> anyhow::Result<()>,
    until: Until,
) -> anyhow::Result<Shards> {
    let drained = drain_from(&mut consumer, shards, standing, check, until).await;
    consumer.retire().await;
    drained
}

async fn drain_from<C: Consumer>(
    consumer: &mut C,
    mut shards: Shards,
    standing: SharedStanding,
    check: impl Fn(&RunOpen) -> anyhow::Result<()>,
    until: Until,
) -> anyhow::Result<Shards> {
    let (mut last_index, mut early_pause) = (0, PAUSE);
    // What an earlier process had whole and did not come to write.
    shards = keep(shards, Vec::new(), &standing, &until.give_up).await?;
    standing.update(&shards, 0);
    while !shards.finished() {
        let batch = tokio::select! {
            biased;
            () = until.stop.cancelled() => return Ok(shards),
            batch = next_batch(consumer) => batch?,
        };
        let Some(mut batch) = batch else { return Ok(shards) };
        // What opens the run makes sense of all the rest.
        batch.sort_by_key(|delivery| {
            !delivery.message.as_ref().is_ok_and(|message| message.record_type == RecordType::RunOpen)
        });
        let mut taken = Vec::with_capacity(batch.len());
        let mut early = Vec::new();
        for Delivery { message, receipt, .. } in batch {
            let message = match message {
                Ok(message) => message,
                Err(aside) => {
                    set_aside(&standing, receipt, aside).await;
                    continue;
                }
            };
            match shards.belongs(&message) {
                Belongs::Here if message.record_type == RecordType::RunOpen => match read::<RunOpen>(&message) {
                    Ok(run) => {
                        check(&run)?;
                        shards.open_run(run)?;
                        acknowledge(receipt).await;
                    }
                    Err(reason) => set_aside(&standing, receipt, Unattributable { reason, body: message.body }).await,
                },
                Belongs::Here => match content(&message, shard_size(&shards)) {
                    Ok(content) => taken.push(Taken { content, receipt }),
                    Err(reason) => set_aside(&standing, receipt, Unattributable { reason, body: message.body }).await,
                },
                Belongs::NotYet => early.push(receipt),
                Belongs::Elsewhere(reason) => {
                    set_aside(&standing, receipt, Unattributable { reason, body: message.body }).await
                }
            }
        }
        let mut out_of_order = 0;
        for Taken { content, .. } in &taken {
            if let Content::Outcome { index, .. } = *content {
                out_of_order += u64::from(index < last_index);
                last_index = last_index.max(index);
            }
        }
        shards = keep(shards, taken, &standing, &until.give_up).await?;
        standing.update(&shards, out_of_order);
        if early.is_empty() {
            early_pause = PAUSE;
        } else {
            let messages = early.len();
            tracing::warn!(
                messages,
                "the run is not open yet: `submit` opens it (`submit --again` does for another folder)"
            );
            tokio::select! {
                () = tokio::time::sleep(early_pause) => {}
                () = until.stop.cancelled() => {}
            }
            // They go to the end of the queue, so that what opens the run comes to its turn.
            early_pause = (early_pause * 2).min(LONGEST_PAUSE);
            join_all(early.into_iter().map(Receipt::give_back)).await;
        }
    }
    Ok(shards)
}

async fn next_batch(consumer: &mut impl Consumer) -> Result<Option<Vec<Delivery>>, QueueError> {
    let Some(first) = consumer.next().await? else { return Ok(None) };
    let mut batch = vec![first];
    while batch.len() < BATCH {
        match tokio::time::timeout(LINGER, consumer.next()).await {
            Ok(Ok(Some(delivery))) => batch.push(delivery),
            Ok(Ok(None)) | Err(_) => break,
            // What was taken comes first; the error shows again with the next call.
            Ok(Err(error)) => {
                tracing::warn!(%error, "the queue broke in the middle of a batch");
                break;
            }
        }
    }
    Ok(Some(batch))
}

/// Puts a batch on disk, however long the disk refuses, then acknowledges it.
async fn keep(
    mut shards: Shards,
    taken: Vec<Taken>,
    standing: &SharedStanding,
    give_up: &CancellationToken,
) -> anyhow::Result<Shards> {
    let (mut contents, receipts): (Vec<Content>, Vec<_>) =
        taken.into_iter().map(|taken| (taken.content, taken.receipt)).unzip();
    loop {
        let (given, rest, result) = tokio::task::spawn_blocking(move || {
            let result = store(&mut shards, &contents);
            (shards, contents, result)
        })
        .await
        .context("writing to disk")?;
        (shards, contents) = (given, rest);
        match result {
            Ok(()) => break,
            Err(error) if give_up.is_cancelled() || !is_of_the_disk(&error) => return Err(error),
            Err(error) => {
                if let Some(metrics) = standing.metrics() {
                    metrics.disk_refused();
                }
                tracing::error!(error = format!("{error:#}"), "cannot write; nothing is acknowledged until it works");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = give_up.cancelled() => {}
                }
            }
        }
    }
    join_all(receipts.into_iter().map(acknowledge)).await;
    Ok(shards)
}

/// Whether waiting may mend it: the disk is full, say. Anything else would come again for ever.
fn is_of_the_disk(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<std::io::Error>() || cause.is::<parquet::errors::ParquetError>())
}

/// Writes one batch; safe to call again with the same one.
fn store(shards: &mut Shards, contents: &[Content]) -> anyhow::Result<()> {
    let mut by_shard: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
    for content in contents {
        match content {
            Content::ShardClosed(closed) => shards.close_shard(closed.clone())?,
            Content::RunClosed(end) => shards.close_run(end.clone())?,
            Content::Outcome { shard, index, record_type, body } => {
                let entry = Entry { index: *index, record_type: *record_type, body: body.clone() };
                by_shard.entry(*shard).or_default().push(entry);
            }
        }
    }
    for (shard, entries) in by_shard {
        shards.append(shard, entries)?;
    }
    shards.complete()
}

/// Reads a message before it is put on disk, so that each line of a journal is known to read. What goes to disk is our
/// own writing of it: a body may hold line breaks.
fn content(message: &Message, shard_size: u64) -> Result<Content, String> {
    let Message { record_type, ref address, .. } = *message;
    let body = match record_type {
        RecordType::ShardClosed => {
            let closed: ShardClosed = read(message)?;
            let first = closed.shard.checked_mul(shard_size);
            if first != Some(closed.first) || !(1..=shard_size).contains(&closed.count) {
                return Err(format!("no shard of this run has {} items from {} on", closed.count, closed.first));
            }
            return Ok(Content::ShardClosed(closed));
        }
        RecordType::RunClosed => return read(message).map(Content::RunClosed),
        RecordType::ExecutedFunction => serde_json::to_vec(&read::<ExecutedFunction>(message)?),
        RecordType::Rejection => serde_json::to_vec(&read::<Rejection>(message)?),
        other => return Err(format!("a {other} does not belong in the sink's queue")),
    };
    let body = body.map_err(|error| error.to_string())?;
    Ok(Content::Outcome { shard: address.shard, index: address.index, record_type, body })
}

fn shard_size(shards: &Shards) -> u64 {
    shards.known().run.as_ref().map_or(1, |run| run.shard_size)
}

fn read<T: serde::de::DeserializeOwned>(message: &Message) -> Result<T, String> {
    message.decode().map_err(|error| error.to_string())
}

async fn acknowledge(receipt: Box<dyn Receipt>) {
    if let Err(error) = receipt.ack().await {
        // It comes again and is dropped as a duplicate.
        tracing::warn!(%error, "could not acknowledge");
    }
}

async fn set_aside(standing: &SharedStanding, receipt: Box<dyn Receipt>, aside: Unattributable) {
    if let Some(metrics) = standing.metrics() {
        metrics.set_aside();
    }
    if let Err(error) = receipt.set_aside(aside).await {
        tracing::warn!(%error, "could not set aside");
    }
}
