//! Which run a name stands for: `{prefix}.run` holds the run's id from the first `submit` until the sink is done, so
//! that a second submission under the same name, from another folder or machine, is refused instead of mixed in.

use lapin::{
    BasicProperties,
    options::{BasicGetOptions, QueuePurgeOptions},
};

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
    let holder = holder(queue).await.map_err(anyhow::Error::from)?;
    match holder {
        Some(holder) if holder == run_id.0 => Ok(()),
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

/// Looks at the message without taking it: it goes back to the queue with the channel, which is closed when dropped.
async fn holder(queue: &RabbitQueue) -> Result<Option<String>, QueueError> {
    let channel = queue.inner.publish.get().await?;
    let name = short(&queue.topology().queue(QueueName::Run))?;
    let got = answered(channel.basic_get(name, BasicGetOptions { no_ack: false })).await?;
    Ok(got.map(|got| String::from_utf8_lossy(&got.delivery.data).into_owned()))
}
