//! One sink and one submit a run: quorum queues do not enforce exclusive consumers, so a classic exclusive queue is
//! the lock. The broker deletes it with the connection that declared it, which therefore is one of its own: consumers
//! rebuild theirs.

use lapin::{Channel, Connection, options::QueueDeclareOptions, types::FieldTable};
use std::{sync::Arc, time::Duration};

use super::{
    RabbitQueue,
    channels::answered,
    connection::{Link, short},
};
use crate::{error::Failure, queue::QueueError};

/// How long a lock that is taken is asked for again: the connection of a holder that was just killed takes a moment.
const TAKEN_PATIENCE: Duration = Duration::from_secs(8);

/// Holds the role until it is dropped or its connection breaks.
pub struct RoleLock {
    connection: Arc<Connection>,
    _channel: Channel,
}

impl RoleLock {
    /// Takes `{prefix}.{role}.lock`.
    ///
    /// # Errors
    /// Another process holds it ([`Failure::Usage`]), or the broker is out of reach.
    pub async fn take(queue: &RabbitQueue, role: &str) -> Result<Self, Failure> {
        let name = queue.topology().lock(role);
        let link = queue.link_of_its_own(role)?;
        let started = std::time::Instant::now();
        loop {
            match Self::try_take(&link, &name).await {
                Ok(lock) => return Ok(lock),
                Err(QueueError::Refused(_)) if started.elapsed() >= TAKEN_PATIENCE => {
                    return Err(Failure::Usage(format!("another `{role}` works on this run (lock `{name}`)")));
                }
                Err(QueueError::Refused(_)) => tracing::warn!(lock = name, "taken; waiting for its holder to go"),
                Err(error) => tracing::warn!(lock = name, %error, "cannot take the lock"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Whether it is still held.
    pub fn held(&self) -> bool {
        self.connection.status().connected()
    }

    async fn try_take(link: &Link, name: &str) -> Result<Self, QueueError> {
        let connection = link.connection_with_patience().await?;
        let channel = answered(connection.create_channel()).await?;
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(short(name)?, exclusive, FieldTable::default()).await;
        match declared {
            Ok(_) => Ok(Self { connection, _channel: channel }),
            // 405 resource-locked: declared by another connection.
            Err(error) => match error.kind() {
                lapin::ErrorKind::ProtocolError(reply) if reply.get_id() == 405 => {
                    Err(QueueError::Refused(name.to_owned()))
                }
                _ => Err(QueueError::Unavailable(error.to_string())),
            },
        }
    }
}
