//! What a process shows of its publishing.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

use crate::{queue::QueueName, telemetry::Collectors};

/// Counters of one process. Clones count together.
#[derive(Clone, Debug)]
pub struct BrokerMetrics {
    publishes: IntCounterVec,
    confirm: HistogramVec,
    in_flight: IntGauge,
}

impl BrokerMetrics {
    /// Metrics that nobody collects yet.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn unregistered() -> prometheus::Result<Self> {
        let buckets = vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
        let metrics = Self {
            publishes: IntCounterVec::new(
                Opts::new(
                    "case2code_broker_publishes_total",
                    "Publishes by queue and outcome: confirmed or failed (each is repeated until it is confirmed). Failures \
                     that go on: the broker is out of reach or refuses, look at its alarms.",
                ),
                &["queue", "outcome"],
            )?,
            confirm: HistogramVec::new(
                HistogramOpts::new(
                    "case2code_broker_confirm_seconds",
                    "From a publish to the broker's confirm. Above a second: its disk is too slow, or an alarm blocks it.",
                )
                .buckets(buckets),
                &["queue"],
            )?,
            in_flight: IntGauge::new(
                "case2code_broker_publishes_in_flight",
                "Publishes that wait for their confirm. Above 0 with no confirms: the broker blocks its publishers, free \
                 its disk or memory.",
            )?,
        };
        for queue in [QueueName::Functions, QueueName::Inputs, QueueName::Outcomes] {
            for outcome in ["confirmed", "failed"] {
                metrics.publishes.with_label_values(&[queue.as_str(), outcome]);
            }
        }
        Ok(metrics)
    }

    /// All of them.
    pub fn collectors(&self) -> Collectors {
        vec![Box::new(self.publishes.clone()), Box::new(self.confirm.clone()), Box::new(self.in_flight.clone())]
    }

    /// Counts a publish as in flight until what comes back is dropped.
    pub(super) fn sent(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    pub(super) fn answered(&self, queue: QueueName, confirmed: bool, time: Duration) {
        let outcome = if confirmed { "confirmed" } else { "failed" };
        self.publishes.with_label_values(&[queue.as_str(), outcome]).inc();
        if confirmed {
            self.confirm.with_label_values(&[queue.as_str()]).observe(time.as_secs_f64());
        }
    }
}

/// One publish in flight.
pub(super) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
