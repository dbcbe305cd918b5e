//! `case2code sink`: the sink of a fleet. It takes seed and shard size from the run as it opens, and owns profile and
//! format.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Instant, SystemTime},
};

use pipeline::{
    error::Failure,
    message::RunOpen,
    queue::{
        Queue, QueueName,
        rabbitmq::{BrokerSettings, RabbitQueue, WorksBy, claim},
    },
    shutdown::CancellationToken,
    telemetry::Telemetry,
};
use serde_json::{Map, Value};

use super::{
    drain::{BATCH, Until, drain},
    folder::{OutputFolder, same_identity},
    shards::Shards,
};
use crate::{
    assemble::{AssembleSettings, Assembler},
    finish::{self, Finished},
    progress::{Progress, RunCounts},
};

/// Drains a run until its last shard stands in parts.
///
/// # Errors
/// A broker that was never reached, another run in the folder; [`Failure::Interrupted`] if work is left.
pub async fn sink(
    out: &Path,
    assemble: &AssembleSettings,
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
        folder.close().map_err(anyhow::Error::from)?;
        eprintln!("{} is complete already; nothing to do", out.display());
        return Ok(());
    }
    let (started, clock) = (SystemTime::now(), Instant::now());
    let queue = RabbitQueue::connect_alone(broker, "sink", WorksBy::Consuming).await?;
    let shards = Shards::open(folder, assemble.clone())?;
    finish::write_card(shards.folder())?;
    if let Some(run) = &shards.known().run {
        check(run, &own, shards.folder().path(), out)?;
    }
    let resumed = shards.outcomes();
    let counts = Arc::new(RunCounts::default());
    let progress = Progress::start(Arc::clone(&counts));
    let prefetch = u16::try_from(2 * BATCH).unwrap_or(u16::MAX);
    let outcomes = queue.consume(QueueName::Outcomes, prefetch).await.map_err(anyhow::Error::from)?;
    telemetry.set_ready(true);
    let path = shards.folder().path().to_owned();
    let opens = |run: &RunOpen| check(run, &own, &path, out).map_err(anyhow::Error::from);
    let shards =
        drain(shards, outcomes, Arc::clone(&counts.sink), opens, Until { give_up: stop.clone(), stop }).await?;
    drop(progress);
    if !shards.finished() {
        return Err(Failure::Interrupted);
    }
    let mut identity = shards.known().run.as_ref().map_or(Value::Null, |run| run.identity.clone());
    if let Value::Object(identity) = &mut identity {
        identity.extend(own);
    }
    let finished = Finished {
        identity,
        total: shards.total(),
        seconds: clock.elapsed(),
        started,
        resumed,
        duplicates: shards.duplicates(),
        out_of_order: counts.sink.out_of_order.load(Ordering::Relaxed),
    };
    finish::write(shards.into_folder(), &finished)?;
    if let Err(error) = claim::release(&queue).await {
        tracing::warn!(%error, "the run's name stays taken on the broker");
    }
    finish::say(&finished, out);
    Ok(())
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
        Err(_) => std::fs::write(&settings, now.to_string()).map_err(anyhow::Error::from)?,
    }
    tracing::info!(run_id = %run.run_id, seed = run.seed, shard_size = run.shard_size, "the run is open");
    Ok(())
}
