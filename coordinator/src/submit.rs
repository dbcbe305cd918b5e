//! `case2code submit`: collects, shards and publishes, and keeps a cursor that moves only after the broker confirmed.

use std::{
    io::{ErrorKind, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use pipeline::{
    error::Failure,
    failpoint,
    message::{Address, RecordType, RunId, RunOpen},
    queue::{
        QueueError, QueueName,
        rabbitmq::{BrokerSettings, RabbitQueue, WorksBy, claim},
    },
    shutdown::{CancellationToken, unless_stopped},
    telemetry::{Telemetry, register},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    collect::{CollectSettings, Collector, Marks},
    feed::{self, Chunk, Sharding},
    identity::{self, SharedSettings},
    metrics::CoordinatorMetrics,
    sink::folder::{mint_run_id, same_identity},
    standing::Standing,
};

/// How often a full queue is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Settings of `submit` alone.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct SubmitSettings {
    /// Folder of the cursor [default: ./.case2code-submit/RUN]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Pause while the queues hold this many ready messages
    #[arg(long, default_value = "100000")]
    pub in_flight: NonZeroU32,
    /// Publish everything once more, for a broker that lost its queues or a journal that lost lines; the sink drops
    /// what it has already
    #[arg(long)]
    pub again: bool,
}

/// Where a submission stands: everything before `next` is confirmed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cursor {
    run_id: RunId,
    identity: Value,
    next: u64,
    complete: bool,
}

/// Publishes a run, or the rest of one. Returns how many items it has.
///
/// # Errors
/// A broker that was never reached, another run under this name, an input that changed; [`Failure::Interrupted`] if
/// work is left.
pub async fn submit(
    inputs: &[PathBuf],
    collect: &CollectSettings,
    shared: &SharedSettings,
    settings: &SubmitSettings,
    broker: &BrokerSettings,
    telemetry: &Telemetry,
    stop: CancellationToken,
) -> Result<u64, Failure> {
    let name = broker.run_name()?;
    let state = settings.state.clone().unwrap_or_else(|| Path::new(".case2code-submit").join(name));
    let identity = Value::Object(identity::of_collection(inputs, collect, shared)?);
    let file = CursorFile::open(&state)?;
    let mut cursor = match file.read()? {
        Some(cursor) => {
            same_identity(&cursor.identity, &identity, &format!("--state {}", state.display()))?;
            cursor
        }
        None => Cursor { run_id: fresh_run_id(&identity), identity: identity.clone(), next: 0, complete: false },
    };
    if settings.again {
        cursor = Cursor { next: 0, complete: false, ..cursor };
    }
    let queue = unless_stopped(&stop, RabbitQueue::connect_alone(broker, "submit", WorksBy::Publishing)).await?;
    let metrics = CoordinatorMetrics::unregistered().map_err(anyhow::Error::from)?;
    for collectors in [metrics.of_submit(), queue.metrics().collectors()] {
        register(&telemetry.registry, collectors).map_err(anyhow::Error::from)?;
    }
    let watched = queue.clone();
    telemetry.ready_while(move || watched.is_connected());
    // Before the claim: what holds the name has to be written down somewhere.
    file.write(&cursor)?;
    if cursor.complete {
        if !is_known(&queue, &cursor.run_id).await.map_err(anyhow::Error::from)? {
            return Err(Failure::Usage(format!(
                "the broker does not know this submission of run `{name}` any more (was it purged?): --again publishes \
                 everything anew, another --state or --run starts afresh"
            )));
        }
        tracing::info!(items = cursor.next, "everything was submitted already");
        return Ok(cursor.next);
    }
    if cursor.next > 0
        && let Some(standing) = last_word(&queue, &cursor.run_id).await.map_err(anyhow::Error::from)?
        && standing.shards == Some(standing.written)
    {
        // An earlier process published all of it, did not come to write that down, and the sink is done since.
        cursor = Cursor { next: standing.items.unwrap_or(cursor.next), complete: true, ..cursor };
        file.write(&cursor)?;
        tracing::info!(items = cursor.next, "everything was submitted already");
        return Ok(cursor.next);
    }
    let sharding = Sharding { run_id: cursor.run_id.clone(), seed: shared.seed, shard_size: shared.shard_size.get() };
    let open =
        RunOpen { run_id: cursor.run_id.clone(), seed: shared.seed, shard_size: shared.shard_size.get(), identity };
    claim(&queue, &open, name, &stop).await?;
    publish(&queue, &sharding.control(RecordType::RunOpen, &open), &stop).await?;

    let (mut marks, earlier) = Marks::open(&state, cursor.next)?;
    let collector = Collector::going_on(inputs, collect, earlier)?;
    let mut items = collector.items();
    if items > 0 {
        tracing::info!(items, "going on from there");
    }
    let mut chunks = feed::chunks(collector);
    loop {
        let chunk = tokio::select! {
            () = stop.cancelled() => return Err(Failure::Interrupted),
            chunk = chunks.recv() => chunk,
        };
        let Some(chunk) = chunk else { break };
        let Chunk { items: chunk, mark } = chunk?;
        items += chunk.len() as u64;
        // Before the cursor, so that what it stands behind is known.
        mark.map_or(Ok(()), |mark| marks.add(&mark))?;
        if items <= cursor.next {
            continue;
        }
        wait_for_room(&queue, settings.in_flight.get(), &metrics, &stop).await?;
        let next = cursor.next;
        let wanted = |address: &Address| address.index >= next;
        let reasons: Vec<_> = chunk
            .iter()
            .filter(|item| item.index >= next)
            .map(|item| item.outcome.as_ref().err().map(|rejection| rejection.reason))
            .collect();
        let published = feed::publish_chunk(&queue, &sharding, chunk, wanted, &stop).await;
        stopped_or_other(published, &stop)?;
        reasons.into_iter().for_each(|reason| metrics.submitted(reason));
        cursor.next = items;
        failpoint::pass("cursor.before_write");
        file.write(&cursor)?;
        failpoint::pass("cursor.written");
        tracing::debug!(items, "confirmed");
    }
    for message in sharding.end(items) {
        publish(&queue, &message, &stop).await?;
    }
    cursor.complete = true;
    file.write(&cursor)?;
    tracing::info!(items, "submitted");
    Ok(items)
}

