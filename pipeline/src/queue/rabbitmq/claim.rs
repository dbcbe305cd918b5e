//! Which run a name stands for: `{prefix}.run` holds how the run was opened, from the first `submit` until the sink is
//! done, so that a second submission under the same name, from another folder or machine, is refused instead of mixed in.

use lapin::{BasicProperties, options::QueuePurgeOptions};

use super::{RabbitQueue, channels::answered, connection::short};
use crate::{
    message::{RunId, RunOpen},
    queue::{QueueError, QueueName},
};

/// Claims the name for a run; harmless if it has it already, so that it can be tried again. Call it with the `submit` lock
/// held. Gives whether the run has the name; another may.
///
/// # Errors
/// The broker is out of reach.
pub async fn claim(queue: &RabbitQueue, run: &RunOpen) -> Result<bool, QueueError> {
    if let Some(holder) = queue.peek(QueueName::Run).await? {
        return Ok(is_of(&holder, &run.run_id));
    }
    let properties = BasicProperties::default().with_delivery_mode(2);
    // Plain data with string keys: writing it cannot fail.
    let body = serde_json::to_vec(run).unwrap_or_default();
    queue.publish_bytes(QueueName::Run, &body, properties).await?;
    Ok(true)
}

/// Whether the run has the name.
///
/// # Errors
/// The broker is out of reach.
pub async fn is_held_by(queue: &RabbitQueue, run_id: &RunId) -> Result<bool, QueueError> {
    let holder = queue.peek(QueueName::Run).await?;
    Ok(holder.is_some_and(|holder| is_of(&holder, run_id)))
}

/// How the run that has the name was opened, if one has.
///
/// # Errors
/// The broker is out of reach.
pub async fn holder(queue: &RabbitQueue) -> Result<Option<RunOpen>, QueueError> {
    let holder = queue.peek(QueueName::Run).await?;
    Ok(holder.and_then(|holder| serde_json::from_slice(&holder).ok()))
}

fn is_of(holder: &[u8], run_id: &RunId) -> bool {
    serde_json::from_slice::<RunOpen>(holder).is_ok_and(|holder| holder.run_id == *run_id)
}

/// Gives the name free: the run is done.
///
/// # Errors
/// The broker is out of reach.
pub async fn release(queue: &RabbitQueue) -> Result<(), QueueError> {
    empty(queue, QueueName::Run).await
}

/// Deletes what waits in a queue; only for who has the name.
///
/// # Errors
/// The broker is out of reach.
pub async fn empty(queue: &RabbitQueue, name: QueueName) -> Result<(), QueueError> {
    let channel = queue.inner.publish.get().await?;
    let name = short(&queue.topology().queue(name))?;
    answered(channel.queue_purge(name, QueuePurgeOptions::default())).await?;
    channel.give_back();
    Ok(())
}
