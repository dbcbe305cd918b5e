//! Which run a name stands for: `{prefix}.run` holds the run's id from the first `submit` until the sink is done, so
//! that a second submission under the same name, from another folder or machine, is refused instead of mixed in.

use lapin::{BasicProperties, options::QueuePurgeOptions};

use super::{RabbitQueue, channels::answered, connection::short};
use crate::{
    error::Failure,
    message::RunId,
    queue::{QueueError, QueueName},
};

/// Claims the name for a run; harmless if it has it already. Call it with the `submit` lock held.
///
/// # Errors
/// The name stands for another run ([`Failure::Usage`]), or the broker is out of reach.
pub async fn claim(queue: &RabbitQueue, run_id: &RunId) -> Result<(), Failure> {
    match queue.peek(QueueName::Run).await.map_err(anyhow::Error::from)? {
        Some(holder) if holder == run_id.0.as_bytes() => Ok(()),
        Some(_) => Err(Failure::Usage(format!(
            "run `{}` is open on this broker, submitted from another --state; go on from there, or take another --run",
            queue.topology().exchange()
        ))),
        None => {
            let properties = BasicProperties::default().with_delivery_mode(2);
            let claimed = queue.publish_bytes(QueueName::Run, run_id.0.as_bytes(), properties).await;
            Ok(claimed.map_err(anyhow::Error::from)?)
        }
    }
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