/// Whether the broker has the run: it is open, or its sink has told of it.
async fn is_known(queue: &RabbitQueue, run_id: &RunId) -> Result<bool, QueueError> {
    Ok(claim::is_held_by(queue, run_id).await? || last_word(queue, run_id).await?.is_some())
}

/// Where the run stands, as its sink last told.
async fn last_word(queue: &RabbitQueue, run_id: &RunId) -> Result<Option<Standing>, QueueError> {
    let word = queue.peek(QueueName::Progress).await?;
    let standing = word.and_then(|word| serde_json::from_slice::<Standing>(&word).ok());
    Ok(standing.filter(|standing| standing.run_id.as_ref() == Some(run_id)))
}

/// Claims the run's name, through outages.
async fn claim(queue: &RabbitQueue, run: &RunOpen, name: &str, stop: &CancellationToken) -> Result<(), Failure> {
    loop {
        match claim::claim(queue, run).await {
            Ok(true) => return Ok(()),
            Ok(false) => {
                return Err(Failure::Usage(format!(
                    "run `{name}` is open on this broker, submitted from another --state or an evaluation's: go on from there, take another \
                     --run, or delete it with `case2code purge`"
                )));
            }
            Err(error @ QueueError::Unavailable(_)) => {
                tracing::warn!(%error, "cannot claim the run's name yet");
                tokio::select! {
                    () = stop.cancelled() => return Err(Failure::Interrupted),
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
            Err(error) => return Err(Failure::Other(error.into())),
        }
    }
}

/// A submission is told from an earlier one of the same input by when it began: two runs over one broker never mix.
fn fresh_run_id(identity: &Value) -> RunId {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    mint_run_id(&serde_json::json!([identity, now.to_string(), std::process::id()]))
}

async fn publish(
    queue: &RabbitQueue,
    message: &pipeline::message::Message,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    stopped_or_other(feed::publish(queue, QueueName::Outcomes, message, stop).await, stop)
}

fn stopped_or_other(result: Result<(), QueueError>, stop: &CancellationToken) -> Result<(), Failure> {
    match result {
        Err(_) if stop.is_cancelled() => Err(Failure::Interrupted),
        result => Ok(result.map_err(anyhow::Error::from)?),
    }
}

/// Back-pressure is a window: nothing is published while the queues are full.
async fn wait_for_room(
    queue: &RabbitQueue,
    in_flight: u32,
    metrics: &CoordinatorMetrics,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    loop {
        let mut ready = 0;
        for name in [QueueName::Functions, QueueName::Inputs, QueueName::Outcomes] {
            ready += match queue.depth(name).await {
                Ok(depth) => depth.ready,
                Err(error) => {
                    tracing::warn!(%error, "cannot see how full the queues are");
                    in_flight
                }
            };
        }
        metrics.set_window_full(ready >= in_flight);
        if ready < in_flight {
            return Ok(());
        }
        tokio::select! {
            () = stop.cancelled() => return Err(Failure::Interrupted),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// `cursor.json`, with a lock that keeps a second `submit` on this machine away.
struct CursorFile {
    folder: PathBuf,
    _lock: std::fs::File,
}

impl CursorFile {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let usage = |error: &dyn std::fmt::Display| Failure::Usage(format!("--state {}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(|error| usage(&error))?;
        let lock = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("lock"));
        let lock = lock.map_err(|error| usage(&error))?;
        lock.try_lock().map_err(|_| usage(&"another `submit` uses this folder"))?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    fn read(&self) -> anyhow::Result<Option<Cursor>> {
        match std::fs::read(self.folder.join("cursor.json")) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).context("cursor.json")?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("cursor.json"),
        }
    }

    fn write(&self, cursor: &Cursor) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(cursor)?)?;
        file.as_file().sync_all()?;
        file.persist(self.folder.join("cursor.json"))?;
        std::fs::File::open(&self.folder)?.sync_all()?; // the new name has to last
        Ok(())
    }
}
