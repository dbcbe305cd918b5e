//! The exchange and queues of a run. Declared only here, with arguments that every supported version accepts, so that
//! whoever comes first makes what the others expect.

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};

use super::connection::short;
use crate::queue::{QueueError, QueueName};

/// How long a record waits between attempts. One time for the whole queue: messages with times of their own would wait
/// behind slower ones.
const RETRY_AFTER_MS: i32 = 5_000;

/// Redeliveries that the broker bears. Attempts are counted in a header of ours (versions count differently, and a lost
/// connection counts against every prefetched neighbour), so the broker's limit is out of the way.
const DELIVERY_LIMIT: i32 = 1_000;

/// The same for queues that people look into: each look counts.
const NO_LIMIT: i32 = i32::MAX;

/// A far safety net; the window of `submit` keeps queues shorter by far.
const MAX_LENGTH: i32 = 5_000_000;

/// Names within one run.
#[derive(Clone, Debug)]
pub struct Topology {
    prefix: String,
    /// Look only: expect what others declared.
    existing: bool,
}

impl Topology {
    /// The queues of the run of that name.
    pub fn new(run: &str) -> Self {
        Self { prefix: run.to_owned(), existing: false }
    }

    /// The same for someone who must not bring a run about by looking at it.
    pub fn existing(run: &str) -> Self {
        Self { prefix: run.to_owned(), existing: true }
    }

    /// Whether it only looks.
    pub fn is_existing(&self) -> bool {
        self.existing
    }

    /// The one direct exchange; each queue is bound to it by its own name.
    pub fn exchange(&self) -> &str {
        &self.prefix
    }

    /// `{prefix}.functions`, …
    pub fn queue(&self, name: QueueName) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// `{prefix}.sink.lock`, `{prefix}.submit.lock`.
    pub fn lock(&self, role: &str) -> String {
        format!("{}.{role}.lock", self.prefix)
    }

    /// Declares everything; harmless where it stands already.
    ///
    /// # Errors
    /// The broker is out of reach, or a queue of that name has other arguments.
    pub async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let durable =
            ExchangeDeclareOptions { durable: true, passive: self.existing, ..ExchangeDeclareOptions::default() };
        let exchange = || lapin::types::ShortString::from(self.exchange());
        channel.exchange_declare(exchange(), ExchangeKind::Direct, durable, FieldTable::default()).await?;
        if self.existing {
            return Ok(());
        }
        for name in QueueName::ALL {
            let queue = || lapin::types::ShortString::from(self.queue(name));
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(queue(), durable, self.arguments(name)).await?;
            channel
                .queue_bind(queue(), exchange(), queue(), QueueBindOptions::default(), FieldTable::default())
                .await?;
        }
        Ok(())
    }

    /// Looks whether everything stands; all that a user needs who may not declare.
    ///
    /// # Errors
    /// Something is missing (404), or the broker is out of reach.
    pub async fn expect(&self, channel: &Channel) -> lapin::Result<()> {
        let exchange = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let name = self.exchange().into();
        channel.exchange_declare(name, ExchangeKind::Direct, exchange, FieldTable::default()).await?;
        for name in QueueName::ALL {
            let queue = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(self.queue(name).into(), queue, FieldTable::default()).await?;
        }
        Ok(())
    }

    /// Deletes the run's queues and exchange, with all that is in them.
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn delete(&self, channel: &Channel) -> Result<(), QueueError> {
        let failed = |error: lapin::Error| QueueError::Unavailable(error.to_string());
        for name in QueueName::ALL {
            let queue = short(&self.queue(name))?;
            channel.queue_delete(queue, QueueDeleteOptions::default()).await.map_err(failed)?;
        }
        let exchange = short(self.exchange())?;
        channel.exchange_delete(exchange, lapin::options::ExchangeDeleteOptions::default()).await.map_err(failed)
    }

    fn arguments(&self, name: QueueName) -> FieldTable {
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut arguments = FieldTable::default();
        let looked_into = matches!(name, QueueName::Dead | QueueName::Run | QueueName::Progress);
        let delivery_limit = if looked_into { NO_LIMIT } else { DELIVERY_LIMIT };
        // All of them: a classic queue is gone with its node, and whoever declares it is told so.
        arguments.insert("x-queue-type".into(), text("quorum"));
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(delivery_limit));
        if name == QueueName::Progress {
            // The latest word alone.
            arguments.insert("x-max-length".into(), AMQPValue::LongInt(1));
            arguments.insert("x-overflow".into(), text("drop-head"));
            return arguments;
        }
        // At-least-once dead-lettering requires reject-publish, as does a cap that loses nothing.
        arguments.insert("x-overflow".into(), text("reject-publish"));
        if name != QueueName::Repairs {
            // Repairs flow against the stream: a cap there could lock up the cycle.
            arguments.insert("x-max-length".into(), AMQPValue::LongInt(MAX_LENGTH));
        }
        let back_to = match name {
            QueueName::FunctionsRetry => QueueName::Functions,
            QueueName::InputsRetry => QueueName::Inputs,
            QueueName::Dead => return arguments,
            _ => QueueName::Dead,
        };
        arguments.insert("x-dead-letter-exchange".into(), text(self.exchange()));
        arguments.insert("x-dead-letter-routing-key".into(), text(&self.queue(back_to)));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        if back_to != QueueName::Dead {
            arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(RETRY_AFTER_MS));
        }
        arguments
    }
}
