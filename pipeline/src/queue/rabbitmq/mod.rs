//! The queue between machines: RabbitMQ 3.10 to 4.x, quorum queues, confirms before acknowledgements.
//!
//! - [`topology`]: the exchange and queues of a run, with the reason for each argument
//! - [`connection`]: one connection, rebuilt when it breaks
//! - [`channels`]: the pool of channels in confirm mode
//! - [`metrics`]: publishes and their confirms
//! - [`consumer`]: a stream of deliveries that survives the broker
//! - [`wire`]: a message as AMQP properties and back
//! - [`claim`]: which run a name stands for
//! - [`dead`]: what the broker gave up on
//! - [`lock`]: one sink and one submit a run
//! - [`inspect`]: for people: what was set aside, and the end of a run
//!
//! lapin's own recovery stays off: it leaves publishes that await a confirm hanging.

pub mod channels;
pub mod claim;
pub mod connection;
pub mod consumer;
pub mod dead;
pub mod inspect;
pub mod lock;
pub mod metrics;
pub mod topology;
pub mod wire;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lapin::{
    Confirmation,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use serde::{Deserialize, Serialize};

use self::{
    channels::ChannelPool,
    connection::{Link, short},
    consumer::{RabbitConsumer, Retired},
    metrics::BrokerMetrics,
    topology::Topology,
};
use super::{Queue, QueueError, QueueName};
use crate::{error::Failure, failpoint, message::Message};

/// How long a publish may wait for its confirm, and any other call for its answer.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// How a process reaches the broker.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Broker")]
pub struct BrokerSettings {
    /// Broker, with credentials and virtual host: amqp://user:password@host:5672/%2f (amqps:// for TLS); the nodes of a
    /// cluster separated by commas
    #[arg(long, env = "AMQP_URL", hide_env_values = true, default_value = "amqp://127.0.0.1:5672/%2f")]
    pub amqp_url: String,
    /// Name of the run; its queues are named {run}.functions, {run}.inputs, …
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Seconds to keep trying for a broker that was never reached
    #[arg(long, default_value_t = 10)]
    pub startup_wait: u64,
}

impl BrokerSettings {
    /// The run's name, checked to make a good queue prefix.
    ///
    /// # Errors
    /// No name, or one that is empty, too long or of odd characters: [`Failure::Usage`].
    pub fn run_name(&self) -> Result<&str, Failure> {
        let name = self.run.as_deref().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        // The broker keeps names that begin with `amq.` to itself.
        let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric()) && !name.starts_with("amq.");
        if !begins_well || name.len() > 100 || !name.bytes().all(plain) {
            let what = "--run NAME is needed: a letter or digit, then letters, digits, `-`, `_` and `.`, at most 100, \
                        not `amq.…`";
            return Err(Failure::Usage(what.into()));
        }
        Ok(name)
    }
}

/// The queues of one run on a broker. Clones share connections.
#[derive(Clone)]
pub struct RabbitQueue {
    inner: Arc<Inner>,
}

struct Inner {
    topology: Topology,
    publish: ChannelPool,
    consume: Link,
    retired: Retired,
    metrics: BrokerMetrics,
}

/// Which connection a role that one process has at a time does its work by: that one holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorksBy {
    /// `submit`.
    Publishing,
    /// The sink.
    Consuming,
}

impl RabbitQueue {
    /// Connects and declares the run's topology. Two connections, so that a publisher that the broker blocks never
    /// stalls acknowledgements.
    ///
    /// # Errors
    /// The broker was not reached within `startup_wait`, or refuses: [`Failure::Unavailable`] that names the setting.
    pub async fn connect(settings: &BrokerSettings, role: &str) -> Result<Self, Failure> {
        Self::connect_to(settings, role, Topology::new(settings.run_name()?), None).await
    }

    /// As [`Self::connect`] for a role that one process has at a time, for as long as it works.
    ///
    /// # Errors
    /// Another process has it: [`Failure::Usage`].
    pub async fn connect_alone(settings: &BrokerSettings, role: &str, works_by: WorksBy) -> Result<Self, Failure> {
        Self::connect_to(settings, role, Topology::new(settings.run_name()?), Some(works_by)).await
    }

