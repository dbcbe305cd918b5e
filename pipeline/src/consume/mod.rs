//! The loop of every worker: consume → work → publish → acknowledge, in that order and never another.
//!
//! - `intake`: where deliveries come from
//! - `worker`: one delivery, from the queue to its acknowledgement
//! - `ledger`: what is in hand and what is handed on
//! - `metrics`: rate, errors, duration

mod intake;
mod ledger;
mod metrics;
mod worker;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{intake::Intake, ledger::Ledger, worker::Worker};
pub use self::{
    metrics::StageMetrics,
    worker::{ATTEMPT_DEADLINE, poison},
};
use crate::{
    complaint::Complaint,
    message::RecordType,
    queue::{Delivery, Queue, QueueError, QueueName},
    stage::Stage,
};

/// Failed attempts, or deliveries alone, after which a record is `poison`.
pub const MAX_ATTEMPTS: u32 = 3;

/// Deliveries that came back without an answer before a record is worked alone.
const MAX_SILENT_DELIVERIES: u64 = 2;

/// Deliveries in a row without a suspect that a narrow loop waits for, at most: twice as many each time that one comes,
/// for where suspects are many a wide loop would give back most of what it takes.
const LONGEST_PATIENCE: u32 = 64;

/// How long work in flight is waited for once the loop is told to stop; then it goes back to the queue. Within what
/// Kubernetes gives a pod (30 s), and far below what a request to a throttled server may take.
pub const GRACE: Duration = Duration::from_secs(25);

/// Which queues a stage stands between.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Where records come from that go before all others, if there is such a queue.
    pub first: Option<QueueName>,
    /// Where records come from.
    pub from: QueueName,
    /// Where what it makes goes.
    pub to: QueueName,
    /// Where records wait before another attempt.
    pub retry: QueueName,
}

impl Route {
    /// Functions → inputs; inputs to be mended go before.
    pub const WRITE_INPUTS: Self = Self {
        first: Some(QueueName::Repairs),
        from: QueueName::Functions,
        to: QueueName::Inputs,
        retry: QueueName::FunctionsRetry,
    };
    /// Inputs → outcomes.
    pub const EXECUTE: Self =
        Self { first: None, from: QueueName::Inputs, to: QueueName::Outcomes, retry: QueueName::InputsRetry };

    /// The queue that records of this type come from.
    fn queue_of(self, record_type: RecordType) -> QueueName {
        match (record_type, self.first) {
            (RecordType::RepairRequest, Some(first)) => first,
            _ => self.from,
        }
    }
}

/// Drives `stage` until `stop` is cancelled (then what is in flight is finished, or given back after [`GRACE`]) or the
/// queue is closed and empty. Gives how many deliveries could be neither acknowledged nor given back at the end; the
/// queue delivers them again once the process is gone.
///
/// A record that crashes its worker takes down with it whatever the worker holds, and all of that counts as delivered
/// once more. To tell the culprit from its neighbours, the loop holds one delivery only (it is *narrow*) from its start
/// to the first sign that all is well, and from when a suspect comes until some others have come in a row.
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
) -> Result<u64, QueueError> {
    let concurrency = u16::try_from(concurrency.clamp(1, usize::from(u16::MAX))).unwrap_or(u16::MAX);
    let give_back = CancellationToken::new();
    metrics.begin(S::NAME, concurrency);
    let worker = Arc::new(Worker {
        stage,
        queue: queue.clone(),
        route,
        metrics,
        complaint: Complaint::default(),
        ledger: Ledger::default(),
        stop: stop.clone(),
        give_back: give_back.clone(),
        ended_one: AtomicBool::default(),
        unanswered: AtomicU64::default(),
    });
    let slots = Arc::new(Semaphore::new(usize::from(concurrency)));
    let tasks = TaskTracker::new();
    let mut intake = Intake::narrow(&queue, route).await?;
    let mut narrow = true;
    let (mut calm, mut patience) = (0_u32, 1);
    let ended = loop {
        let slot = tokio::select! {
            biased;
            () = stop.cancelled() => break Ok(()),
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let Ok(slot) = slot else { break Ok(()) }; // never closed
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => break Ok(()),
            next = intake.next() => next,
        };
        let delivery = match next {
            Ok(Some(delivery)) => delivery,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let suspect = is_suspect(&delivery);
        calm = if suspect { 0 } else { calm.saturating_add(1) };
        let all_is_well = calm >= patience && (delivery.delivery_count == 0 || worker.ended_one.load(Ordering::SeqCst));
        let narrows = suspect || (narrow && !all_is_well);
        // Before anything is given back: what is acknowledged meanwhile makes the queue send more.
        let others = if narrows { all_but_one(&slots, concurrency, &stop).await } else { None };
        if narrows != narrow {
            narrow = narrows;
            if narrow {
                patience = (patience * 2).min(LONGEST_PATIENCE);
            }
            let other = if narrow {
                Intake::narrow(&queue, route).await
            } else {
                Intake::wide(&queue, route, concurrency).await
            };
            match other {
                Ok(other) => std::mem::replace(&mut intake, other).retire().await,
                Err(error) => break Err(error),
            }
        }
        let worker = Arc::clone(&worker);
        tasks.spawn(async move {
            worker.handle(delivery).await;
            drop((slot, others));
        });
    };
    intake.retire().await;
    tasks.close();
    tokio::select! {
        () = tasks.wait() => {}
        () = overdue(&stop) => {
            tracing::info!(stage = S::NAME.as_str(), in_flight = tasks.len(), "giving back what is not done yet");
            give_back.cancel();
            tasks.wait().await;
        }
    }
    ended.map(|()| worker.unanswered.load(Ordering::SeqCst))
}

/// Whether a record may be what crashes workers: it is worked with nothing else in flight.
fn is_suspect(delivery: &Delivery) -> bool {
    delivery.delivery_count >= MAX_SILENT_DELIVERIES || delivery.message.as_ref().is_ok_and(|message| message.alone > 0)
}

/// Waits until nothing else is in flight, and keeps it so. `None` if the loop is told to stop meanwhile.
async fn all_but_one(
    slots: &Arc<Semaphore>,
    concurrency: u16,
    stop: &CancellationToken,
) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        others = Arc::clone(slots).acquire_many_owned(u32::from(concurrency) - 1) => others.ok(),
        () = stop.cancelled() => None,
    }
}

/// Ends when the grace period has passed since `stop`.
async fn overdue(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
