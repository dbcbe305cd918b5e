//! Where the programs of an evaluation run: in sandboxes of this process, or of a fleet's workers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pipeline::{
    error::Failure,
    records::{EvaluationRequest, Function, Manner, Meta, Once, Place, Ran, Runs, Twice, weight},
    shutdown::CancellationToken,
    stage::StageError,
    telemetry::Telemetry,
};
use worker_exec::{ExecSettings, Executor};

use super::{fleet::Fleet, item::Item};

/// Attempts at a program whose sandbox breaks each time.
const ATTEMPTS: u32 = 3;
/// A machine that gives no sandbox is waited for so long.
const OUTAGE_PATIENCE: Duration = Duration::from_secs(120);
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);
/// Longest request, as JSON: a queue carries it.
const MAX_REQUEST_BYTES: usize = 3 * weight::MAX_BYTES;

/// The problem of a program no attempt at which comes to an end, although others do. It may have been bad luck: nothing
/// of it stays in a journal.
pub const NO_END: &str = "no attempt at it came to an end";

/// Where programs run.
pub enum Programs {
    /// In this process.
    Here {
        /// The sandboxes.
        executor: Arc<Executor>,
        /// Told to stop, it does not wait for a sandbox any more.
        stop: CancellationToken,
    },
    /// In a fleet.
    Fleet(Box<Fleet>),
}

impl Programs {
    /// In sandboxes of this process.
    ///
    /// # Errors
    /// [`Failure::Usage`] for settings that make no sense, [`Failure::Unavailable`] where there is no sandbox.
    pub async fn here(
        settings: &ExecSettings,
        telemetry: &Telemetry,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let executor = Arc::new(Executor::start(settings).await?);
        executor.metrics().register(&telemetry.registry).map_err(anyhow::Error::from)?;
        Ok(Self::Here { executor, stop: stop.clone() })
    }

    /// What they run in.
    pub fn place(&self) -> Place {
        match self {
            Self::Here { executor, .. } => executor.place(),
            Self::Fleet(fleet) => fleet.place().clone(),
        }
    }

    /// Tells who looks from elsewhere how many completions of `items` are judged.
    pub fn show(&self, judged: usize, items: usize) {
        if let Self::Fleet(fleet) = self {
            fleet.show(judged, items);
        }
    }

    /// Items to work at once, so that no sandbox has to wait for one.
    pub fn concurrency(&self) -> usize {
        match self {
            Self::Here { executor, .. } => executor.concurrency(),
            Self::Fleet(fleet) => fleet.in_flight(),
        }
    }

    /// Runs what a model made of an item in one process, on all examples or on those of `order`.
    ///
    /// # Errors
    /// [`Failure::Unavailable`]: there is no sandbox. [`Failure::Stopped`] after a signal.
    pub async fn once(
        &self,
        item: &Item,
        code: &str,
        manner: Manner,
        order: Option<Vec<usize>>,
    ) -> Result<Once, Failure> {
        match self.run(request(item, code, manner, Runs::Once(order))).await? {
            Ok(Ran::Once(once)) => Ok(once),
            Ok(Ran::Twice(_)) => Err(mixed_up()),
            Err(problem) => Ok(Once { problem: Some(problem), ..Once::default() }),
        }
    }

    /// Runs an item's own code twice, the second time under other conditions.
    ///
    /// # Errors
    /// As for [`Self::once`].
    pub async fn twice(&self, item: &Item, manner: Manner) -> Result<Twice, Failure> {
        match self.run(request(item, &item.code, manner, Runs::Twice)).await? {
            Ok(Ran::Twice(twice)) => Ok(twice),
            Ok(Ran::Once(_)) => Err(mixed_up()),
            Err(problem) => Ok(Twice::Failed(problem)),
        }
    }

    /// Ends what it holds. After an evaluation that is `complete` a fleet's name is free for another.
    pub async fn shutdown(&self, complete: bool) {
        match self {
            Self::Here { executor, .. } => executor.shutdown().await,
            Self::Fleet(fleet) => fleet.close(complete).await,
        }
    }

    /// The inner error: no attempt at this program comes to an end, and others do.
    async fn run(&self, request: EvaluationRequest) -> Result<Result<Ran, String>, Failure> {
        let size = weight::of_text(&request.function.code) + weight::of_text(&request.examples);
        if size > MAX_REQUEST_BYTES {
            return Ok(Err(format!("the program and its examples are longer than {MAX_REQUEST_BYTES} bytes")));
        }
        match self {
            Self::Here { executor, stop } => patient(executor, &request, stop).await,
            Self::Fleet(fleet) => fleet.run(&request).await,
        }
    }
}

fn request(item: &Item, code: &str, manner: Manner, runs: Runs) -> EvaluationRequest {
    let function = Function {
        id: item.id.clone(),
        name: item.func_name.clone(),
        parameters: Vec::new(),
        code: code.to_owned(),
        context: String::new(),
        meta: Meta::new(),
    };
    EvaluationRequest { function, examples: item.example_str.clone(), manner, runs }
}

fn mixed_up() -> Failure {
    Failure::Other(anyhow::anyhow!("the answer to another question came: workers of another version?"))
}

/// Waits for a machine that gives no sandbox for the moment, and tries again where one breaks; between two attempts a
/// sandbox proves itself on a known program.
async fn patient(
    executor: &Executor,
    request: &EvaluationRequest,
    stop: &CancellationToken,
) -> Result<Result<Ran, String>, Failure> {
    let (mut failed, mut down_since) = (0, None);
    loop {
        match executor.evaluate(request).await {
            Ok(answer) => return Ok(Ok(answer.ran)),
            Err(StageError::Failed(words)) => {
                failed += 1;
                tracing::warn!(id = request.function.id, words, "an attempt failed");
                if failed >= ATTEMPTS {
                    return Ok(Err(NO_END.to_owned()));
                }
            }
            Err(StageError::Unavailable(words)) => {
                let since = *down_since.get_or_insert_with(Instant::now);
                if stop.is_cancelled() || since.elapsed() > OUTAGE_PATIENCE {
                    return Err(Failure::Unavailable(words));
                }
                tokio::select! {
                    () = tokio::time::sleep(OUTAGE_PAUSE) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }
}
