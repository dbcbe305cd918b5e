//! Where a run stands, as its sink (or its evaluation) sees it: for the progress line, and for `case2code status`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use pipeline::{message::RunId, queue::rabbitmq::RabbitQueue};
use serde::{Deserialize, Serialize};

use crate::{metrics::CoordinatorMetrics, sink::shards::Shards};

/// What the sink knows of its run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The run, once it is open.
    pub run_id: Option<RunId>,
    /// Whether it is an evaluation's (`eval --run`): its items and outcomes are completions, and it has no shards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evaluation: bool,
    /// Items of the run, once all are submitted.
    pub items: Option<u64>,
    /// Outcomes on disk, those of earlier processes included.
    pub outcomes: u64,
    /// Outcomes that came again and were dropped.
    pub duplicates: u64,
    /// Outcomes that came in another order than their numbers.
    pub out_of_order: u64,
    /// Shards of the run, once all are submitted.
    pub shards: Option<u64>,
    /// Shards that stand in parts.
    pub written: u64,
    /// Shards that do not.
    pub open: Vec<OpenStanding>,
}

/// Where a shard stands that is not written yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStanding {
    /// The shard.
    pub shard: u64,
    /// Outcomes on disk.
    pub outcomes: u64,
    /// Its items, once all are submitted.
    pub items: Option<u64>,
}

/// A standing with what only a clock gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimedStanding {
    /// The standing.
    #[serde(flatten)]
    pub standing: Standing,
    /// Outcomes a second, over the last 30 seconds.
    pub rate_per_s: f64,
    /// When it was told, in seconds since 1970.
    pub told_unix_s: u64,
}

/// A standing that one task writes and others read.
#[derive(Clone, Default)]
pub struct SharedStanding {
    standing: Arc<Mutex<Standing>>,
    metrics: Arc<OnceLock<CoordinatorMetrics>>,
}

impl SharedStanding {
    /// Has `metrics` follow it from now on.
    pub fn show_in(&self, metrics: CoordinatorMetrics) {
        // A second call, which nobody makes, keeps the first.
        let _ = self.metrics.set(metrics);
    }

    /// What follows it, if anything does.
    pub fn metrics(&self) -> Option<&CoordinatorMetrics> {
        self.metrics.get()
    }

    /// As it is now.
    pub fn get(&self) -> Standing {
        self.lock().clone()
    }

    /// Takes over what `shards` know. `out_of_order` is added to what was.
    pub fn update(&self, shards: &Shards, out_of_order: u64) {
        let before = self.lock().out_of_order;
        let now = Standing { out_of_order: before + out_of_order, ..shards.standing() };
        if let Some(metrics) = self.metrics() {
            metrics.show(&now, || shards.total());
        }
        *self.lock() = now;
    }

    /// Takes over what somebody else knows.
    pub fn set(&self, now: Standing) {
        *self.lock() = now;
    }

    /// Tells on `.progress` where the run stands, again and again.
    pub async fn tell(self, queue: RabbitQueue) {
        let mut clock = Clock::default();
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            self.tell_once(&queue, &mut clock).await;
        }
    }

    /// Tells it now. That nobody hears it is no error of the run's.
    pub async fn tell_once(&self, queue: &RabbitQueue, clock: &mut Clock) {
        // Plain data with string keys: writing it cannot fail.
        let timed = serde_json::to_vec(&clock.time(self.get())).unwrap_or_default();
        if let Err(error) = queue.tell(&timed).await {
            tracing::debug!(%error, "nobody was told where the run stands");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        // Plain values: whole at every moment.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often it is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(30);

/// Makes rates of the standings that it is shown one after another.
#[derive(Default)]
pub struct Clock(VecDeque<(Instant, u64)>);

impl Clock {
    /// The standing with the rate up to now.
    pub fn time(&mut self, standing: Standing) -> TimedStanding {
        let now = Instant::now();
        self.0.push_back((now, standing.outcomes));
        while self.0.len() > 2 && self.0.front().is_some_and(|(then, _)| now - *then > WINDOW) {
            self.0.pop_front();
        }
        let (then, outcomes) = self.0.front().copied().unwrap_or((now, standing.outcomes));
        let seconds = (now - then).as_secs_f64();
        let rate_per_s = if seconds > 0.0 { (standing.outcomes - outcomes) as f64 / seconds } else { 0.0 };
        let told_unix_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        TimedStanding { standing, rate_per_s, told_unix_s }
    }
}

impl TimedStanding {
    /// Seconds until the run is done at this rate; `None` while nobody can say.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.standing.items?.saturating_sub(self.standing.outcomes);
        (left == 0 || self.rate_per_s > 0.0).then(|| if left == 0 { 0.0 } else { left as f64 / self.rate_per_s })
    }
}
