//! The queue contract: durable hand-over between stages. [`memory`] keeps it within a process, [`rabbitmq`] between
//! machines; stages and the consume loop do not know which.

pub mod memory;
pub mod rabbitmq;

use std::{fmt, future::Future, pin::Pin, time::Duration};

use crate::message::Message;

/// The queues of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueueName {
    /// Functions that wait for example inputs.
    Functions,
    /// Functions with inputs that wait for execution.
    Inputs,
    /// Outcomes and rejections on their way to the sink, and the run's control messages.
    Outcomes,
    /// Inputs that a model is to mend; never capped, consumed first.
    Repairs,
    /// Where functions wait before another attempt.
    FunctionsRetry,
    /// Where inputs wait before another attempt.
    InputsRetry,
    /// What cannot be attributed to an item.
    Dead,
    /// One message: the id of the run that is open.
    Run,
    /// One message: where the run stands, as its sink last said.
    Progress,
}

impl QueueName {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Functions,
        Self::Inputs,
        Self::Outcomes,
        Self::Repairs,
        Self::FunctionsRetry,
        Self::InputsRetry,
        Self::Dead,
        Self::Run,
        Self::Progress,
    ];

    /// The part after `{prefix}.`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Functions => "functions",
            Self::Inputs => "inputs",
            Self::Outcomes => "outcomes",
            Self::Repairs => "repairs",
            Self::FunctionsRetry => "functions.retry",
            Self::InputsRetry => "inputs.retry",
            Self::Dead => "dead",
            Self::Run => "run",
            Self::Progress => "progress",
        }
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The broker is out of reach, or did not answer in time. Worth trying again.
    #[error("{0}")]
    Unavailable(String),
    /// The broker refuses, and will refuse again: credentials, rights, a queue declared with other arguments.
    #[error("{0}")]
    Refused(String),
    /// Another process has the role. Worth trying again only once that one is gone.
    #[error("another process works on this run: it has the lock `{0}`")]
    Taken(String),
    /// There is no such run.
    #[error("{0}")]
    Unknown(String),
}

/// Durable hand-over.
pub trait Queue: Clone + Send + Sync + 'static {
    /// A stream of deliveries.
    type Consumer: Consumer;

    /// Hands a message over. `Ok` means that it is the queue's to keep: persisted and confirmed, for a broker. `Err`
    /// means that it may or may not have arrived; publishing the same bytes again is safe.
    fn publish(&self, to: QueueName, message: &Message) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Opens a stream with at most `prefetch` deliveries that are neither acknowledged nor given back.
    fn consume(
        &self,
        from: QueueName,
        prefetch: u16,
    ) -> impl Future<Output = Result<Self::Consumer, QueueError>> + Send;
}

/// A stream of deliveries.
pub trait Consumer: Send + 'static {
    /// The next delivery; `None` after the queue was closed on purpose and is empty. A broken stream is rebuilt here,
    /// or is an `Err`: it never looks like the end of work.
    fn next(&mut self) -> impl Future<Output = Result<Option<Delivery>, QueueError>> + Send;

    /// Takes no more. What this process holds and [`Self::next`] has not given yet goes back to the queue; what it has
    /// given can still be answered for.
    fn retire(self) -> impl Future<Output = ()> + Send;
}

/// A message that is ours until it is acknowledged. Dropping it leaves it with the queue, which delivers it again.
pub struct Delivery {
    /// The message; `Err` where it could not be attributed, with the reason.
    pub message: Result<Message, Unattributable>,
    /// How many times it was delivered before and came back without an answer.
    pub delivery_count: u64,
    /// Since it was published, by the clocks of both machines; none where nobody wrote that down.
    pub waited: Option<Duration>,
    /// Answers the queue.
    pub receipt: Box<dyn Receipt>,
}

/// A delivery that names no item of ours.
#[derive(Clone, Debug)]
pub struct Unattributable {
    /// What is wrong with it.
    pub reason: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// A future in a box, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The way to answer for one delivery.
pub trait Receipt: Send + Sync {
    /// Done with it. An `Err` means that the queue will deliver it again, which consumers must bear.
    fn ack(self: Box<Self>) -> BoxFuture<'static, Result<(), QueueError>>;

    /// Not done: back to the queue, as soon as possible.
    fn give_back(self: Box<Self>) -> BoxFuture<'static, Result<(), QueueError>>;

    /// Sets an unattributable body aside with its reason, then acknowledges.
    fn set_aside(self: Box<Self>, aside: Unattributable) -> BoxFuture<'static, Result<(), QueueError>>;
}