    /// As [`Self::connect`] for someone who only looks: a run that does not exist is an error and stays so.
    ///
    /// # Errors
    /// No such run on this broker, or the broker was not reached: [`Failure::Unavailable`].
    pub async fn connect_to_existing(settings: &BrokerSettings, role: &str) -> Result<Self, Failure> {
        Self::connect_to(settings, role, Topology::existing(settings.run_name()?), None).await
    }

    async fn connect_to(
        settings: &BrokerSettings,
        role: &str,
        topology: Topology,
        alone: Option<WorksBy>,
    ) -> Result<Self, Failure> {
        let link = |purpose: &str, this: WorksBy| {
            let lock = (alone == Some(this)).then_some(role);
            Link::new(&settings.amqp_url, format!("{role} {purpose}"), topology.clone(), lock)
        };
        let (publish, consume) = (link("publish", WorksBy::Publishing)?, link("consume", WorksBy::Consuming)?);
        let unreachable = |error: QueueError| no_broker(&settings.amqp_url, &error);
        let first = if alone == Some(WorksBy::Consuming) { &consume } else { &publish };
        let patience = Duration::from_secs(settings.startup_wait.max(1));
        let mut connected = tokio::time::timeout(patience, first.connection_with_patience()).await;
        if connected.is_err() && (first.lock_is_taken().await || first.waits_for_queues()) {
            // The broker is there. The lock of a process that was just killed is waited for as long as that takes, and so
            // is who may declare the queues.
            connected = Ok(first.connection_with_patience().await);
        }
        match connected {
            Ok(Ok(_)) => {}
            Ok(Err(QueueError::Unknown(error))) => return Err(Failure::Unavailable(error)),
            Ok(Err(QueueError::Taken(lock))) => {
                return Err(Failure::Usage(format!("another `{role}` works on this run (lock `{lock}`)")));
            }
            Ok(Err(error)) => return Err(unreachable(error)),
            Err(_) => return Err(unreachable(QueueError::Unavailable(first.last_error()))),
        }
        Ok(Self {
            inner: Arc::new(Inner {
                topology,
                publish: ChannelPool::new(publish),
                consume,
                retired: Retired::default(),
                metrics: BrokerMetrics::unregistered().map_err(anyhow::Error::from)?,
            }),
        })
    }

    /// Ends both connections with whatever was sent on them before. Nobody may use them any more.
    ///
    /// # Errors
    /// The broker did not answer: it may deliver again what was acknowledged last.
    pub async fn close(&self) -> Result<(), QueueError> {
        self.inner.retired.close().await;
        let (publish, consume) = tokio::join!(self.inner.publish.link().close(), self.link().close());
        publish.and(consume)
    }

    /// Ends a worker: what its loop came to, with the last acknowledgements sent.
    ///
    /// # Errors
    /// The loop's error; [`Failure::NotGivenBack`] where the broker may not know what became of some deliveries.
    pub async fn close_after(&self, worked: Result<u64, QueueError>) -> Result<(), Failure> {
        let closed = self.close().await;
        match (worked.map_err(anyhow::Error::from)?, closed) {
            (0, Ok(())) => Ok(()),
            (unanswered, closed) => {
                let error = closed.err().map(|error| error.to_string());
                tracing::warn!(unanswered, error, "could not give back everything");
                Err(Failure::NotGivenBack)
            }
        }
    }

    /// What it counts; nobody collects that before it is registered.
    pub fn metrics(&self) -> &BrokerMetrics {
        &self.inner.metrics
    }

    /// The names of the run's queues.
    pub fn topology(&self) -> &Topology {
        &self.inner.topology
    }

    /// Whether the process can work: what `/readyz` says. It is the connection that it consumes by which tells, once there
    /// is one: that comes back by itself. The other waits for the next publish.
    pub fn is_connected(&self) -> bool {
        let consumes = self.link().generation() > 0;
        if consumes { self.link().is_connected() } else { self.inner.publish.link().is_connected() }
    }

    /// The connection that consumers use.
    fn link(&self) -> &Link {
        &self.inner.consume
    }

