//! The programs of an evaluation through a fleet: requests to its workers, answers back. The evaluation has the run's name
//! for itself, from its first process to the end of its last.
//!
//! What it asked for stands in no file: an evaluation that is begun again asks anew for all that its journal does not hold,
//! and drops what comes for an earlier process.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pipeline::{
    error::Failure,
    message::{Address, Message, RecordType, RunId, RunOpen},
    queue::{
        Consumer, Delivery, Queue, QueueError, QueueName, Unattributable,
        rabbitmq::{BrokerSettings, RabbitQueue, WorksBy, claim, consumer::RabbitConsumer, dead},
    },
    records::{EvaluationAnswer, EvaluationRequest, Function, Manner, Meta, Place, Ran, Rejection, Runs},
    shutdown::{CancellationToken, unless_stopped},
    telemetry::{Telemetry, register},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

use super::folder;
use crate::{feed, sink::folder::mint_run_id};

/// Answers that are in hand at once.
const PREFETCH: u16 = 1_000;
/// After so long without an answer the user is told who is awaited.
const SILENCE: Duration = Duration::from_secs(10);
/// And again after so long.
const LONG_SILENCE: Duration = Duration::from_secs(60);
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
    queue: RabbitQueue,
    run_id: RunId,
    /// Which process of the evaluation this is, from 0: the shard of its requests.
    process: u64,
    next: AtomicU64,
    waiting: Arc<Waiting>,
    room: Semaphore,
    in_flight: usize,
    place: Place,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Who waits for the answer to which request.
#[derive(Default)]
struct Waiting(Mutex<HashMap<u64, oneshot::Sender<Answered>>>);

/// What came back.
enum Answered {
    Answer(Box<EvaluationAnswer>),
    Rejected(Box<Rejection>),
    Unreadable(String),
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
        let queue = RabbitQueue::connect_alone(broker, "sink", WorksBy::Consuming);
        let queue = unless_stopped(stop, queue).await.map_err(|failure| stopped(failure, stop))?;
        register(&telemetry.registry, queue.metrics().collectors()).map_err(anyhow::Error::from)?;
        let claimed = claimed(&queue, name, out, stop).await?;
        let answers = queue.consume(QueueName::Outcomes, PREFETCH).await.map_err(anyhow::Error::from)?;
        let waiting = Arc::<Waiting>::default();
        let (dead, letters) = mpsc::channel(usize::from(PREFETCH));
        let run_id = claimed.run_id.clone();
        let tasks = vec![
            tokio::spawn(dead::watch(queue.clone(), move || Some(run_id.clone()), dead)),
            tokio::spawn(hand_out(answers, letters, claimed.run_id.clone(), claimed.process, Arc::clone(&waiting))),
        ];
        let in_flight = settings.programs_in_flight.max(1) as usize;
        let nowhere = Place {
            sandbox: pipeline::records::SandboxInfo { backend: String::new(), python: String::new(), image_digest: None },
            timeout_s: 0.0,
            memory_limit_mib: 0,
        };
        let mut fleet = Self {
            queue,
            run_id: claimed.run_id,
            process: claimed.process,
            next: AtomicU64::new(0),
            waiting,
            room: Semaphore::new(in_flight),
            in_flight,
            place: nowhere,
            stop: stop.clone(),
            tasks,
        };
        fleet.place = match fleet.ask(&known_program()).await {
            Ok(Answered::Answer(answer)) => answer.place,
            Ok(Answered::Rejected(rejection)) => {
                fleet.close(false).await;
                let detail = rejection.detail;
                return Err(Failure::Unavailable(format!("the workers of run `{name}` cannot run a program: {detail}")));
            }
            Ok(Answered::Unreadable(problem)) => {
                fleet.close(false).await;
                return Err(Failure::Other(anyhow::anyhow!(problem)));
            }
            Err(failure) => {
                fleet.close(false).await;
                return Err(failure);
            }
        };
        tracing::info!(run = name, python = fleet.place.sandbox.python, "a worker answers");
        telemetry.set_ready(true);
        Ok(fleet)
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
        match self.ask(request).await? {
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
        for task in &self.tasks {
            task.abort();
        }
        if complete && let Err(error) = claim::release(&self.queue).await {
            tracing::warn!(%error, "the run's name stays taken on the broker; `case2code purge` gives it free");
        }
        if let Err(error) = self.queue.close().await {
            tracing::debug!(%error, "the broker did not see the evaluation off");
        }
    }

