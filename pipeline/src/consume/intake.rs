//! Where a loop takes its deliveries from: one queue, or two of which one goes first.

use std::time::Duration;

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::Route;
use crate::queue::{Consumer, Delivery, Queue, QueueError, QueueName};

/// How long a narrow intake looks at the queue that goes first before it looks at the other.
const FIRST_TURN: Duration = Duration::from_millis(200);

/// How long it looks at the other.
const TURN: Duration = Duration::from_secs(1);

type Next = Result<Option<Delivery>, QueueError>;

/// The deliveries of a route.
pub(super) enum Intake<Q> {
    /// One delivery at a time, from one queue at a time: `source`, until it is the `turn` of the other.
    Narrow { queue: Q, route: Route, source: Source, turn: Turn },
    /// Many at once; those of the first queue go first.
    Wide(Vec<Source>),
}

/// Whether a narrow intake stays with its queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Stays,
    Ends,
}

/// One queue, taken from by a task of its own: a consumer that is being built again must not be disturbed by what
/// comes from another.
pub(super) struct Source {
    from: QueueName,
    deliveries: mpsc::Receiver<Next>,
    retire: CancellationToken,
    task: JoinHandle<()>,
}

impl<Q: Queue> Intake<Q> {
    /// Takes one delivery at a time.
    pub async fn narrow(queue: &Q, route: Route) -> Result<Self, QueueError> {
        let source = Source::open(queue, route.from, 1).await?;
        Ok(Self::Narrow { queue: queue.clone(), route, source, turn: Turn::Stays })
    }

    /// Takes up to `prefetch` of each queue.
    pub async fn wide(queue: &Q, route: Route, prefetch: u16) -> Result<Self, QueueError> {
        let mut sources = Vec::new();
        for from in route.first.into_iter().chain([route.from]) {
            sources.push(Source::open(queue, from, prefetch).await?);
        }
        Ok(Self::Wide(sources))
    }

    /// The next delivery; none once every queue is closed and empty. May be dropped and called again.
    pub async fn next(&mut self) -> Next {
        match self {
            Self::Narrow { queue, route, source, turn } => {
                let Some(first) = route.first else { return source.next().await };
                let mut closed = false;
                loop {
                    if *turn == Turn::Ends {
                        let other = if source.from == first { route.from } else { first };
                        let other = Source::open(queue, other, 1).await?;
                        *turn = Turn::Stays;
                        std::mem::replace(source, other).retire().await;
                    }
                    let patience = if source.from == first { FIRST_TURN } else { TURN };
                    let taken = tokio::time::timeout(patience, source.next()).await;
                    if source.from != first || !matches!(taken, Ok(Ok(Some(_)))) {
                        *turn = Turn::Ends;
                    }
                    match taken {
                        Ok(Ok(None)) if !closed => closed = true,
                        Ok(next) => return next,
                        Err(_) => closed = false,
                    }
                }
            }
            Self::Wide(sources) => loop {
                let (at, next) = match &mut sources[..] {
                    [] => return Ok(None),
                    [only] => (0, only.next().await),
                    [first, second, ..] => tokio::select! {
                        biased;
                        next = first.next() => (0, next),
                        next = second.next() => (1, next),
                    },
                };
                if !matches!(next, Ok(None)) {
                    return next;
                }
                sources.remove(at);
            },
        }
    }

    /// Takes no more; what nobody was given yet goes back.
    pub async fn retire(self) {
        match self {
            Self::Narrow { source, .. } => source.retire().await,
            Self::Wide(sources) => {
                for source in sources {
                    source.retire().await;
                }
            }
        }
    }
}

impl Source {
    async fn open(queue: &impl Queue, from: QueueName, prefetch: u16) -> Result<Self, QueueError> {
        let mut consumer = queue.consume(from, prefetch).await?;
        let (sender, deliveries) = mpsc::channel(1);
        let retire = CancellationToken::new();
        let retired = retire.clone();
        let task = tokio::spawn(async move {
            loop {
                let next = tokio::select! {
                    biased;
                    () = retired.cancelled() => break,
                    next = consumer.next() => next,
                };
                let last = !matches!(next, Ok(Some(_)));
                if let Err(mpsc::error::SendError(next)) = sender.send(next).await {
                    give_back(next, from).await;
                    break;
                }
                if last {
                    break;
                }
            }
            consumer.retire().await;
        });
        Ok(Self { from, deliveries, retire, task })
    }

    async fn next(&mut self) -> Next {
        self.deliveries.recv().await.unwrap_or(Ok(None))
    }

    async fn retire(mut self) {
        self.retire.cancel();
        self.deliveries.close();
        while let Some(next) = self.deliveries.recv().await {
            give_back(next, self.from).await;
        }
        // It may be in the middle of a call to the broker, which has a deadline.
        let _ = self.task.await;
    }
}

/// What nobody was given.
async fn give_back(next: Next, from: QueueName) {
    if let Ok(Some(delivery)) = next
        && let Err(error) = delivery.receipt.give_back().await
    {
        tracing::debug!(%error, queue = %from, "not given back; the queue delivers it again");
    }
}
