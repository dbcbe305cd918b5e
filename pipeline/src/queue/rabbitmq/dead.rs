//! What the broker itself put on `.dead` although it names an item of the run: a record that came back too often, say.
//! The sink takes it from there, so that its item ends, too. What a consumer of ours set aside stays.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use lapin::{
    options::{BasicGetOptions, BasicNackOptions},
    types::FieldTable,
};
use tokio::sync::mpsc;

use super::{RabbitQueue, channels::answered, connection::short, consumer::RabbitReceipt, wire};
use crate::{
    consume::poison,
    message::{Message, RecordType, RunId},
    queue::{Delivery, QueueError, QueueName},
    reason::StageName,
};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Messages that are looked at at once.
const MOST: usize = 10_000;

/// Looks again and again, and sends what belongs to the run, until nobody listens. `run` says which that is, once known.
pub async fn watch(queue: RabbitQueue, run: impl Fn() -> Option<RunId>, to: mpsc::Sender<Delivery>) {
    let mut seen = 0;
    while !to.is_closed() {
        if let Some(run) = run() {
            match look(&queue, &run, seen, &to).await {
                Ok(left) => seen = left,
                Err(error) => tracing::debug!(%error, "cannot look at .dead"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = to.closed() => {}
        }
    }
}

/// Gives how many messages stay. Where there are as many as `seen` the last time, nothing came.
async fn look(queue: &RabbitQueue, run: &RunId, seen: u32, to: &mpsc::Sender<Delivery>) -> Result<u32, QueueError> {
    let ready = queue.depth(QueueName::Dead).await?.ready;
    if ready == seen {
        return Ok(seen);
    }
    let channel = answered(queue.link().connection().await?.create_channel()).await?;
    let name = short(&queue.topology().queue(QueueName::Dead))?;
    let (in_hand, mut left) = (Arc::new(AtomicI64::new(0)), Vec::new());
    for _ in 0..MOST {
        let Some(got) = answered(channel.basic_get(name.clone(), BasicGetOptions::default())).await? else { break };
        let mut delivery = got.delivery;
        let body = delivery.data.clone();
        let by_broker = !has_reason(delivery.properties.headers().as_ref());
        let ours = |message: &Message| message.address.run_id == *run;
        match wire::message(&mut delivery).ok().filter(|message| by_broker && ours(message)).and_then(ending) {
            Some(message) => {
                let receipt = RabbitReceipt::new(queue.clone(), QueueName::Dead, delivery, body, Arc::clone(&in_hand));
                let delivery =
                    Delivery { message: Ok(message), delivery_count: 0, waited: None, receipt: Box::new(receipt) };
                let _ = to.send(delivery).await;
            }
            None => left.push(delivery.acker),
        }
    }
    for acker in &left {
        let _ = acker.nack(BasicNackOptions { requeue: true, multiple: false }).await;
    }
    queue.inner.retired.keep(channel, in_hand).await;
    Ok(u32::try_from(left.len()).unwrap_or(u32::MAX))
}

fn has_reason(headers: Option<&FieldTable>) -> bool {
    headers.is_some_and(|headers| headers.inner().contains_key(wire::REASON))
}

/// How the item of a dead letter ends: as what the letter says where it is an outcome, else as `poison`.
fn ending(message: Message) -> Option<Message> {
    let stage = match message.record_type {
        RecordType::Function => StageName::WriteInputs,
        RecordType::GeneratedInputs | RecordType::EvaluationRequest => StageName::Execute,
        RecordType::RunOpen => return None,
        _ => return Some(message),
    };
    let function = message.function()?;
    let rejection = poison(stage, &function.id, &function);
    Some(Message::rejection(message.address, &rejection))
}
