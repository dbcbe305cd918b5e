//! One delivery, from the queue to its acknowledgement.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{
    MAX_ATTEMPTS, MAX_SILENT_DELIVERIES, Route, StageMetrics,
    ledger::{InHand, Ledger},
    metrics::InFlight,
};
use crate::{
    complaint::Complaint,
    failpoint,
    message::Message,
    queue::{Delivery, Queue, QueueError, QueueName, Receipt, Unattributable},
    reason::{Reason, StageName},
    records::Rejection,
    stage::{Input, Output, Stage, StageError, Verdict},
};

/// How long one attempt may take. Brokers take a delivery back after 30 minutes without an acknowledgement; with this
/// no work ever comes near it. A wait that is longer goes through the retry queue.
pub const ATTEMPT_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// What all deliveries of one loop share.
pub(super) struct Worker<S, Q> {
    pub stage: Arc<S>,
    pub queue: Q,
    pub route: Route,
    pub metrics: StageMetrics,
    pub ledger: Ledger,
    /// A service that is away.
    pub complaint: Complaint,
    pub stop: CancellationToken,
    /// Work that is not done yet is dropped; its message is delivered again.
    pub give_back: CancellationToken,
    /// Whether any record came to an end.
    pub ended_one: AtomicBool,
    /// Deliveries that could be neither acknowledged nor given back since `stop`.
    pub unanswered: AtomicU64,
}

impl<S: Stage, Q: Queue> Worker<S, Q> {
    pub async fn handle(&self, delivery: Delivery) {
        let stage = S::NAME.as_str();
        self.metrics.received.with_label_values(&[stage]).inc();
        let in_flight = InFlight::enter(self.metrics.in_flight.with_label_values(&[stage]));
        let settled = self.settle(delivery).await;
        drop(in_flight);
        match settled {
            Ok(()) => self.ended_one.store(true, Ordering::SeqCst),
            // Not acknowledged: the queue delivers it again.
            Err(error) => {
                tracing::warn!(stage, %error, "a delivery could not be answered");
                if self.stop.is_cancelled() {
                    self.unanswered.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }

    async fn settle(&self, delivery: Delivery) -> Result<(), QueueError> {
        let Delivery { message, delivery_count, waited, receipt } = delivery;
        if let Some(waited) = waited {
            self.metrics.queue_wait.with_label_values(&[S::NAME.as_str()]).observe(waited.as_secs_f64());
        }
        let message = match message {
            Ok(message) => message,
            Err(aside) => return receipt.set_aside(aside).await,
        };
        let in_hand = tokio::select! {
            in_hand = self.ledger.take(&message, delivery_count > 0) => in_hand,
            () = self.give_back.cancelled() => return receipt.give_back().await,
        };
        let Some(in_hand) = in_hand else { return receipt.ack().await };
        if delivery_count >= MAX_SILENT_DELIVERIES {
            let alone = message.alone + 1;
            let from = self.route.queue_of(message.record_type);
            let next = self.again_or_poison(Message { alone, ..message }, from);
            return self.hand_on(next, &in_hand, receipt).await;
        }
        let Some(input) = S::Input::read(&message) else {
            let reason = format!("a {} does not belong on `{}`", message.record_type, self.route.from);
            return receipt.set_aside(Unattributable { reason, body: message.body }).await;
        };
        let input = match input {
            Ok(input) => input,
            // It names an item of the run, which has to end.
            Err(error) => {
                let id = format!("item {}", message.address.index);
                let detail = format!("what `{}` was given does not read: {error}", S::NAME);
                let body = String::from_utf8_lossy(&message.body);
                let rejection = Rejection { detail, ..poison(S::NAME, &id, &body) };
                let next = (QueueName::Outcomes, Message::rejection(message.address, &rejection));
                return self.hand_on(next, &in_hand, receipt).await;
            }
        };
        failpoint::deliver(&message.body);
        let started = Instant::now();
        let verdict = tokio::select! {
            verdict = self.attempt(input, message.address.seed) => verdict,
            () = self.give_back.cancelled() => return receipt.give_back().await,
        };
        let stage = S::NAME.as_str();
        self.metrics.duration.with_label_values(&[stage]).observe(started.elapsed().as_secs_f64());
        if verdict.is_ok() {
            self.complaint.is_over();
        }
        let next = match verdict {
            Ok(Verdict::Pass(record)) => {
                self.metrics.done.with_label_values(&[stage, "pass"]).inc();
                (self.route.to, record.message(message.address))
            }
            Ok(Verdict::Repair(request, _)) => {
                self.metrics.done.with_label_values(&[stage, "repair"]).inc();
                (QueueName::Repairs, Message::of(message.address, &*request))
            }
            Ok(Verdict::Reject(rejection)) => {
                self.metrics.done.with_label_values(&[stage, rejection.reason.as_str()]).inc();
                (QueueName::Outcomes, Message::rejection(message.address, &rejection))
            }
            Err(StageError::Unavailable(reason)) => {
                self.metrics.failed.with_label_values(&[stage, "unavailable"]).inc();
                // A stage that is told to stop may turn away all that it holds, which is worth no line each.
                if !self.stop.is_cancelled() && self.complaint.is_due(&reason) {
                    tracing::warn!(stage, reason, "waiting for a service");
                }
                (self.route.retry, message)
            }
            Err(StageError::Failed(reason)) => {
                self.metrics.failed.with_label_values(&[stage, "failed"]).inc();
                tracing::warn!(stage, reason, index = message.address.index, "an attempt failed");
                let attempt = message.attempt + 1;
                self.again_or_poison(Message { attempt, ..message }, self.route.retry)
            }
        };
        self.hand_on(next, &in_hand, receipt).await
    }

    /// One attempt, which ends in any case: a panic is a bug of ours that one record brought out, and counts against it.
    async fn attempt(&self, input: S::Input, seed: u64) -> Result<Verdict<S::Output>, StageError> {
        let work = AssertUnwindSafe(self.stage.process(input, seed)).catch_unwind();
        match tokio::time::timeout(ATTEMPT_DEADLINE, work).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => Err(StageError::Failed("it panicked".into())),
            Err(_) => Err(StageError::Failed(format!("no end within {} s", ATTEMPT_DEADLINE.as_secs()))),
        }
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
        in_hand: &InHand<'_>,
        receipt: Box<dyn Receipt>,
    ) -> Result<(), QueueError> {
        let mut pause = Duration::from_millis(100);
        while let Err(error) = self.queue.publish(to, &message).await {
            if self.stop.is_cancelled() {
                return receipt.give_back().await;
            }
            tracing::warn!(queue = %to, %error, "publishing again");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => {}
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        if to == self.route.to || matches!(to, QueueName::Outcomes | QueueName::Repairs) {
            in_hand.confirmed();
        }
        receipt.ack().await
    }
}

/// The rejection of a record whose attempts are used up.
pub fn poison(stage: StageName, id: &str, function: &impl serde::Serialize) -> Rejection {
    let detail = format!("no attempt at `{stage}` came to an end");
    Rejection { stage, ..Rejection::new(id, Reason::Poison, detail, function) }
}
