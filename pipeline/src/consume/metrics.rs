//! What a stage shows of itself.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// Rate, errors, duration.
#[derive(Clone)]
pub struct StageMetrics {
    pub(super) received: IntCounterVec,
    pub(super) done: IntCounterVec,
    pub(super) failed: IntCounterVec,
    pub(super) duration: HistogramVec,
    pub(super) in_flight: IntGauge,
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

/// Counts a record as in flight until it is dropped, by a panic too.
pub(super) struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    pub fn enter(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
