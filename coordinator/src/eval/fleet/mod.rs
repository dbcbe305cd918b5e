//! The programs of an evaluation through a fleet: requests to its workers, answers back. The evaluation has the run's name
//! for itself, from its first process to the end of its last.
//!
//! What it asked for stands in no file: an evaluation that is begun again asks anew for all that its journal does not hold,
//! and drops what comes for an earlier process.

mod requests;

use std::{path::Path, time::Duration};

use pipeline::{
    error::Failure,
    message::{RunId, RunOpen},
    queue::{
        QueueError,
        rabbitmq::{BrokerSettings, RabbitQueue, WorksBy, claim},
    },
    records::{EvaluationRequest, Function, Manner, Meta, Place, Ran, Runs},
    shutdown::{CancellationToken, unless_stopped},
    telemetry::{Telemetry, register},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use self::requests::{Answered, Requests};
use super::folder;
use crate::sink::folder::mint_run_id;

const PAUSE: Duration = Duration::from_secs(1);

/// How a fleet is used.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Broker")]
pub struct FleetSettings {
    /// With --run: programs that the workers are asked for at once
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub programs_in_flight: u32,
}

/// An evaluation's way to a fleet.
pub struct Fleet {
    requests: Requests,
    room: Semaphore,
    in_flight: usize,
    place: Place,
}

/// What an evaluation's next process goes on with.
#[derive(Serialize, Deserialize)]
struct Claim {
    run: String,
    run_id: RunId,
    process: u64,
}

impl Fleet {
    /// Takes the run's name for the evaluation in `out`, and waits for a first worker.
    ///
    /// # Errors
    /// [`Failure::Usage`]: the name is another run's. [`Failure::Unavailable`]: the broker was not reached.
    /// [`Failure::Stopped`] after a signal.
    pub async fn open(
        broker: &BrokerSettings,
        settings: &FleetSettings,
        out: &Path,
        telemetry: &Telemetry,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let name = broker.run_name()?;
        // There is one reader of outcomes: whoever has the sink's lock.
        let queue = RabbitQueue::connect_alone(broker, "sink", WorksBy::Consuming);
        let queue = unless_stopped(stop, queue).await.map_err(|failure| stopped(failure, stop))?;
        register(&telemetry.registry, queue.metrics().collectors()).map_err(anyhow::Error::from)?;
        let Claim { run_id, process, .. } = claimed(&queue, name, out, stop).await?;
        let requests = Requests::begin(queue, run_id, process, stop).await?;
        let place = match first_place(&requests, name).await {
            Ok(place) => place,
            Err(failure) => {
                close(&requests, false).await;
                return Err(failure);
            }
        };
        tracing::info!(run = name, python = place.sandbox.python, "a worker answers");
        telemetry.set_ready(true);
        let in_flight = settings.programs_in_flight.max(1) as usize;
        Ok(Self { requests, room: Semaphore::new(in_flight), in_flight, place })
    }

    /// What its workers run programs in.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Programs that are asked for at once.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Has a worker run a program. The inner error: no attempt at it comes to an end.
    ///
    /// # Errors
    /// [`Failure::Usage`]: this worker has another sandbox than the first one. [`Failure::Stopped`] after a signal.
    pub async fn run(&self, request: &EvaluationRequest) -> Result<Result<Ran, String>, Failure> {
        // Never closed.
        let _room = self.room.acquire().await.map_err(anyhow::Error::from)?;
        match self.requests.ask(request).await? {
            Answered::Answer(answer) if answer.place != self.place => {
                let show = |place: &Place| serde_json::to_string(place).unwrap_or_default();
                Err(Failure::Usage(format!(
                    "the workers of this run are not alike: one has {}, another {}; give them the same image and limits, \
                     then --resume",
                    show(&self.place),
                    show(&answer.place)
                )))
            }
            Answered::Answer(answer) => Ok(Ok(answer.ran)),
            Answered::Rejected(rejection) => Ok(Err(rejection.detail)),
            Answered::Unreadable(problem) => Err(Failure::Other(anyhow::anyhow!(problem))),
        }
    }

    /// Ends its connections. The name is free afterwards if the evaluation is `complete`.
    pub async fn close(&self, complete: bool) {
        close(&self.requests, complete).await;
    }
}

async fn close(requests: &Requests, complete: bool) {
    let queue = requests.end();
    if complete && let Err(error) = claim::release(queue).await {
        tracing::warn!(%error, "the run's name stays taken on the broker; `case2code purge` gives it free");
    }
    if let Err(error) = queue.close().await {
        tracing::debug!(%error, "the broker did not see the evaluation off");
    }
}

/// What the first worker that answers runs programs in.
async fn first_place(requests: &Requests, name: &str) -> Result<Place, Failure> {
    match requests.ask(&known_program()).await? {
        Answered::Answer(answer) => Ok(answer.place),
        Answered::Rejected(rejection) => {
            Err(Failure::Unavailable(format!("the workers of run `{name}` cannot run a program: {}", rejection.detail)))
        }
        Answered::Unreadable(problem) => Err(Failure::Other(anyhow::anyhow!(problem))),
    }
}

/// Takes the name for the evaluation in `out`, through outages.
async fn claimed(queue: &RabbitQueue, name: &str, out: &Path, stop: &CancellationToken) -> Result<Claim, Failure> {
    let path = out.join(".state/fleet.json");
    let before = folder::read_json::<Claim>(&path)?.filter(|claim| claim.run == name);
    let claim = match before {
        Some(claim) => Claim { process: claim.process + 1, ..claim },
        None => Claim { run: name.to_owned(), run_id: fresh_run_id(out), process: 0 },
    };
    std::fs::create_dir_all(out.join(".state"))
        .map_err(|error| Failure::Usage(format!("--out {}: {error}", out.display())))?;
    // Before the claim: what holds the name has to be written down somewhere.
    folder::write_whole(&path, &serde_json::to_vec(&claim).map_err(anyhow::Error::from)?)?;
    let open = RunOpen {
        run_id: claim.run_id.clone(),
        seed: 0,
        shard_size: 0,
        identity: json!({ "evaluation": out.display().to_string() }),
    };
    loop {
        match claim::claim(queue, &open).await {
            Ok(true) => return Ok(claim),
            Ok(false) => {
                return Err(Failure::Usage(format!(
                    "run `{name}` is open on this broker and not this evaluation: take another --run, or delete it with \
                     `case2code purge`"
                )));
            }
            Err(error @ QueueError::Unavailable(_)) => {
                tracing::warn!(%error, "cannot claim the run's name yet");
                tokio::select! {
                    () = stop.cancelled() => return Err(Failure::Stopped(folder::GO_ON)),
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
            Err(error) => return Err(Failure::Other(error.into())),
        }
    }
}

/// An evaluation is told from others by where and when it began.
fn fresh_run_id(out: &Path) -> RunId {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let identity: Value = json!([out.display().to_string(), now.to_string(), std::process::id()]);
    mint_run_id(&identity)
}

/// What finds out whether there is a worker, and what it runs programs in.
fn known_program() -> EvaluationRequest {
    let function = Function {
        id: "known".into(),
        name: "known".into(),
        parameters: Vec::new(),
        code: "def known(n):\n    return n\n".into(),
        context: String::new(),
        meta: Meta::new(),
    };
    EvaluationRequest {
        function,
        examples: "examples = [{'n': 1}]\n".into(),
        manner: Manner::Apart,
        runs: Runs::Once(None),
    }
}

fn stopped(failure: Failure, stop: &CancellationToken) -> Failure {
    if stop.is_cancelled() { Failure::Stopped(folder::GO_ON) } else { failure }
}
