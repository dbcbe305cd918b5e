//! `case2code sink`: the sink of a fleet. It takes seed and shard size from the run as it opens, and owns profile and
//! format.

use std::{
    io::{ErrorKind, Write},
    path::Path,
    sync::Arc,
    time::{Instant, SystemTime},
};

use pipeline::{
    error::Failure,
    message::RunOpen,
    queue::{
        Consumer, Delivery, Queue, QueueError, QueueName,
        rabbitmq::{BrokerSettings, RabbitQueue, WorksBy, claim, dead},
    },
    shutdown::{CancellationToken, unless_stopped},
    telemetry::{Telemetry, register},
};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::{
    drain::{BATCH, Until, drain},
    folder::{OutputFolder, same_identity},
    shards::Shards,
};
use crate::{
    assemble::{AssembleSettings, Assembler},
    eval::fleet::EVALUATION,
    finish::{self, Finished},
    metrics::CoordinatorMetrics,
    output::StageSettings,
    progress::{Progress, RunCounts},
    standing::Clock,
};

/// Drains a run until its last shard stands in parts.
///
/// # Errors
/// A broker that was never reached, another run in the folder; [`Failure::Interrupted`] if work is left.
pub async fn sink(
    out: &Path,
    assemble: &AssembleSettings,
    stages: StageSettings,
    broker: &BrokerSettings,
    telemetry: &Telemetry,
    stop: CancellationToken,
) -> Result<(), Failure> {
    broker.run_name()?;
    Assembler::new(assemble, 0)?; // a wrong setting is told before anything is taken
    let folder = OutputFolder::open(out)?;
    let own = match assemble.identity() {
        Value::Object(own) => own,
        _ => Map::new(),
    };
    if let Some(before) = folder.run_json()?.filter(|before| before["complete"] == Value::Bool(true)) {
        let old = own.keys().filter_map(|name| before["identity"].get(name).map(|value| (name.clone(), value.clone())));
        same_identity(&Value::Object(old.collect()), &Value::Object(own), &format!("--out {}", out.display()))?;
        if let Some(run) = folder.known()?.run
            && let Err(error) = release(broker, &run).await
        {
            tracing::warn!(%error, "the run's name may stay taken on the broker");
        }
        folder.close().map_err(anyhow::Error::from)?;
        eprintln!("{} is complete already; nothing to do", out.display());
        return Ok(());
    }
    let (started, clock) = (SystemTime::now(), Instant::now());
    let queue = unless_stopped(&stop, RabbitQueue::connect_alone(broker, "sink", WorksBy::Consuming)).await?;
    if let Ok(Some(holder)) = claim::holder(&queue).await
        && !holder.identity[EVALUATION].is_null()
    {
        let name = broker.run_name()?;
        return Err(Failure::Usage(format!("run `{name}` is an evaluation's (`eval --run`): it has no samples")));
    }
    let shards = Shards::open(folder, assemble.clone(), stages)?;
    finish::write_card(shards.folder())?;
    if let Some(run) = &shards.known().run {
        check(run, &own, shards.folder().path(), out)?;
    }
    let resumed = shards.outcomes();
    let counts = Arc::new(RunCounts::default());
    let metrics = CoordinatorMetrics::unregistered().map_err(anyhow::Error::from)?;
    for collectors in [metrics.of_sink(), queue.metrics().collectors()] {
        register(&telemetry.registry, collectors).map_err(anyhow::Error::from)?;
    }
    counts.sink.show_in(metrics.clone());
    let disk = tokio::spawn(metrics.watch_disk(shards.folder().path().to_owned()));
    let progress = Progress::start(Arc::clone(&counts), None);
    let prefetch = u16::try_from(2 * BATCH).unwrap_or(u16::MAX);
    let outcomes = queue.consume(QueueName::Outcomes, prefetch).await.map_err(anyhow::Error::from)?;
    let watched = queue.clone();
    telemetry.ready_while(move || watched.is_connected());
    let told = tokio::spawn(counts.sink.clone().tell(queue.clone()));
    let (dead, letters) = mpsc::channel(BATCH);
    let standing = counts.sink.clone();
    tokio::spawn(dead::watch(queue.clone(), move || standing.get().run_id, dead));
    let outcomes = WithDeadLetters { outcomes, letters };
    let path = shards.folder().path().to_owned();
    let opens = |run: &RunOpen| check(run, &own, &path, out).map_err(anyhow::Error::from);
    let drained = drain(shards, outcomes, counts.sink.clone(), opens, Until { give_up: stop.clone(), stop }).await;
    drop(progress);
    told.abort();
    disk.abort();
    let shards = match drained {
        Ok(shards) if shards.finished() => shards,
        left => {
            let _ = queue.close().await; // what was not acknowledged comes again
            return Err(left.map_or_else(Failure::Other, |_| Failure::Interrupted));
        }
    };
    let mut identity = shards.known().run.as_ref().map_or(Value::Null, |run| run.identity.clone());
    if let Value::Object(identity) = &mut identity {
        identity.extend(own);
    }
    let finished = Finished {
        usage: None, // the workers count, each for itself
        identity,
        total: shards.total(),
        seconds: clock.elapsed(),
        started,
        resumed,
        duplicates: shards.duplicates(),
        out_of_order: counts.sink.get().out_of_order,
    };
    finish::write(shards.folder(), &finished)?;
    counts.sink.tell_once(&queue, &mut Clock::default()).await;
    if let Err(error) = claim::release(&queue).await {
        tracing::warn!(%error, "the run's name stays taken on the broker");
    }
    // Last: as long as the state is there, a sink that is started again gives the name free.
    shards.into_folder().close().map_err(anyhow::Error::from)?;
    if let Err(error) = queue.close().await {
        tracing::debug!(%error, "the broker did not see the sink off");
    }
    finish::say(&finished, out);
    Ok(())
}

