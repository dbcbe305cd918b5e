//! What a stage shows of itself.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::{
    reason::{Reason, StageName},
    telemetry::{Collectors, register},
};

/// From a record's publishing to its taking: seconds where workers keep up, hours where they do not.
const WAITS: [f64; 10] = [0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];

/// Rate, errors, duration.
#[derive(Clone)]
pub struct StageMetrics {
    pub(super) received: IntCounterVec,
    pub(super) done: IntCounterVec,
    pub(super) failed: IntCounterVec,
    pub(super) duration: HistogramVec,
    pub(super) queue_wait: HistogramVec,
    pub(super) in_flight: IntGaugeVec,
    pub(super) slots: IntGaugeVec,
}

impl StageMetrics {
    /// Metrics that nobody collects yet.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn unregistered() -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["stage"]);
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &["stage"])
        };
        Ok(Self {
            received: counter(
                "case2code_stage_received_total",
                "Records taken from the queue, redeliveries included. Far above done + failed: records come back \
                 unanswered, look for workers that crash.",
                &["stage"],
            )?,
            done: counter(
                "case2code_stage_done_total",
                "Records handed on, by outcome: pass, repair, or the reason of the rejection. If one reason takes over, \
                 read a few of its rows in rejected/.",
                &["stage", "outcome"],
            )?,
            failed: counter(
                "case2code_stage_failed_total",
                "Attempts that a service failed: they wait and come back. `unavailable`: look at the service; `failed`: \
                 it works but fails on some records, which end as poison.",
                &["stage", "reason"],
            )?,
            duration: histogram(
                "case2code_stage_duration_seconds",
                "Work on one record, without queues. If it grows at the same load, the service behind the stage is slow.",
                &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0],
            )?,
            queue_wait: histogram(
                "case2code_stage_queue_wait_seconds",
                "From the publishing of a record to its taking, by the clocks of two machines. If it grows, this stage \
                 is the bottleneck: add workers.",
                &WAITS,
            )?,
            in_flight: gauge(
                "case2code_stage_in_flight",
                "Records being worked now. Near the slots: the stage is full. Near 0 with a long queue: it is stuck.",
            )?,
            slots: gauge(
                "case2code_stage_slots",
                "Records that this process works at once, at the most. Set by --concurrency or --slots.",
            )?,
        })
    }

    /// Registers the metrics of the stages of a process.
    ///
    /// # Errors
    /// They are registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self::unregistered()?;
        register(registry, metrics.collectors())?;
        Ok(metrics)
    }

    /// All of them.
    pub fn collectors(&self) -> Collectors {
        vec![
            Box::new(self.received.clone()),
            Box::new(self.done.clone()),
            Box::new(self.failed.clone()),
            Box::new(self.duration.clone()),
            Box::new(self.queue_wait.clone()),
            Box::new(self.in_flight.clone()),
            Box::new(self.slots.clone()),
        ]
    }

    /// Shows zeros for a stage that begins: a rate needs a first value to grow from.
    pub(super) fn begin(&self, stage: StageName, slots: u16) {
        let name = stage.as_str();
        self.received.with_label_values(&[name]);
        self.duration.with_label_values(&[name]);
        self.queue_wait.with_label_values(&[name]);
        self.in_flight.with_label_values(&[name]);
        self.slots.with_label_values(&[name]).set(slots.into());
        for reason in ["unavailable", "failed"] {
            self.failed.with_label_values(&[name, reason]);
        }
        let reasons = Reason::ALL.iter().filter(|reason| reason.stage() == stage || **reason == Reason::Poison);
        for outcome in reasons.map(|reason| reason.as_str()).chain(["pass", "repair"]) {
            self.done.with_label_values(&[name, outcome]);
        }
    }
}

/// Counts a record as in flight until it is dropped, by a panic too.
pub(super) struct InFlight(IntGauge);

impl InFlight {
    pub fn enter(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
