//! `case2code run`: every stage in one process, over the in-memory queue, with the fleet's own stage code and sink.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Instant, SystemTime},
};

use pipeline::{
    consume::{Route, StageMetrics, consume},
    error::Failure,
    message::RunOpen,
    queue::{Queue, QueueName, memory::MemoryQueue},
    shutdown::CancellationToken,
    telemetry::{Telemetry, register},
};
use serde_json::{Map, Value, json};
use worker_exec::{Executor, settings::ExecSettings};
use worker_llm::{WayBack, Writer, budget::Budget, settings::WriterSettings};

use crate::{
    assemble::{AssembleSettings, Assembler},
    collect::{CollectSettings, Collector, Item},
    feed::{self, Sharding},
    finish::{self, Finished},
    identity::{self, SharedSettings},
    metrics::CoordinatorMetrics,
    output::StageSettings,
    progress::{Progress, RunCounts},
    sink::{
        drain::{Until, drain},
        folder::{OutputFolder, mint_run_id, same_identity},
        shards::{Journaled, Shards},
    },
    spent::{self, Keeper},
};

/// All that a run in one process is made of.
pub struct Run {
    /// Files and folders of raw code.
    pub inputs: Vec<PathBuf>,
    /// The output folder.
    pub out: PathBuf,
    /// Settings that several stages share.
    pub shared: SharedSettings,
    /// Settings of `collect`.
    pub collect: CollectSettings,
    /// Settings of `write-inputs`.
    pub writer: WriterSettings,
    /// Settings of `execute`.
    pub exec: ExecSettings,
    /// Settings of `assemble`.
    pub assemble: AssembleSettings,
    /// Whether records are kept.
    pub stages: StageSettings,
}

impl Run {
    /// Runs to the end, or until `stop` is cancelled. A run that is complete already is left as it is.
    ///
    /// # Errors
    /// A service that was never reached, another run in the folder, a disk that refuses; [`Failure::Interrupted`] if
    /// work is left.
    pub async fn run(self, telemetry: &Telemetry, stop: CancellationToken) -> Result<(), Failure> {
        Assembler::new(&self.assemble, self.shared.seed)?; // a wrong setting is told before anything is paid for
        let mut identity = identity::of_collection(&self.inputs, &self.collect, &self.shared)?;
        identity.extend(identity::of_stages(&self.writer, &self.exec, &self.assemble));
        let folder = OutputFolder::open(&self.out)?;
        let before = folder.run_json()?;
        if let Some(before) = before.as_ref().filter(|before| before["complete"] == json!(true)) {
            same_identity(&only(&before["identity"], &identity), &Value::Object(identity), &self.place())?;
            folder.close().map_err(anyhow::Error::from)?;
            eprintln!("{} is complete already; nothing to do", self.out.display());
            return Ok(());
        }
        let usage = folder.usage_file();
        let budget = self.writer.budget(usage.read()?)?;
        let shards = Shards::open(folder, self.assemble.clone(), self.stages)?;
        // Of the whole run: what earlier processes spent counts. With everything written there is nothing to stop.
        let limited = !budget.exhausted().is_cancelled();
        if !limited {
            if let Some(run) = &shards.known().run {
                same_identity(&only(&run.identity, &identity), &Value::Object(identity.clone()), &self.place())?;
            }
            self.all_is_written(&shards, &budget).await?;
        }
        let keeper = Keeper::start(usage, budget.clone());
        let start = Writer::start_within(&self.writer, WayBack::Open, &telemetry.registry, budget.clone());
        let writer = start.await?;
        let executor = Arc::new(Executor::start(&self.exec).await?);
        identity.extend(resolved(&writer, &executor));
        let halt = if limited { budget.stops(&stop) } else { stop.clone() };
        let finished = self.work(shards, Value::Object(identity), writer, Arc::clone(&executor), telemetry, halt).await;
        executor.shutdown().await;
        // Before the folder is closed, whose state it writes to.
        keeper.stop().await;
        let finished = match finished {
            Err(Failure::Interrupted) if limited && !stop.is_cancelled() => Err(limit(&budget)),
            finished => finished,
        };
        let (finished, folder) = finished?;
        folder.close().map_err(anyhow::Error::from)?;
        finish::say(&finished, &self.out);
        Ok(())
    }

