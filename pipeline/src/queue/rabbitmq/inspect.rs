//! For people: what was set aside, whether anybody works on a run, and the end of one.

use lapin::{
    BasicProperties,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde::Serialize;

use super::{RabbitQueue, channels::answered, connection::short, wire};
use crate::{
    message::Address,
    queue::{QueueError, QueueName},
};

/// A message of `.dead`, which nobody could attribute to an item.
#[derive(Clone, Debug, Serialize)]
pub struct DeadLetter {
    /// Why it was set aside.
    pub reason: String,
    /// AMQP `type`, where it has one.
    pub record_type: Option<String>,
    /// Whose item it says it is, where it says so.
    pub run_id: Option<String>,
    /// See `run_id`.
    pub shard: Option<u64>,
    /// See `run_id`.
    pub index: Option<u64>,
    /// Bytes of the body.
    pub bytes: usize,
    /// How the body begins.
    pub body: String,
}

/// Characters of a body that are shown.
const SHOWN: usize = 120;

impl RabbitQueue {
    /// The first body of a queue, which stays there.
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn peek(&self, name: QueueName) -> Result<Option<Vec<u8>>, QueueError> {
        let channel = answered(self.link().connection().await?.create_channel()).await?;
        let queue = short(&self.topology().queue(name))?;
        let got = answered(channel.basic_get(queue, BasicGetOptions::default())).await?;
        // What was not acknowledged goes back when the channel closes.
        answered(channel.close(200, "looked".into())).await?;
        Ok(got.map(|got| got.delivery.data))
    }

    /// Puts a word on `.progress`, in the place of the one before.
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn tell(&self, word: &[u8]) -> Result<(), QueueError> {
        self.publish_bytes(QueueName::Progress, word, BasicProperties::default()).await
    }

    /// Up to `most` messages of `.dead`, the oldest first; they stay where they are.
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let channel = answered(self.link().connection().await?.create_channel()).await?;
        let mut letters = Vec::new();
        while letters.len() < most {
            let queue = short(&self.topology().queue(QueueName::Dead))?;
            let Some(got) = answered(channel.basic_get(queue, BasicGetOptions::default())).await? else { break };
            letters.push(letter(got.delivery));
        }
        // What was not acknowledged goes back when the channel closes.
        answered(channel.close(200, "looked".into())).await?;
        Ok(letters)
    }

    /// Whether a process holds the lock of `role` (`submit`, `sink`).
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn is_locked(&self, role: &str) -> Result<bool, QueueError> {
        // A channel of its own: a queue that is not there, or is another's, ends it.
        let channel = answered(self.link().connection().await?.create_channel()).await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = short(&self.topology().lock(role))?;
        match channel.queue_declare(name, passive, FieldTable::default()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                lapin::ErrorKind::ProtocolError(reply) if reply.get_id() == 404 => Ok(false),
                lapin::ErrorKind::ProtocolError(reply) if reply.get_id() == 405 => Ok(true),
                _ => Err(QueueError::Unavailable(error.to_string())),
            },
        }
    }

    /// Deletes the run's queues and exchange, with all that is in them.
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn delete(&self) -> Result<(), QueueError> {
        let channel = answered(self.link().connection().await?.create_channel()).await?;
        self.topology().delete(&channel).await
    }
}

fn letter(mut delivery: lapin::message::Delivery) -> DeadLetter {
    let headers = delivery.properties.headers().clone().unwrap_or_default();
    let text = |name: &str| match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    };
    // A consumer of ours writes `reason`; the broker `x-first-death-reason`.
    let by_broker = || text("x-first-death-reason").map(|reason| format!("dead-lettered by the broker: {reason}"));
    let reason = text(wire::REASON).or_else(by_broker);
    let record_type = delivery.properties.kind().as_ref().map(ToString::to_string);
    let (address, body): (Option<Address>, Vec<u8>) = match wire::message(&mut delivery) {
        Ok(message) => (Some(message.address), message.body),
        Err(aside) => (None, aside.body),
    };
    DeadLetter {
        reason: reason.unwrap_or_else(|| "no reason was written down".to_owned()),
        record_type,
        run_id: address.as_ref().map(|address| address.run_id.0.clone()),
        shard: address.as_ref().map(|address| address.shard),
        index: address.as_ref().map(|address| address.index),
        bytes: body.len(),
        body: String::from_utf8_lossy(&body).chars().take(SHOWN).collect(),
    }
}
