//! `case2code dead`: what could not be attributed to an item of the run.

use pipeline::{
    error::Failure,
    queue::rabbitmq::{BrokerSettings, RabbitQueue, inspect::DeadLetter},
};

/// The oldest messages of `.dead`, which stay there.
///
/// # Errors
/// No such run, or a broker that is out of reach.
pub async fn dead(broker: &BrokerSettings, most: usize) -> Result<Vec<DeadLetter>, Failure> {
    let queue = RabbitQueue::connect_to_existing(broker, "dead").await?;
    Ok(queue.dead(most).await.map_err(anyhow::Error::from)?)
}

/// A line and the beginning of the body for each.
pub fn table(letters: &[DeadLetter]) -> String {
    let mut text = String::new();
    for DeadLetter { reason, record_type, run_id, shard, index, bytes, body } in letters {
        let of = |number: &Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
        let (kind, run) = (record_type.as_deref().unwrap_or("-"), run_id.as_deref().unwrap_or("-"));
        // Whoever may publish wrote these: a terminal must not obey them.
        let (kind, run, reason) = (kind.escape_debug(), run.escape_debug(), reason.escape_debug());
        text.push_str(&format!(
            "{kind}  run {run}  shard {}  index {}  {bytes} bytes: {reason}\n",
            of(shard),
            of(index)
        ));
        text.push_str(&format!("    {}\n", body.escape_debug()));
    }
    if letters.is_empty() {
        text.push_str("nothing was set aside\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use pipeline::queue::rabbitmq::inspect::DeadLetter;

    #[test]
    fn no_word_of_a_stranger_reaches_the_terminal_as_it_is() {
        let evil = "\x1b[2J\nfunction";
        let letter = DeadLetter {
            reason: evil.into(),
            record_type: Some(evil.into()),
            run_id: Some(evil.into()),
            shard: None,
            index: None,
            bytes: 1,
            body: evil.into(),
        };
        let text = super::table(&[letter]);
        assert!(!text.contains('\x1b') && text.lines().count() == 2, "{text:?}");
    }
}
