//! `case2code purge`: the end of a run on the broker, with all that is still in its queues.

use std::io::{IsTerminal, Write, stderr, stdin};

use pipeline::{
    error::Failure,
    queue::{
        QueueName,
        rabbitmq::{BrokerSettings, RabbitQueue},
    },
};

/// Whether it may go ahead.
#[derive(Clone, Copy, Debug)]
pub struct Consent {
    /// Without a question.
    pub yes: bool,
    /// Even under the hands of processes that work on the run.
    pub force: bool,
}

/// Deletes the run's queues, after a question; gives how many messages were in them.
///
/// # Errors
/// No such run; processes that work on it, or no consent ([`Failure::Usage`]).
pub async fn purge(broker: &BrokerSettings, consent: Consent) -> Result<u64, Failure> {
    let queue = RabbitQueue::connect_to_existing(broker, "purge").await?;
    let (mut messages, mut consumers) = (0, 0);
    for name in QueueName::ALL {
        let depth = queue.depth(name).await.map_err(anyhow::Error::from)?;
        if !matches!(name, QueueName::Run | QueueName::Progress) {
            messages += u64::from(depth.ready);
        }
        consumers += depth.consumers;
    }
    let run = broker.run_name()?;
    if !consent.force {
        for role in ["submit", "sink"] {
            if queue.is_locked(role).await.map_err(anyhow::Error::from)? {
                return Err(Failure::Usage(format!("a `{role}` works on run {run}: stop it first, or give --force")));
            }
        }
        if consumers > 0 {
            let what = format!("run {run} has {consumers} consumers: stop its workers first, or give --force");
            return Err(Failure::Usage(what));
        }
    }
    if !consent.yes && !agreed(run, messages)? {
        return Err(Failure::Usage("nothing was deleted".into()));
    }
    queue.delete().await.map_err(anyhow::Error::from)?;
    Ok(messages)
}

fn agreed(run: &str, messages: u64) -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        let lost =
            if messages == 0 { "its queues are empty".into() } else { format!("{messages} messages would be lost") };
        return Err(Failure::Usage(format!("run {run}: {lost}; give --yes to delete it")));
    }
    let mut answer = String::new();
    let asked = write!(stderr(), "Delete run {run}, with {messages} messages in its queues? [y/N] ");
    asked.and_then(|()| stdin().read_line(&mut answer)).map_err(anyhow::Error::from)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
