//! `case2code status`: where everything of a run is.

use std::{
    collections::BTreeSet,
    fmt::Write,
    time::{Duration, SystemTime},
};

use pipeline::{
    error::Failure,
    queue::{
        QueueName,
        rabbitmq::{BrokerSettings, Depth, RabbitQueue},
    },
};
use serde::Serialize;

use crate::standing::{OpenStanding, TimedStanding};

/// Messages of `.dead` that are looked at for the shards that wait for them.
const LETTERS: usize = 1_000;

/// Open shards that the table names.
const SHOWN: usize = 5;

/// Where a run is.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Its name.
    pub run: String,
    /// Every queue.
    pub queues: Vec<QueueStatus>,
    /// What the sink said last; none where no sink has run yet.
    pub sink: Option<TimedStanding>,
    /// Seconds until the run is done at the present rate; none while nobody can say.
    pub seconds_left: Option<f64>,
    /// Open shards that wait for an item which is on `.dead`.
    pub shards_waiting_on_dead: BTreeSet<u64>,
}

/// One queue of a run.
#[derive(Debug, Serialize)]
pub struct QueueStatus {
    /// Its name without the prefix.
    pub queue: &'static str,
    /// Messages that wait and consumers; `ready` leaves out what a consumer holds.
    #[serde(flatten)]
    pub depth: Depth,
}

/// Someone who looks at a run, once or again and again.
pub struct Looker {
    queue: RabbitQueue,
    run: String,
}

impl Looker {
    /// Connects.
    ///
    /// # Errors
    /// No such run, or a broker that is out of reach.
    pub async fn connect(broker: &BrokerSettings) -> Result<Self, Failure> {
        let queue = RabbitQueue::connect_to_existing(broker, "status").await?;
        Ok(Self { queue, run: broker.run_name()?.to_owned() })
    }

    /// Looks at every queue of the run, and at what its sink said.
    ///
    /// # Errors
    /// A broker that is out of reach.
    pub async fn look(&self) -> Result<Status, Failure> {
        let (mut queues, mut dead) = (Vec::new(), 0);
        for name in QueueName::ALL.into_iter().filter(|name| !matches!(name, QueueName::Run | QueueName::Progress)) {
            let depth = self.queue.depth(name).await.map_err(anyhow::Error::from)?;
            if name == QueueName::Dead {
                dead = depth.ready;
            }
            queues.push(QueueStatus { queue: name.as_str(), depth });
        }
        let word = self.queue.peek(QueueName::Progress).await.map_err(anyhow::Error::from)?;
        // A word that does not read is that of another version.
        let sink: Option<TimedStanding> = word.and_then(|word| serde_json::from_slice(&word).ok());
        let shards_waiting_on_dead = match &sink {
            Some(sink) if dead > 0 => self.waiting_on_dead(&sink.standing.open).await?,
            _ => BTreeSet::new(),
        };
        let seconds_left = sink.as_ref().and_then(TimedStanding::seconds_left);
        Ok(Status { run: self.run.clone(), queues, sink, seconds_left, shards_waiting_on_dead })
    }

    async fn waiting_on_dead(&self, open: &[OpenStanding]) -> Result<BTreeSet<u64>, Failure> {
        let letters = self.queue.dead(LETTERS).await.map_err(anyhow::Error::from)?;
        let shards = letters.into_iter().filter_map(|letter| letter.shard);
        Ok(shards.filter(|shard| open.iter().any(|open| open.shard == *shard)).collect())
    }
}

/// The status as a table.
pub fn table(status: &Status) -> String {
    let mut text = format!("{:<18}{:>10}{:>12}\n", "queue", "ready", "consumers");
    for QueueStatus { queue, depth } in &status.queues {
        text.push_str(&format!("{queue:<18}{:>10}{:>12}\n", depth.ready, depth.consumers));
    }
    text.push('\n');
    match &status.sink {
        // Writing to a string cannot fail.
        Some(sink) => _ = write_standing(&mut text, sink, status),
        None => text.push_str("no sink has told yet where the run stands\n"),
    }
    text
}

fn write_standing(text: &mut String, sink: &TimedStanding, status: &Status) -> std::fmt::Result {
    let standing = &sink.standing;
    let of = |total: Option<u64>| total.map_or_else(|| "more to come".to_owned(), |total| format!("of {total}"));
    let what = if standing.evaluation { "completions" } else { "outcomes" };
    write!(text, "{what:<18}{} {}", standing.outcomes, of(standing.items))?;
    write!(text, ", {:.1}/s", sink.rate_per_s)?;
    match status.seconds_left {
        Some(0.0) => write!(text, ", done")?,
        Some(left) => write!(text, ", {} left", spell(left))?,
        None => {}
    }
    if standing.evaluation {
        writeln!(text)?;
        return write_told(text, sink);
    }
    writeln!(text, ", {} came again and were dropped", standing.duplicates)?;
    let (written, open) = (standing.written, standing.open.len());
    write!(text, "{:<18}{written} written {}, {open} open", "shards", of(standing.shards))?;
    for (k, OpenStanding { shard, outcomes, items }) in standing.open.iter().take(SHOWN).enumerate() {
        let items = items.map_or_else(|| "?".to_owned(), |items| items.to_string());
        write!(text, "{}{shard}: {outcomes} of {items}", if k == 0 { " (" } else { "; " })?;
    }
    match open {
        0 => writeln!(text)?,
        1..=SHOWN => writeln!(text, ")")?,
        _ => writeln!(text, "; …)")?,
    }
    if !status.shards_waiting_on_dead.is_empty() {
        let shards: Vec<String> = status.shards_waiting_on_dead.iter().map(u64::to_string).collect();
        writeln!(text, "{:<18}shards {} wait for an item there: see `case2code dead`", "dead", shards.join(", "))?;
    }
    write_told(text, sink)
}

fn write_told(text: &mut String, sink: &TimedStanding) -> std::fmt::Result {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    writeln!(text, "{:<18}{} ago", "told", spell(now.saturating_sub(sink.told_unix_s) as f64))
}

/// Seconds as a person would say them.
fn spell(seconds: f64) -> String {
    indicatif::HumanDuration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9))).to_string()
}