    async fn ask(&self, request: &EvaluationRequest) -> Result<Answered, Failure> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let address = Address { run_id: self.run_id.clone(), seed: 0, shard: self.process, index };
        let answer = self.waiting.begin(index);
        let message = Message::of(address, request);
        let published = feed::publish(&self.queue, QueueName::Inputs, &message, &self.stop).await;
        if let Err(error) = published {
            return Err(stopped(Failure::Other(error.into()), &self.stop));
        }
        let mut answer = std::pin::pin!(answer);
        let mut silence = SILENCE;
        loop {
            tokio::select! {
                answer = &mut answer => return answer.map_err(|_| Failure::Other(anyhow::anyhow!("nobody takes answers any more"))),
                () = self.stop.cancelled() => return Err(Failure::Stopped(folder::GO_ON)),
                () = tokio::time::sleep(silence) => {
                    // One request speaks for all.
                    if self.waiting.first() == Some(index) {
                        self.tell_who_is_awaited().await;
                    }
                    silence = LONG_SILENCE;
                }
            }
        }
    }

    async fn tell_who_is_awaited(&self) {
        match self.queue.depth(QueueName::Inputs).await {
            Ok(depth) if depth.consumers == 0 => {
                tracing::warn!(programs = depth.ready, "no worker-exec works on this run: waiting for one");
            }
            Ok(depth) => {
                tracing::info!(programs = depth.ready, workers = depth.consumers, "waiting for the oldest answer");
            }
            Err(error) => tracing::warn!(%error, "waiting for the broker"),
        }
    }
}

impl Waiting {
    fn begin(&self, index: u64) -> oneshot::Receiver<Answered> {
        let (sender, receiver) = oneshot::channel();
        self.entries().insert(index, sender);
        receiver
    }

    /// The one who has waited longest.
    fn first(&self) -> Option<u64> {
        self.entries().keys().min().copied()
    }

    /// An answer that nobody waits for came twice.
    fn end(&self, index: u64, answered: Answered) {
        if let Some(sender) = self.entries().remove(&index) {
            drop(sender.send(answered));
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answered>>> {
        // Whole at every moment, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each answer to whoever waits for it, until the queue is closed.
async fn hand_out(
    mut answers: RabbitConsumer,
    mut letters: mpsc::Receiver<Delivery>,
    run_id: RunId,
    process: u64,
    waiting: Arc<Waiting>,
) {
    loop {
        let next = tokio::select! {
            Some(letter) = letters.recv() => Ok(Some(letter)),
            next = answers.next() => next,
        };
        let Delivery { message, receipt, .. } = match next {
            Ok(Some(delivery)) => delivery,
            Ok(None) => return,
            Err(error) => {
                // A broken stream is built again by the consumer; this one refuses for good.
                tracing::error!(%error, "answers cannot be read");
                return;
            }
        };
        let answered = match message {
            Err(aside) => receipt.set_aside(aside).await,
            Ok(message) if message.address.run_id != run_id => {
                let reason = format!("belongs to run {}", message.address.run_id);
                receipt.set_aside(Unattributable { reason, body: message.body }).await
            }
            Ok(message) => {
                if message.address.shard == process {
                    waiting.end(message.address.index, read(&message));
                }
                receipt.ack().await
            }
        };
        if let Err(error) = answered {
            // It comes again, and nobody waits for it then.
            tracing::debug!(%error, "an answer was not acknowledged");
        }
    }
}

fn read(message: &Message) -> Answered {
    let read = match message.record_type {
        RecordType::EvaluationAnswer => message.decode().map(|answer| Answered::Answer(Box::new(answer))),
        RecordType::Rejection => message.decode().map(|rejection| Answered::Rejected(Box::new(rejection))),
        other => return Answered::Unreadable(format!("a {other} came in place of an answer")),
    };
    read.unwrap_or_else(|error| Answered::Unreadable(error.to_string()))
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
