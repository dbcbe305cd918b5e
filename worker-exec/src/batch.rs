//! Quick attempts, several at a time: a sandbox that has the next program at hand need not wait for this process between
//! two, and an engine in between is asked less often.

use std::{
    iter,
    sync::{Arc, Mutex as Cell, PoisonError},
    time::Duration,
};

use pipeline::stage::StageError;
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinSet,
};

use crate::{
    answer::{Answer, End},
    job::Job,
    lease::Leases,
};

/// Most attempts that a sandbox is sent at once. Each is short by its limits, so that one that hangs holds the others of
/// its batch up for a moment only.
pub const MOST: usize = 8;

const CLOSE_DEADLINE: Duration = Duration::from_secs(3);

/// Answer and end of each process.
pub type Ended = Vec<(Answer, End)>;

/// Attempts on their way to a sandbox.
pub struct Batches {
    queue: Cell<Option<mpsc::UnboundedSender<Attempt>>>,
    tasks: Mutex<JoinSet<()>>,
}

struct Attempt {
    message: Vec<u8>,
    programs: usize,
    reply: oneshot::Sender<Result<Ended, StageError>>,
}

impl Batches {
    /// For all sandboxes of `leases`.
    pub fn new(leases: &Arc<Leases>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut tasks = JoinSet::new();
        for _ in 0..leases.slots() {
            tasks.spawn(run(Arc::clone(leases), Arc::clone(&receiver)));
        }
        Self { queue: Cell::new(Some(sender)), tasks: Mutex::new(tasks) }
    }

    /// Runs the processes one after another in one sandbox. None where the sandbox broke, for whatever reason: then only
    /// an attempt of its own tells whether these processes had a part in it.
    ///
    /// # Errors
    /// [`StageError::Unavailable`]: there is no sandbox.
    pub async fn attempt(&self, jobs: &[Job<'_>]) -> Result<Option<Ended>, StageError> {
        let (reply, answer) = oneshot::channel();
        let attempt = Attempt { message: jobs.iter().flat_map(Job::message).collect(), programs: jobs.len(), reply };
        let sent = self.queue().as_ref().map(|queue| queue.send(attempt));
        if !matches!(sent, Some(Ok(()))) {
            return Err(StageError::Unavailable("the sandboxes are being closed".into()));
        }
        // What breaks drops the reply.
        answer.await.ok().transpose()
    }

    /// Takes no more attempts, and waits a little for those that run: nobody may be left who wants to know.
    pub async fn close(&self) {
        *self.queue() = None;
        let mut tasks = self.tasks.lock().await;
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(CLOSE_DEADLINE, ended).await.is_err() {
            tasks.shutdown().await;
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Option<mpsc::UnboundedSender<Attempt>>> {
        // Nothing panics while it holds the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one sandbox at a time does, until the queue is closed.
async fn run(leases: Arc<Leases>, queue: Arc<Mutex<mpsc::UnboundedReceiver<Attempt>>>) {
    loop {
        let batch: Vec<_> = {
            let mut queue = queue.lock().await;
            let Some(first) = queue.recv().await else { return };
            // A fair share: the other sandboxes are not to stand idle.
            let more = (queue.len() / leases.slots()).min(MOST - 1);
            iter::once(first).chain(iter::from_fn(|| queue.try_recv().ok()).take(more)).collect()
        };
        let mut lease = match leases.get().await {
            Ok(lease) => lease,
            Err(error) => {
                for attempt in batch {
                    drop(attempt.reply.send(Err(error.clone())));
                }
                continue;
            }
        };
        let programs = batch.iter().map(|attempt| attempt.programs).sum();
        let message: Vec<u8> = batch.iter().flat_map(|attempt| &attempt.message).copied().collect();
        match lease.run_messages(&message, programs).await {
            Ok(ended) => {
                let mut ended = ended.into_iter();
                for attempt in batch {
                    let its = ended.by_ref().take(attempt.programs).collect();
                    // Whoever asked may have gone.
                    drop(attempt.reply.send(Ok(its)));
                }
            }
            Err(error) => tracing::warn!(error = format!("{error:#}"), "a sandbox broke; its programs are run again"),
        }
    }
}