    /// Messages that are ready, and consumers, of one queue.
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn depth(&self, name: QueueName) -> Result<Depth, QueueError> {
        let channel = self.inner.publish.get().await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = short(&self.inner.topology.queue(name))?;
        let declared = channels::answered(channel.queue_declare(queue, passive, FieldTable::default())).await;
        let queue = declared?;
        channel.give_back();
        Ok(Depth { ready: queue.message_count(), consumers: queue.consumer_count() })
    }

    /// Puts a body that names no item on `.dead`, with the reason and the properties that it came with.
    ///
    /// # Errors
    /// As for a publish.
    pub async fn set_aside(
        &self,
        properties: &lapin::BasicProperties,
        aside: &super::Unattributable,
    ) -> Result<(), QueueError> {
        let properties = wire::aside_properties(properties, &aside.reason);
        self.publish_bytes(QueueName::Dead, &aside.body, properties).await
    }

    async fn publish_bytes(
        &self,
        to: QueueName,
        body: &[u8],
        properties: lapin::BasicProperties,
    ) -> Result<(), QueueError> {
        let (metrics, begun) = (&self.inner.metrics, Instant::now());
        let _in_flight = metrics.sent();
        let published = self.publish_once(to, body, properties).await;
        metrics.answered(to, published.is_ok(), begun.elapsed());
        published
    }

    async fn publish_once(
        &self,
        to: QueueName,
        body: &[u8],
        properties: lapin::BasicProperties,
    ) -> Result<(), QueueError> {
        let (exchange, key) = (short(self.inner.topology.exchange())?, short(&self.inner.topology.queue(to))?);
        let channel = self.inner.publish.get().await?;
        // Mandatory: a broker confirms a message that no queue takes, and it would be lost.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        failpoint::pass("publish.before");
        let publish = async {
            let sent = async {
                let confirm = channel.basic_publish(exchange, key, options, body, properties).await?;
                failpoint::pass("publish.sent");
                confirm.await
            };
            // The exchange is gone: declaring the topology again brings it back.
            sent.await.inspect_err(|error| {
                if connection::reply_code(error) == Some(404) {
                    self.inner.publish.link().rebuild();
                }
            })
        };
        let unsure = match channels::answered(publish).await {
            Ok(Confirmation::Ack(None)) => {
                failpoint::pass("publish.confirmed");
                channel.give_back();
                return Ok(());
            }
            Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_))) => {
                // The queue or its binding is gone. Declaring the topology again brings it back.
                self.inner.publish.link().rebuild();
                QueueError::Unavailable(format!("the broker has no queue for `{to}`"))
            }
            Ok(Confirmation::Nack(None)) => QueueError::Unavailable(format!("the broker did not take a `{to}`")),
            Ok(Confirmation::NotRequested) => QueueError::Unavailable("a channel without confirms".into()),
            Err(error) => error,
        };
        Err(unsure)
    }
}

/// How full a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// Messages that wait for a consumer.
    pub ready: u32,
    /// Consumers.
    pub consumers: u32,
}

impl Queue for RabbitQueue {
    type Consumer = RabbitConsumer;

    async fn publish(&self, to: QueueName, message: &Message) -> Result<(), QueueError> {
        self.publish_bytes(to, &message.body, wire::properties(message)).await
    }

    async fn consume(&self, from: QueueName, prefetch: u16) -> Result<RabbitConsumer, QueueError> {
        Ok(RabbitConsumer::new(self.clone(), from, prefetch))
    }
}

/// Whether a broker is there, for `doctor`; gives where.
///
/// # Errors
/// It was not reached, or refuses: [`Failure::Unavailable`].
pub async fn reach(settings: &BrokerSettings) -> Result<String, Failure> {
    let reached = connection::reach(&settings.amqp_url).await?;
    reached.map_err(|error| no_broker(&settings.amqp_url, &error))?;
    Ok(connection::without_password(&settings.amqp_url))
}

/// Which broker is out of reach, or refuses, and what to set.
fn no_broker(urls: &str, error: &QueueError) -> Failure {
    let place = connection::without_password(urls);
    let what = if matches!(error, QueueError::Refused(_)) { "the broker refuses us at" } else { "no broker at" };
    Failure::Unavailable(format!("{what} {place} ({error}); set --amqp-url or AMQP_URL"))
}
