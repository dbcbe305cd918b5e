//! Requests out, answers back, each to whoever waits for it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pipeline::{
    error::Failure,
    message::{Address, Message, RecordType, RunId},
    queue::{
        Consumer, Delivery, Queue, QueueName, Unattributable,
        rabbitmq::{RabbitQueue, consumer::RabbitConsumer, dead},
    },
    records::{EvaluationAnswer, EvaluationRequest, Rejection},
    shutdown::CancellationToken,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::stopped;
use crate::{eval::folder, feed};

/// Answers that are in hand at once.
const PREFETCH: u16 = 1_000;
/// After so long without an answer the user is told who is awaited.
const SILENCE: Duration = Duration::from_secs(10);
/// And again after so long. Where no answer at all came meanwhile and no queue holds a request, all are sent again; after
/// twice as long the next time. They may only take long: then their answers come twice.
const LONG_SILENCE: Duration = Duration::from_secs(60);

/// What came back.
pub enum Answered {
    /// What a worker saw.
    Answer(Box<EvaluationAnswer>),
    /// No attempt at it came to an end.
    Rejected(Box<Rejection>),
}

/// The requests of one process of an evaluation.
pub struct Requests {
    queue: RabbitQueue,
    run_id: RunId,
    /// Tells this process of the evaluation from its others: the shard of its requests.
    process: u64,
    next: AtomicU64,
    waiting: Arc<Waiting>,
    stop: CancellationToken,
    /// How often all that wait for an answer were told to ask again.
    rounds: watch::Sender<u64>,
    tasks: [JoinHandle<()>; 2],
}

/// Who waits for the answer to which request.
struct Waiting(Mutex<Entries>);

struct Entries {
    senders: HashMap<u64, oneshot::Sender<Answered>>,
    last_answer: Instant,
}

impl Requests {
    /// Begins to take answers.
    ///
    /// # Errors
    /// The broker refuses for good.
    pub async fn begin(
        queue: RabbitQueue,
        run_id: RunId,
        process: u64,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let answers = queue.consume(QueueName::Outcomes, PREFETCH).await.map_err(anyhow::Error::from)?;
        let (dead, letters) = mpsc::channel(usize::from(PREFETCH));
        let (waiting, of_dead) = (Arc::new(Waiting::new()), run_id.clone());
        let tasks = [
            tokio::spawn(dead::watch(queue.clone(), move || Some(of_dead.clone()), dead)),
            tokio::spawn(hand_out(answers, letters, run_id.clone(), process, Arc::clone(&waiting))),
        ];
        let next = AtomicU64::new(0);
        Ok(Self { queue, run_id, process, next, waiting, stop: stop.clone(), rounds: watch::Sender::new(0), tasks })
    }

    /// Has a worker run a program, through outages of the broker and however long it takes.
    ///
    /// # Errors
    /// [`Failure::Stopped`] after a signal; the broker refuses for good.
    pub async fn ask(&self, request: &EvaluationRequest) -> Result<Answered, Failure> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let address = Address { run_id: self.run_id.clone(), seed: 0, shard: self.process, index };
        let message = Message::of(address, request);
        let mut answer = std::pin::pin!(self.waiting.begin(index));
        let mut rounds = self.rounds.subscribe();
        self.publish(&message).await?;
        let mut silence = SILENCE;
        loop {
            tokio::select! {
                answer = &mut answer => {
                    return answer.map_err(|_| Failure::Other(anyhow::anyhow!("the broker gives no answers any more")));
                }
                () = self.stop.cancelled() => return Err(Failure::Stopped(folder::GO_ON)),
                _ = rounds.changed() => self.publish(&message).await?,
                () = tokio::time::sleep(silence) => {
                    silence = silence.max(LONG_SILENCE);
                    // One request speaks for all.
                    if self.waiting.first() == Some(index) {
                        self.tell_who_is_awaited().await;
                        if self.waiting.quiet() >= silence && self.is_in_no_queue().await {
                            tracing::warn!("no queue holds the programs that no answer came for: asking again");
                            self.rounds.send_modify(|round| *round += 1);
                            silence *= 2;
                        }
                    }
                }
            }
        }
    }

    async fn publish(&self, message: &Message) -> Result<(), Failure> {
        let published = feed::publish(&self.queue, QueueName::Inputs, message, &self.stop).await;
        published.map_err(|error| stopped(Failure::Other(error.into()), &self.stop))
    }

    /// Whether nothing waits for a worker. Where that cannot be seen, something may.
    async fn is_in_no_queue(&self) -> bool {
        for name in [QueueName::Inputs, QueueName::InputsRetry, QueueName::Outcomes] {
            if !self.queue.depth(name).await.is_ok_and(|depth| depth.ready == 0) {
                return false;
            }
        }
        true
    }

    /// The run's queues.
    pub fn queue(&self) -> &RabbitQueue {
        &self.queue
    }

    /// As what the evaluation has the run's name.
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// Takes no more answers, and gives the queue back.
    pub fn end(&self) -> &RabbitQueue {
        for task in &self.tasks {
            task.abort();
        }
        &self.queue
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
    fn new() -> Self {
        Self(Mutex::new(Entries { senders: HashMap::new(), last_answer: Instant::now() }))
    }

    fn begin(&self, index: u64) -> oneshot::Receiver<Answered> {
        let (sender, receiver) = oneshot::channel();
        self.entries().senders.insert(index, sender);
        receiver
    }

    /// The one who has waited longest.
    fn first(&self) -> Option<u64> {
        self.entries().senders.keys().min().copied()
    }

    /// How long ago the last answer came.
    fn quiet(&self) -> Duration {
        self.entries().last_answer.elapsed()
    }

    /// An answer that nobody waits for came twice.
    fn end(&self, index: u64, answered: Answered) {
        let mut entries = self.entries();
        entries.last_answer = Instant::now();
        if let Some(sender) = entries.senders.remove(&index) {
            drop(sender.send(answered));
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Whole at every moment, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each answer to whoever waits for it, until the queue is closed. Nobody is left waiting afterwards.
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
            Ok(None) => break,
            Err(error) => {
                // A broken stream is built again by the consumer; this one refuses for good.
                tracing::error!(%error, "answers cannot be read");
                break;
            }
        };
        let answered = match message.and_then(|message| attributed(message, &run_id)) {
            Err(aside) => receipt.set_aside(aside).await,
            Ok((address, answered)) => {
                // What an earlier process asked for is asked for again by this one.
                if address.shard == process {
                    waiting.end(address.index, answered);
                }
                receipt.ack().await
            }
        };
        if let Err(error) = answered {
            // It comes again, and nobody waits for it then.
            tracing::debug!(%error, "an answer was not acknowledged");
        }
    }
    waiting.entries().senders.clear();
}

/// Whose answer it is.
fn attributed(message: Message, run_id: &RunId) -> Result<(Address, Answered), Unattributable> {
    let aside = |reason: String, message: &Message| Unattributable { reason, body: message.body.clone() };
    if message.address.run_id != *run_id {
        return Err(aside(format!("belongs to run {}", message.address.run_id), &message));
    }
    let read = match message.record_type {
        RecordType::EvaluationAnswer => message.decode().map(|answer| Answered::Answer(Box::new(answer))),
        RecordType::Rejection => message.decode().map(|rejection| Answered::Rejected(Box::new(rejection))),
        other => return Err(aside(format!("of type {other}, where answers of an evaluation are read"), &message)),
    };
    match read {
        Ok(answered) => Ok((message.address, answered)),
        Err(error) => Err(aside(error.to_string(), &message)),
    }
}