/// Gives the name of a finished run free, where an earlier process did not come to it.
async fn release(broker: &BrokerSettings, run: &RunOpen) -> Result<(), Failure> {
    let queue = RabbitQueue::connect_to_existing(broker, "sink").await?;
    if claim::is_held_by(&queue, &run.run_id).await.map_err(anyhow::Error::from)? {
        claim::release(&queue).await.map_err(anyhow::Error::from)?;
    }
    Ok(())
}

/// Outcomes, and what of the run the broker gave up on.
struct WithDeadLetters<C> {
    outcomes: C,
    letters: mpsc::Receiver<Delivery>,
}

impl<C: Consumer> Consumer for WithDeadLetters<C> {
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError> {
        tokio::select! {
            Some(letter) = self.letters.recv() => Ok(Some(letter)),
            outcome = self.outcomes.next() => outcome,
        }
    }

    async fn retire(self) {
        self.outcomes.retire().await;
    }
}

/// Fails where the run contradicts what this folder or this command line says.
fn check(run: &RunOpen, own: &Map<String, Value>, folder: &Path, out: &Path) -> Result<(), Failure> {
    let settings = folder.join(".state/sink.json");
    let now = Value::Object(own.clone());
    match std::fs::read(&settings) {
        Ok(text) => {
            let before = serde_json::from_slice(&text).map_err(anyhow::Error::from)?;
            same_identity(&before, &now, &format!("--out {}", out.display()))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut file = tempfile::NamedTempFile::new_in(folder.join(".state")).map_err(anyhow::Error::from)?;
            let written = file.write_all(now.to_string().as_bytes()).and_then(|()| file.as_file().sync_all());
            written.map_err(anyhow::Error::from)?;
            file.persist(&settings).map_err(anyhow::Error::from)?;
        }
        Err(error) => return Err(anyhow::Error::from(error).context("sink.json").into()),
    }
    tracing::info!(run_id = %run.run_id, seed = run.seed, shard_size = run.shard_size, "the run is open");
    Ok(())
}
