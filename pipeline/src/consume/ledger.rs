//! Which items a worker has in hand, and which it has handed on: what comes again meanwhile is not worked twice.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::message::{Address, Message};

/// Results that a worker remembers, to acknowledge redeliveries of what it has already handed on.
const REMEMBERED: usize = 10_000;

/// What tells pieces of work apart: an item comes to a stage again, with another body, when its inputs are mended.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Work {
    address: Address,
    body: u64,
}

impl Work {
    fn of(message: &Message) -> Self {
        let mut hasher = DefaultHasher::new();
        (message.record_type, &message.body).hash(&mut hasher);
        Self { address: message.address.clone(), body: hasher.finish() }
    }
}

/// The items of one worker.
#[derive(Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// Items in hand; whoever waits for one is woken when its sender is dropped.
    in_hand: HashMap<Work, watch::Sender<()>>,
    /// The last [`REMEMBERED`] items whose results were confirmed.
    confirmed: HashSet<Work>,
    order: VecDeque<Work>,
}

/// An item in hand, until it is dropped.
pub struct InHand<'a> {
    ledger: &'a Ledger,
    work: Work,
}

impl Ledger {
    /// Takes an item in hand; waits where another delivery of it is. `None`: it comes again although its result is
    /// confirmed already. A message that is not `redelivered` is never that: whoever published it anew wants it worked.
    pub async fn take(&self, message: &Message, redelivered: bool) -> Option<InHand<'_>> {
        let work = Work::of(message);
        loop {
            let mut ended = {
                let mut entries = self.entries();
                if redelivered && entries.confirmed.contains(&work) {
                    return None;
                }
                match entries.in_hand.get(&work) {
                    Some(other) => other.subscribe(),
                    None => {
                        entries.in_hand.insert(work.clone(), watch::channel(()).0);
                        return Some(InHand { ledger: self, work });
                    }
                }
            };
            // Nothing is ever sent: this is the end of the other delivery.
            let _ = ended.changed().await;
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Whole at every moment, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InHand<'_> {
    /// Its result is the queue's to keep.
    pub fn confirmed(&self) {
        let mut entries = self.ledger.entries();
        if entries.confirmed.insert(self.work.clone()) {
            entries.order.push_back(self.work.clone());
        }
        if entries.order.len() > REMEMBERED
            && let Some(oldest) = entries.order.pop_front()
        {
            entries.confirmed.remove(&oldest);
        }
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.ledger.entries().in_hand.remove(&self.work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{RecordType, RunId};

    #[tokio::test]
    async fn an_item_that_comes_again_with_another_body_is_other_work() {
        let ledger = Ledger::default();
        let address = Address { run_id: RunId("r".into()), seed: 0, shard: 0, index: 1 };
        let first = Message::new(RecordType::GeneratedInputs, address.clone(), &"first");
        let mended = Message::new(RecordType::GeneratedInputs, address, &"mended");
        if let Some(in_hand) = ledger.take(&first, false).await {
            in_hand.confirmed();
        }
        assert!(ledger.take(&first, true).await.is_none(), "it was handed on");
        assert!(ledger.take(&mended, true).await.is_some(), "it was not");
    }
}