    fn place(&self) -> String {
        format!("--out {}", self.out.display())
    }

    async fn work(
        &self,
        mut shards: Shards,
        identity: Value,
        writer: Arc<Writer>,
        executor: Arc<Executor>,
        telemetry: &Telemetry,
        stop: CancellationToken,
    ) -> Result<(Finished, OutputFolder), Failure> {
        let (started, clock) = (SystemTime::now(), Instant::now());
        let sharding = Sharding {
            run_id: mint_run_id(&identity),
            seed: self.shared.seed,
            shard_size: self.shared.shard_size.get(),
        };
        match &shards.known().run {
            Some(run) => same_identity(&run.identity, &identity, &self.place())?,
            None => shards.open_run(RunOpen {
                run_id: sharding.run_id.clone(),
                seed: self.shared.seed,
                shard_size: sharding.shard_size,
                identity: identity.clone(),
            })?,
        }
        finish::write_card(shards.folder())?;
        let resumed = shards.outcomes();
        if resumed > 0 {
            tracing::info!(outcomes = resumed, "going on where an earlier run left off");
        }
        let journaled = shards.journaled();
        let counts = Arc::new(RunCounts::default());
        let progress = Progress::start(Arc::clone(&counts), Some(writer.budget().clone()));
        let collector = Collector::new(&self.inputs, &self.collect)?;

        // What waits between the stages is paid for and lost if the process dies: as little as keeps every slot busy.
        let queue = MemoryQueue::with_capacities(|name| match name {
            QueueName::Inputs => 4 * executor.slots(),
            _ => (4 * self.writer.concurrency()).max(feed::CHUNK),
        });
        let of_run = CoordinatorMetrics::unregistered().map_err(anyhow::Error::from)?;
        for collectors in [of_run.of_sink(), executor.metrics().collectors()] {
            register(&telemetry.registry, collectors).map_err(anyhow::Error::from)?;
        }
        counts.sink.show_in(of_run.clone());
        let disk = tokio::spawn(of_run.watch_disk(shards.folder().path().to_owned()));
        let metrics = StageMetrics::register(&telemetry.registry).map_err(anyhow::Error::from)?;
        telemetry.ready_while(|| true);
        let write = tokio::spawn(consume(
            Arc::clone(&writer),
            queue.clone(),
            Route::WRITE_INPUTS,
            self.writer.concurrency(),
            metrics.clone(),
            stop.clone(),
        ));
        let execute = tokio::spawn(consume(
            Arc::clone(&executor),
            queue.clone(),
            Route::EXECUTE,
            executor.concurrency(),
            metrics,
            // Not stopped by the signal but by the closing of its queue: what a model was paid for is still executed.
            CancellationToken::new(),
        ));
        let outcomes = queue.consume(QueueName::Outcomes, u16::MAX).await.map_err(anyhow::Error::from)?;
        // Nor is the sink: what was executed is still put on disk.
        let until = Until { stop: CancellationToken::new(), give_up: stop.clone() };
        let sink = drain(shards, outcomes, counts.sink.clone(), |_| Ok(()), until);
        let mut sink = tokio::spawn(sink);

        let feed = self.feed(&queue, &sharding, collector, &journaled, &counts, &stop);
        let fed = tokio::select! {
            fed = feed => fed,
            // The sink ends first only if it failed.
            sunk = &mut sink => return Err(Failure::Other(ended_early(sunk))),
        };
        fed?;
        // The workers go on until the sink has everything, or the signal has them finish what they hold.
        let shards = tokio::select! {
            sunk = &mut sink => sunk.map_err(anyhow::Error::from)??,
            () = stop.cancelled() => {
                // In the data's order, so that nobody waits for room that nobody makes.
                let drained = async {
                    let _ = write.await;
                    queue.close(QueueName::Inputs);
                    let _ = execute.await;
                    queue.close(QueueName::Outcomes);
                };
                let given_up = tokio::select! {
                    () = drained => None,
                    sunk = &mut sink => Some(sunk),
                };
                let sunk = match given_up {
                    Some(sunk) => sunk,
                    None => sink.await,
                };
                match sunk.map_err(anyhow::Error::from)? {
                    Ok(shards) => shards,
                    Err(error) => {
                        tracing::error!(error = format!("{error:#}"), "what was in flight is not on disk");
                        return Err(Failure::Interrupted);
                    }
                }
            }
        };
        drop(progress);
        disk.abort();
        if !shards.finished() {
            return Err(Failure::Interrupted);
        }
        for name in [QueueName::Repairs, QueueName::Functions, QueueName::Inputs] {
            queue.close(name);
        }
        let total = shards.total();
        let finished = Finished {
            usage: Some(spent::to_json(writer.budget(), &identity["model"], total.accepted)),
            identity,
            total,
            seconds: clock.elapsed(),
            started,
            resumed,
            duplicates: shards.duplicates(),
            out_of_order: counts.sink.get().out_of_order,
        };
        finish::write(shards.folder(), &finished)?;
        Ok((finished, shards.into_folder()))
    }

