//! The programs of an evaluation through a fleet: requests to its workers, answers back. The evaluation has the run's name
//! for itself, from its first process to the end of its last.
//!
//! What it asked for stands in no file: an evaluation that is begun again asks anew for all that its journal does not hold,
//! and drops what comes for an earlier process.

mod requests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use pipeline::{
    error::Failure,
    message::{RunId, RunOpen},
    queue::{
        QueueError, QueueName,
        rabbitmq::{BrokerSettings, RabbitQueue, WorksBy, claim},
    },
    records::{EvaluationRequest, Function, Manner, Meta, Place, Ran, Runs},
    shutdown::{CancellationToken, unless_stopped},
    telemetry::{Telemetry, register},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinHandle};

use self::requests::{Answered, Requests};
use super::{folder, programs::NO_END};
use crate::{
    sink::folder::mint_run_id,
    standing::{Clock, SharedStanding, Standing},
};

const PAUSE: Duration = Duration::from_secs(1);
/// In an evaluation's folder.
const CLAIMS: &str = ".state/fleet.json";

/// What tells an evaluation's claim on a name from a run's: a key of its identity.
pub const EVALUATION: &str = "evaluation";

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
    name: String,
    out: PathBuf,
    standing: SharedStanding,
    /// Tells the standing from time to time.
    teller: JoinHandle<()>,
}

/// The names that an evaluation has taken, and as what, for its next process.
type Claims = BTreeMap<String, RunId>;

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
        let queue = unless_stopped(stop, queue).await.map_err(|failure| match stopped(failure, stop) {
            Failure::Usage(words) => Failure::Usage(words.replace("another `sink`", "another `eval`, or a `sink`,")),
            failure => failure,
        })?;
        register(&telemetry.registry, queue.metrics().collectors()).map_err(anyhow::Error::from)?;
        let run_id = claimed(&queue, name, out, stop).await?;
        // Nobody wants what an earlier process asked for.
        for asked in [QueueName::Inputs, QueueName::InputsRetry] {
            claim::empty(&queue, asked).await.map_err(anyhow::Error::from)?;
        }
        let watched = queue.clone();
        let requests = Requests::begin(queue, run_id, now(), stop).await?;
        let place = match first_place(&requests, name).await {
            Ok(place) => place,
            Err(failure) => {
                close(&requests, None).await;
                return Err(failure);
            }
        };
        tracing::info!(run = name, python = place.sandbox.python, "a worker answers");
        telemetry.ready_while(move || watched.is_connected());
        let in_flight = settings.programs_in_flight.max(1) as usize;
        let (room, out) = (Semaphore::new(in_flight), out.to_owned());
        let standing = SharedStanding::default();
        standing.set(Standing { run_id: Some(requests.run_id().clone()), evaluation: true, ..Standing::default() });
        let teller = tokio::spawn(standing.clone().tell(requests.queue().clone()));
        Ok(Self { requests, room, in_flight, place, name: name.to_owned(), out, standing, teller })
    }

    /// What its workers run programs in.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Has `case2code status` show so many completions of `items` as judged.
    pub fn show(&self, judged: usize, items: usize) {
        let (items, outcomes) = (Some(items as u64), judged as u64);
        self.standing.set(Standing { items, outcomes, ..self.standing.get() });
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
            Answered::Rejected(rejection) => {
                tracing::warn!(id = request.function.id, detail = rejection.detail, "its workers died, or gave up");
                Ok(Err(NO_END.to_owned()))
            }
        }
    }

    /// Ends its connections. The name is free afterwards if the evaluation is `complete`.
    pub async fn close(&self, complete: bool) {
        self.teller.abort();
        self.standing.tell_once(self.requests.queue(), &mut Clock::default()).await;
        close(&self.requests, complete.then_some((&*self.out, &*self.name))).await;
    }
}

/// Where and as what an evaluation that is `complete` has the name.
async fn close(requests: &Requests, complete: Option<(&Path, &str)>) {
    let queue = requests.end();
    if let Some((out, name)) = complete
        && let Err(error) = released(queue, out, name).await
    {
        tracing::warn!(%error, "the run's name stays taken on the broker; `case2code purge` gives it free");
    }
    if let Err(error) = queue.close().await {
        tracing::debug!(%error, "the broker did not see the evaluation off");
    }
}

async fn released(queue: &RabbitQueue, out: &Path, name: &str) -> anyhow::Result<()> {
    claim::release(queue).await?;
    let mut claims = folder::read_json::<Claims>(&out.join(CLAIMS))?.unwrap_or_default();
    claims.remove(name);
    folder::write_whole(&out.join(CLAIMS), &serde_json::to_vec(&claims)?)
}

/// What the first worker that answers runs programs in.
async fn first_place(requests: &Requests, name: &str) -> Result<Place, Failure> {
    match requests.ask(&known_program()).await? {
        Answered::Answer(answer) => Ok(answer.place),
        Answered::Rejected(rejection) => {
            Err(Failure::Unavailable(format!("the workers of run `{name}` cannot run a program: {}", rejection.detail)))
        }
    }
}

/// Takes the name for the evaluation in `out`, through outages.
async fn claimed(queue: &RabbitQueue, name: &str, out: &Path, stop: &CancellationToken) -> Result<RunId, Failure> {
    let path = out.join(CLAIMS);
    let mut claims = folder::read_json::<Claims>(&path)?.unwrap_or_default();
    let known = claims.get(name).cloned();
    let run_id =
        known.clone().unwrap_or_else(|| mint_run_id(&json!([out.display().to_string(), now(), std::process::id()])));
    std::fs::create_dir_all(out.join(".state"))
        .map_err(|error| Failure::Usage(format!("--out {}: {error}", out.display())))?;
    let write = |claims: &Claims| -> anyhow::Result<()> { folder::write_whole(&path, &serde_json::to_vec(claims)?) };
    // Before the claim: what holds the name has to be written down somewhere.
    claims.insert(name.to_owned(), run_id.clone());
    write(&claims)?;
    let identity = json!({ EVALUATION: out.display().to_string() });
    let open = RunOpen { run_id: run_id.clone(), seed: 0, shard_size: 0, identity };
    loop {
        match claim::claim(queue, &open).await {
            Ok(true) => return Ok(run_id),
            Ok(false) => {
                claims.remove(name);
                write(&claims)?;
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

/// The names that the evaluation in `out` still has on some broker.
pub fn names_taken(out: &Path) -> Vec<String> {
    let claims = folder::read_json::<Claims>(&out.join(CLAIMS)).ok().flatten().unwrap_or_default();
    claims.into_keys().collect()
}

/// In nanoseconds since 1970: no two processes of an evaluation begin at the same.
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(0))
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
