//! Which run a name stands for: `{prefix}.run` holds the run's id from the first `submit` until the sink is done, so
//! that a second submission under the same name, from another folder or machine, is refused instead of mixed in.

use lapin::{BasicProperties, options::QueuePurgeOptions};

use super::{RabbitQueue, channels::answered, connection::short};
use crate::{
    message::RunId,
    queue::{QueueError, QueueName},
};

/// Claims the name for a run; harmless if it has it already, so that it can be tried again. Call it with the `submit` lock
/// held. Gives whether the run has the name; another may.
///
/// # Errors
/// The broker is out of reach.
pub async fn claim(queue: &RabbitQueue, run_id: &RunId) -> Result<bool, QueueError> {
    if let Some(holder) = queue.peek(QueueName::Run).await? {
        return Ok(holder == run_id.0.as_bytes());
    }
    let properties = BasicProperties::default().with_delivery_mode(2);
    queue.publish_bytes(QueueName::Run, run_id.0.as_bytes(), properties).await?;
    Ok(true)
}

/// Gives the name free: the run is done.
///
/// # Errors
/// The broker is out of reach.
pub async fn release(queue: &RabbitQueue) -> Result<(), QueueError> {
    let channel = queue.inner.publish.get().await?;
    let name = short(&queue.topology().queue(QueueName::Run))?;
    answered(channel.queue_purge(name, QueuePurgeOptions::default())).await?;
    channel.give_back();
    Ok(())
}
