//! What the coordinator shows: of a submission and of a sink.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use pipeline::{
    reason::Reason,
    telemetry::{self, Collectors},
};
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::{sink::shards::ShardSummary, standing::Standing};

/// Counters of one process. Clones count together.
#[derive(Clone, Debug)]
pub struct CoordinatorMetrics {
    submitted: IntCounterVec,
    window_full: IntGauge,
    outcomes: IntCounter,
    duplicates: IntCounter,
    set_aside: IntCounter,
    accepted: IntCounter,
    samples: IntCounter,
    rejected: IntCounterVec,
    shards: IntCounter,
    open_shards: IntGauge,
    items: IntGauge,
    progress: Gauge,
    disk_free: Gauge,
    disk_errors: IntCounter,
    seen_shards: Arc<AtomicU64>,
}

impl CoordinatorMetrics {
    /// Metrics that nobody collects yet.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn unregistered() -> prometheus::Result<Self> {
        let metrics = Self {
            submitted: IntCounterVec::new(
                Opts::new(
                    "case2code_submit_items_total",
                    "Items that this process handed to the broker: `function`, or the reason why collect turned it down. \
                     Stands still while the window is full: workers are the bottleneck.",
                ),
                &["outcome"],
            )?,
            window_full: IntGauge::new(
                "case2code_submit_window_full",
                "1 while submit waits since the queues hold --in-flight messages. 0 with idle workers: submit is the \
                 bottleneck, or done.",
            )?,
            outcomes: IntCounter::new(
                "case2code_sink_outcomes_total",
                "Items of the run that have their outcome on disk, earlier processes included. No growth: follow the queues \
                 upstream to the first that is long.",
            )?,
            duplicates: IntCounter::new(
                "case2code_sink_duplicates_total",
                "Outcomes that came again and were dropped. A few after a restart are normal; a steady rate: something \
                 loses connections.",
            )?,
            set_aside: IntCounter::new(
                "case2code_sink_set_aside_total",
                "Messages that belong to no item of this run and went to `.dead`. Above 0: read `case2code dead`.",
            )?,
            accepted: IntCounter::new(
                "case2code_sink_accepted_total",
                "Functions that became samples, counted when their shard is written. Over accepted + rejected: the yield.",
            )?,
            samples: IntCounter::new(
                "case2code_sink_samples_total",
                "Rows of samples, counted when their shard is written. What the run is for.",
            )?,
            rejected: IntCounterVec::new(
                Opts::new(
                    "case2code_sink_rejected_total",
                    "Items that became no sample, counted when their shard is written. If one reason takes over, read a few \
                     of its rows in rejected/.",
                ),
                &["stage", "reason"],
            )?,
            shards: IntCounter::new(
                "case2code_sink_shards_total",
                "Shards that stand in parts, earlier processes included. What is in them is safe to use.",
            )?,
            open_shards: IntGauge::new(
                "case2code_sink_open_shards",
                "Shards with a journal. Grows without end: items get lost or stuck, see `case2code status`.",
            )?,
            items: IntGauge::new(
                "case2code_sink_items",
                "Items of the run; 0 until submit is done. Minus outcomes, over their rate: the time left.",
            )?,
            progress: Gauge::new(
                "case2code_sink_last_progress_timestamp_seconds",
                "When the last outcome was put on disk, or the sink began. Older than some minutes while queues are not \
                 empty: something is stuck.",
            )?,
            disk_free: Gauge::new(
                "case2code_sink_disk_free_bytes",
                "Room left for the output folder. Make more before it is gone; the sink waits without losing anything.",
            )?,
            disk_errors: IntCounter::new(
                "case2code_sink_disk_errors_total",
                "Batches that the disk refused; each is tried again every second. Above 0: free the disk.",
            )?,
            seen_shards: Arc::default(),
        };
        for reason in Reason::ALL {
            metrics.rejected.with_label_values(&[reason.stage().as_str(), reason.as_str()]);
        }
        metrics.submitted.with_label_values(&["function"]);
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
        let mut all = self.of_submit();
        all.extend(self.of_sink());
        all
    }

    /// Those of a submission.
    pub fn of_submit(&self) -> Collectors {
        vec![Box::new(self.submitted.clone()), Box::new(self.window_full.clone())]
    }

    /// Those of a sink.
    pub fn of_sink(&self) -> Collectors {
        vec![
            Box::new(self.outcomes.clone()),
            Box::new(self.duplicates.clone()),
            Box::new(self.set_aside.clone()),
            Box::new(self.accepted.clone()),
            Box::new(self.samples.clone()),
            Box::new(self.rejected.clone()),
            Box::new(self.shards.clone()),
            Box::new(self.open_shards.clone()),
            Box::new(self.items.clone()),
            Box::new(self.progress.clone()),
            Box::new(self.disk_free.clone()),
            Box::new(self.disk_errors.clone()),
        ]
    }

    /// An item is the broker's to keep: a function, or turned down.
    pub fn submitted(&self, reason: Option<Reason>) {
        self.submitted.with_label_values(&[reason.map_or("function", Reason::as_str)]).inc();
    }

    /// Whether submit waits for room.
    pub fn set_window_full(&self, full: bool) {
        self.window_full.set(full.into());
    }

    /// A batch that the disk refused.
    pub fn disk_refused(&self) {
        self.disk_errors.inc();
    }

    /// A message that went to `.dead`.
    pub fn set_aside(&self) {
        self.set_aside.inc();
    }

    /// Where the run stands. `total` gives the sum of all shards that are written, and is asked only when there are more.
    pub fn show(&self, standing: &Standing, total: impl FnOnce() -> ShardSummary) {
        let moved = standing.outcomes > self.outcomes.get();
        up_to(&self.outcomes, standing.outcomes);
        up_to(&self.duplicates, standing.duplicates);
        up_to(&self.shards, standing.written);
        self.open_shards.set(count(standing.open.len() as u64));
        self.items.set(count(standing.items.unwrap_or(0)));
        if moved || self.progress.get() == 0.0 {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.progress.set(now.as_secs_f64());
        }
        if self.seen_shards.swap(standing.written, Ordering::Relaxed) == standing.written {
            return;
        }
        let total = total();
        up_to(&self.accepted, total.accepted);
        up_to(&self.samples, total.samples);
        for (reason, items) in total.rejected {
            up_to(&self.rejected.with_label_values(&[reason.stage().as_str(), reason.as_str()]), items);
        }
    }

    /// Looks at the disk below `folder` every few seconds, until the task is aborted.
    pub async fn watch_disk(self, folder: PathBuf) {
        loop {
            self.look_at_disk(&folder);
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        }
    }

    fn look_at_disk(&self, folder: &Path) {
        if let Ok(disk) = nix::sys::statvfs::statvfs(folder) {
            self.disk_free.set(disk.blocks_available() as f64 * disk.fragment_size() as f64);
        }
    }
}

fn up_to(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
