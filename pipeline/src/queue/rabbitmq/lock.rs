//! One sink and one submit a run: quorum queues do not enforce exclusive consumers, so a classic exclusive queue is
//! the lock. The broker deletes it with the connection that declared it. That is the very connection that the role
//! works with (the sink consumes by it, submit publishes by it), so that nobody works without the lock, not for a
//! moment after an outage either.

use lapin::{Connection, options::QueueDeclareOptions, types::FieldTable};

/// Takes a lock for as long as `connection` lives.
///
/// # Errors
/// 405 (resource-locked) where another connection has it.
pub async fn take(connection: &Connection, name: &str) -> lapin::Result<()> {
    // A channel of its own: the refusal ends it.
    let channel = connection.create_channel().await?;
    let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), exclusive, FieldTable::default()).await?;
    channel.close(200, "taken".into()).await
}
