//! `case2code status`: where everything of a run is.

use pipeline::{
    error::Failure,
    queue::{
        QueueName,
        rabbitmq::{BrokerSettings, Depth, RabbitQueue},
    },
};
use serde::Serialize;

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
pub struct Looker(RabbitQueue);

impl Looker {
    /// Connects.
    ///
    /// # Errors
    /// No such run, or a broker that is out of reach.
    pub async fn connect(broker: &BrokerSettings) -> Result<Self, Failure> {
        Ok(Self(RabbitQueue::connect_to_existing(broker, "status").await?))
    }

    /// Looks at every queue of the run.
    ///
    /// # Errors
    /// A broker that is out of reach.
    pub async fn look(&self) -> Result<Vec<QueueStatus>, Failure> {
        let mut queues = Vec::new();
        for name in QueueName::ALL.into_iter().filter(|name| *name != QueueName::Run) {
            let depth = self.0.depth(name).await.map_err(anyhow::Error::from)?;
            queues.push(QueueStatus { queue: name.as_str(), depth });
        }
        Ok(queues)
    }
}

/// The status as a table.
pub fn table(queues: &[QueueStatus]) -> String {
    let mut text = format!("{:<18}{:>10}{:>12}\n", "queue", "ready", "consumers");
    for QueueStatus { queue, depth } in queues {
        text.push_str(&format!("{queue:<18}{:>10}{:>12}\n", depth.ready, depth.consumers));
    }
    text
}