    /// Whether no function waits for its inputs: only then a run that has spent its budget can go on.
    async fn all_is_written(&self, shards: &Shards, budget: &Budget) -> Result<(), Failure> {
        let journaled = shards.journaled();
        let (mut chunks, size) =
            (feed::chunks(Collector::new(&self.inputs, &self.collect)?), self.shared.shard_size.get());
        while let Some(chunk) = chunks.recv().await {
            let waits = |item: &Item| item.outcome.is_ok() && !journaled.has_item(item.index / size, item.index);
            if chunk?.items.iter().any(waits) {
                return Err(limit(budget));
            }
        }
        Ok(())
    }

    async fn feed(
        &self,
        queue: &MemoryQueue,
        sharding: &Sharding,
        collector: Collector,
        journaled: &Journaled,
        counts: &RunCounts,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let mut chunks = feed::chunks(collector);
        let mut items = 0;
        loop {
            let chunk = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                chunk = chunks.recv() => chunk,
            };
            let Some(chunk) = chunk else { break };
            let chunk = chunk?.items;
            items += chunk.len() as u64;
            counts.collected.store(items, Ordering::Relaxed);
            let publish = feed::publish_chunk(queue, sharding, chunk, |address| !journaled.has(address), stop);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                published = publish => published.map_err(anyhow::Error::from)?,
            }
        }
        for message in sharding.end(items) {
            feed::publish(queue, QueueName::Outcomes, &message, stop).await.map_err(anyhow::Error::from)?;
        }
        Ok(())
    }
}

/// The end of a run that has spent what it may.
fn limit(budget: &Budget) -> Failure {
    let why = budget.why().unwrap_or_default();
    Failure::Limit(format!("{why}; the same command with a higher limit goes on where this left off"))
}

/// What of the identity only the services know.
fn resolved(writer: &Writer, executor: &Executor) -> Map<String, Value> {
    let info = executor.info();
    let mut resolved = writer.identity();
    resolved.insert("sandbox".into(), json!(info.backend));
    resolved.insert("python".into(), json!(info.python));
    resolved.insert("sandbox_image_digest".into(), json!(info.image_digest));
    resolved
}

/// The part of `identity` that `known` speaks of.
fn only(identity: &Value, known: &Map<String, Value>) -> Value {
    let part = |name: &String| identity.get(name).map(|value| (name.clone(), value.clone()));
    Value::Object(known.keys().filter_map(part).collect())
}

fn ended_early(sunk: Result<anyhow::Result<Shards>, tokio::task::JoinError>) -> anyhow::Error {
    match sunk {
        Ok(Ok(_)) => anyhow::anyhow!("the sink ended before the run did"),
        Ok(Err(error)) => error,
        Err(error) => error.into(),
    }
}
