//! The loop of every worker: consume → work → publish → acknowledge, in that order and never another.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    message::{Address, Message},
    queue::{Consumer, Delivery, Queue, QueueError, QueueName, Unattributable},
    reason::{Reason, StageName},
    records::{Record, Rejection},
    stage::{Stage, StageError, Verdict},
};

/// Failed attempts, or deliveries alone, after which a record is `poison`.
pub const MAX_ATTEMPTS: u32 = 3;

/// Deliveries that came back without an answer before a record is worked alone.
const MAX_SILENT_DELIVERIES: u64 = 2;

/// Results that a worker remembers, to acknowledge redeliveries of what it has already handed on.
const REMEMBERED: usize = 10_000;

/// How long work in flight is waited for once the loop is told to stop; then it goes back to the queue. Within what
/// Kubernetes gives a pod (30 s), and far below what a request to a throttled server may take.
pub const GRACE: Duration = Duration::from_secs(25);

/// Which queues a stage stands between.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Where records come from.
    pub from: QueueName,
    /// Where what it makes goes.
    pub to: QueueName,
    /// Where records wait before another attempt.
    pub retry: QueueName,
}

impl Route {
    /// Functions → inputs.
    pub const WRITE_INPUTS: Self =
        Self { from: QueueName::Functions, to: QueueName::Inputs, retry: QueueName::FunctionsRetry };
    /// Inputs → outcomes.
    pub const EXECUTE: Self = Self { from: QueueName::Inputs, to: QueueName::Outcomes, retry: QueueName::InputsRetry };
}

/// What a stage shows of itself: rate, errors, duration.
#[derive(Clone)]
pub struct StageMetrics {
    received: IntCounterVec,
    done: IntCounterVec,
    failed: IntCounterVec,
    duration: HistogramVec,
    in_flight: IntGauge,
}

