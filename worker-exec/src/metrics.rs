//! What the executor shows of its sandboxes and of the programs in them.

use std::time::Duration;

use pipeline::{
    records::{ExecutedFunction, Limit, Outcome},
    telemetry::{self, Collectors},
};
use prometheus::{Counter, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::answer::{Cause, End};

/// Why a sandbox was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retirement {
    /// It has run its number of programs.
    UsedUp,
    /// It, or a program in it, did what it must not.
    Anomaly,
    /// It gave another answer than the known one, or none.
    FailedCheck,
}

impl Retirement {
    const ALL: [Self; 3] = [Self::UsedUp, Self::Anomaly, Self::FailedCheck];

    fn as_str(self) -> &'static str {
        match self {
            Self::UsedUp => "used_up",
            Self::Anomaly => "anomaly",
            Self::FailedCheck => "failed_check",
        }
    }
}

/// Counters of one executor. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct ExecMetrics {
    programs: IntCounterVec,
    outcomes: IntCounterVec,
    cpu: Counter,
    seconds: Histogram,
    pub(crate) slots: IntGauge,
    pub(crate) busy: IntGauge,
    pub(crate) open: IntGauge,
    pub(crate) opened: IntCounter,
    pub(crate) failed_to_open: IntCounter,
    retired: IntCounterVec,
    pub(crate) opening: Histogram,
}

impl ExecMetrics {
    /// Metrics that nobody collects yet.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn unregistered() -> prometheus::Result<Self> {
        let metrics = Self {
            programs: IntCounterVec::new(
                Opts::new(
                    "case2code_exec_programs_total",
                    "Processes that ran a program, by how they ended. Many `wall`: the machine is overloaded, lower --slots. \
                     Many `flood`: someone writes programs against the sandbox.",
                ),
                &["outcome"],
            )?,
            outcomes: IntCounterVec::new(
                Opts::new(
                    "case2code_exec_outcomes_total",
                    "Recorded outcomes of inputs: return, error, or the limit that was hit. Many `time`: read some of these \
                     functions before --timeout is raised.",
                ),
                &["outcome"],
            )?,
            cpu: Counter::new(
                "case2code_exec_cpu_seconds_total",
                "CPU time of programs. Its rate is the number of cores that do the work itself; the rest is overhead.",
            )?,
            seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "case2code_exec_program_seconds",
                    "One process of a program, by the clock. Grows together with slots that are more than the cores.",
                )
                .buckets(vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]),
            )?,
            slots: IntGauge::new("case2code_exec_slots", "Sandboxes at once, at the most. About the number of cores.")?,
            busy: IntGauge::new(
                "case2code_exec_slots_busy",
                "Sandboxes that run a program now. Equal to the slots with a long queue: add worker-exec.",
            )?,
            open: IntGauge::new(
                "case2code_exec_sandboxes",
                "Sandboxes that are open. 0 while work waits: the machine or the engine gives none, see the log.",
            )?,
            opened: IntCounter::new(
                "case2code_exec_sandboxes_opened_total",
                "Sandboxes that were begun. Faster than one in a few thousand programs: see why they are retired.",
            )?,
            failed_to_open: IntCounter::new(
                "case2code_exec_sandboxes_failed_total",
                "Sandboxes that did not open. Above 0: the engine, the image or the kernel's settings; run \
                 `case2code doctor` there.",
            )?,
            retired: IntCounterVec::new(
                Opts::new(
                    "case2code_exec_sandboxes_retired_total",
                    "Sandboxes that were taken out of use. `used_up` is normal; `anomaly` or `failed_check`: a program broke \
                     its sandbox, read the log line and keep the record.",
                ),
                &["reason"],
            )?,
            opening: Histogram::with_opts(
                HistogramOpts::new(
                    "case2code_exec_sandbox_open_seconds",
                    "From the begin of a sandbox to its first right answer. Above a few seconds: the engine is overloaded.",
                )
                .buckets(vec![0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
            )?,
        };
        for cause in Cause::ALL {
            metrics.programs.with_label_values(&[cause.as_str()]);
        }
        for outcome in ["return", "error", "time", "memory", "output"] {
            metrics.outcomes.with_label_values(&[outcome]);
        }
        for reason in Retirement::ALL {
            metrics.retired.with_label_values(&[reason.as_str()]);
        }
        Ok(metrics)
    }

    /// Has `registry` collect them.
    ///
    /// # Errors
    /// A metric of the same name is registered.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        telemetry::register(registry, self.collectors())
    }

    /// All of them.
    pub fn collectors(&self) -> Collectors {
        vec![
            Box::new(self.programs.clone()),
            Box::new(self.outcomes.clone()),
            Box::new(self.cpu.clone()),
            Box::new(self.seconds.clone()),
            Box::new(self.slots.clone()),
            Box::new(self.busy.clone()),
            Box::new(self.open.clone()),
            Box::new(self.opened.clone()),
            Box::new(self.failed_to_open.clone()),
            Box::new(self.retired.clone()),
            Box::new(self.opening.clone()),
        ]
    }

    pub(crate) fn ended(&self, end: &End) {
        self.programs.with_label_values(&[end.cause.as_str()]).inc();
        if end.cause != Cause::PassedOver {
            self.cpu.inc_by(Duration::from_micros(end.cpu_us).as_secs_f64());
            self.seconds.observe(Duration::from_micros(end.wall_us).as_secs_f64());
        }
    }

    pub(crate) fn retire(&self, why: Retirement) {
        self.retired.with_label_values(&[why.as_str()]).inc();
    }

    pub(crate) fn recorded(&self, executed: &ExecutedFunction) {
        for execution in &executed.executions {
            let outcome = match &execution.outcome {
                Outcome::Return(_) => "return",
                Outcome::Error(_) => "error",
                Outcome::Limit(Limit::Time) => "time",
                Outcome::Limit(Limit::Memory) => "memory",
                Outcome::Limit(Limit::Output) => "output",
            };
            self.outcomes.with_label_values(&[outcome]).inc();
        }
    }
}

/// Adds one to a gauge until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(IntGauge);

impl Counted {
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