impl StageMetrics {
    /// Registers the metrics of the stages of a process.
    ///
    /// # Errors
    /// They are registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let buckets = vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
        let metrics = Self {
            received: counter(
                "case2code_stage_received_total",
                "Records taken from the queue, redeliveries included.",
                &["stage"],
            )?,
            done: counter(
                "case2code_stage_done_total",
                "Records handed on, by outcome: pass, or the reason of the rejection.",
                &["stage", "outcome"],
            )?,
            failed: counter(
                "case2code_stage_failed_total",
                "Attempts that a service failed: they wait and come back. Look at the service if this grows.",
                &["stage", "reason"],
            )?,
            duration: HistogramVec::new(
                HistogramOpts::new("case2code_stage_duration_seconds", "Work on one record, without queues.")
                    .buckets(buckets),
                &["stage"],
            )?,
            in_flight: IntGauge::new("case2code_stage_in_flight", "Records being worked now.")?,
        };
        registry.register(Box::new(metrics.received.clone()))?;
        registry.register(Box::new(metrics.done.clone()))?;
        registry.register(Box::new(metrics.failed.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        Ok(metrics)
    }
}

/// Drives `stage` until `stop` is cancelled (then what is in flight is finished, or given back after [`GRACE`]) or the
/// queue is closed and empty.
///
/// # Errors
/// The queue refuses for good. An outage of it is waited out.
pub async fn consume<S: Stage, Q: Queue>(
    stage: Arc<S>,
    queue: Q,
    route: Route,
    concurrency: usize,
    metrics: StageMetrics,
    stop: CancellationToken,
) -> Result<(), QueueError> {
    let concurrency = u16::try_from(concurrency.clamp(1, usize::from(u16::MAX))).unwrap_or(u16::MAX);
    let mut consumer = queue.consume(route.from, concurrency).await?;
    let slots = Arc::new(Semaphore::new(usize::from(concurrency)));
    let give_back = CancellationToken::new();
    let worker = Arc::new(Worker {
        stage,
        queue,
        route,
        metrics,
        confirmed: Mutex::default(),
        stop: stop.clone(),
        give_back: give_back.clone(),
    });
    let tasks = TaskTracker::new();
    let ended = loop {
        let slot = Arc::clone(&slots).acquire_owned();
        let slot = tokio::select! {
            biased;
            () = stop.cancelled() => break Ok(()),
            // The semaphore is never closed.
            Ok(slot) = slot => slot,
        };
        let delivery = tokio::select! {
            biased;
            () = stop.cancelled() => break Ok(()),
            delivery = consumer.next() => delivery,
        };
        let delivery = match delivery {
            Ok(Some(delivery)) => delivery,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let alone = delivery.message.as_ref().is_ok_and(|message| message.alone > 0);
        let others = if alone { Some(Arc::clone(&slots).acquire_many_owned(u32::from(concurrency) - 1)) } else { None };
        let others = match others {
            Some(others) => others.await.ok(),
            None => None,
        };
        let worker = Arc::clone(&worker);
        tasks.spawn(async move { worker.handle(delivery, slot, others).await });
    };
    tasks.close();
    tokio::select! {
        () = tasks.wait() => {}
        () = overdue(&stop) => {
            tracing::info!(stage = S::NAME.as_str(), in_flight = tasks.len(), "giving back what is not done yet");
            give_back.cancel();
            tasks.wait().await;
        }
    }
    ended
}

/// Ends when the grace period has passed since `stop`.
async fn overdue(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

struct Worker<S, Q> {
    stage: Arc<S>,
    queue: Q,
    route: Route,
    metrics: StageMetrics,
    confirmed: Mutex<Recent>,
    stop: CancellationToken,
    /// Work that is not done yet is dropped; its message is delivered again.
    give_back: CancellationToken,
}

impl<S: Stage, Q: Queue> Worker<S, Q> {
    async fn handle(&self, delivery: Delivery, slot: OwnedSemaphorePermit, others: Option<OwnedSemaphorePermit>) {
        let stage = S::NAME.as_str();
        self.metrics.received.with_label_values(&[stage]).inc();
        let in_flight = InFlight::enter(&self.metrics.in_flight);
        let settled = self.settle(delivery).await;
        drop(in_flight);
        if let Err(error) = settled {
            // Not acknowledged: the queue delivers it again.
            tracing::warn!(stage, %error, "a delivery could not be answered");
        }
        drop((slot, others));
    }

    async fn settle(&self, delivery: Delivery) -> Result<(), QueueError> {
        let Delivery { message, delivery_count, receipt } = delivery;
        let message = match message {
            Ok(message) => message,
            Err(aside) => return receipt.set_aside(aside).await,
        };
        if self.recent().contains(&message.address) {
            return receipt.ack().await;
        }
        if delivery_count >= MAX_SILENT_DELIVERIES {
            let alone = message.alone + 1;
            return self.hand_on(self.again_or_poison(Message { alone, ..message }, self.route.from), receipt).await;
        }
        if message.record_type != S::Input::TYPE {
            let reason = format!("a {} does not belong on `{}`", message.record_type, self.route.from);
            return receipt.set_aside(Unattributable { reason, body: message.body }).await;
        }
        let input = match message.decode::<S::Input>() {
            Ok(input) => input,
            Err(error) => {
                return receipt.set_aside(Unattributable { reason: error.to_string(), body: message.body }).await;
            }
        };
        let started = Instant::now();
        let verdict = tokio::select! {
            verdict = self.stage.process(input) => verdict,
            () = self.give_back.cancelled() => return Ok(()),
        };
        let stage = S::NAME.as_str();
        self.metrics.duration.with_label_values(&[stage]).observe(started.elapsed().as_secs_f64());
        let next = match verdict {
            Ok(Verdict::Pass(record)) => {
                self.metrics.done.with_label_values(&[stage, "pass"]).inc();
                (self.route.to, Message::of(message.address, &record))
            }
            Ok(Verdict::Reject(rejection)) => {
                self.metrics.done.with_label_values(&[stage, rejection.reason.as_str()]).inc();
                (QueueName::Outcomes, Message::rejection(message.address, &rejection))
            }
            Err(StageError::Unavailable(reason)) => {
                self.metrics.failed.with_label_values(&[stage, "unavailable"]).inc();
                tracing::warn!(stage, reason, "waiting for a service");
                (self.route.retry, message)
            }
            Err(StageError::Failed(reason)) => {
                self.metrics.failed.with_label_values(&[stage, "failed"]).inc();
                tracing::warn!(stage, reason, index = message.address.index, "an attempt failed");
                let attempt = message.attempt + 1;
                self.again_or_poison(Message { attempt, ..message }, self.route.retry)
            }
        };
        self.hand_on(next, receipt).await
    }

    /// Back to `queue`, or out as `poison` where the attempts are used up.
    fn again_or_poison(&self, message: Message, queue: QueueName) -> (QueueName, Message) {
        if message.attempt < MAX_ATTEMPTS && message.alone < MAX_ATTEMPTS {
            return (queue, message);
        }
        let function = message.function();
        let id = function.as_ref().map_or_else(|| format!("item {}", message.address.index), |f| f.id.clone());
        let rejection = poison(S::NAME, &id, &function);
        self.metrics.done.with_label_values(&[S::NAME.as_str(), Reason::Poison.as_str()]).inc();
        (QueueName::Outcomes, Message::rejection(message.address, &rejection))
    }

    /// Publishes until it is confirmed, always the same bytes, and only then acknowledges.
    async fn hand_on(
        &self,
        (to, message): (QueueName, Message),
        receipt: Box<dyn crate::queue::Receipt>,
    ) -> Result<(), QueueError> {
        let mut pause = Duration::from_millis(100);
        while let Err(error) = self.queue.publish(to, &message).await {
            if self.stop.is_cancelled() {
                receipt.give_back().await?;
                return Err(error);
            }
            tracing::warn!(queue = %to, %error, "publishing again");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => {}
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        if to == self.route.to || to == QueueName::Outcomes {
            self.recent().insert(message.address);
        }
        receipt.ack().await
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        // A set of addresses is whole at every moment, whoever panicked.
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rejection of a record whose attempts are used up.
pub fn poison(stage: StageName, id: &str, function: &impl serde::Serialize) -> Rejection {
    let detail = format!("no attempt at `{stage}` came to an end");
    Rejection { stage, ..Rejection::new(id, Reason::Poison, detail, function) }
}

/// Counts a record as in flight until it is dropped, by a panic too.
struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The last [`REMEMBERED`] addresses whose results were confirmed.
#[derive(Default)]
struct Recent {
    order: VecDeque<Address>,
    known: HashSet<Address>,
}

impl Recent {
    fn contains(&self, address: &Address) -> bool {
        self.known.contains(address)
    }

    fn insert(&mut self, address: Address) {
        if self.known.insert(address.clone()) {
            self.order.push_back(address);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}
