//! Taking a sandbox of the pool, with the patience that an engine needs which is started again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::managed::PoolError;
use pipeline::stage::StageError;

use crate::{
    metrics::ExecMetrics,
    pool::{self, Lease, Pool},
    sandbox::Sandbox,
};

/// A machine that gives no sandbox is asked again for so long before the record goes back to wait in its queue: short, so
/// that a signal is answered in time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two times that it is asked.
const PAUSE: Duration = Duration::from_millis(500);

/// Sandboxes to be had.
pub struct Leases {
    sandbox: Arc<dyn Sandbox>,
    pool: Pool,
    /// Whether the last opening failed: said once when it begins and once when it is over.
    outage: AtomicBool,
}

impl Leases {
    /// Of a pool of `slots` sandboxes, each for so many programs.
    ///
    /// # Errors
    /// Never with a positive number of slots.
    pub fn new(sandbox: Arc<dyn Sandbox>, slots: usize, programs: u64) -> anyhow::Result<Self> {
        let pool = pool::new(Arc::clone(&sandbox), slots, programs)?;
        Ok(Self { sandbox, pool, outage: AtomicBool::new(false) })
    }

    /// The first one: no sandbox within the deadline, and there will be none.
    ///
    /// # Errors
    /// Why, in one sentence. Nothing that was half open is left then.
    pub async fn first(&self, deadline: Duration) -> Result<Lease, String> {
        let error = match tokio::time::timeout(deadline, self.pool.get()).await {
            Ok(Ok(first)) => return Ok(first),
            Ok(Err(error)) => words(error),
            Err(_) => format!("no sandbox opened within {} s", deadline.as_secs()),
        };
        drop(tokio::time::timeout(Duration::from_secs(1), self.close()).await);
        Err(error)
    }

    /// A sandbox; waits a little for a machine that gives none.
    ///
    /// # Errors
    /// [`StageError::Unavailable`]: it still gives none.
    pub async fn get(&self) -> Result<Lease, StageError> {
        let (begun, backend) = (Instant::now(), self.sandbox.name());
        loop {
            let error = match self.pool.get().await {
                Ok(lease) => {
                    if self.outage.swap(false, Ordering::Relaxed) {
                        tracing::info!(backend, "sandboxes open again");
                    }
                    return Ok(lease);
                }
                Err(error) => words(error),
            };
            if !self.outage.swap(true, Ordering::Relaxed) {
                tracing::warn!(backend, error, "no sandbox opens: waiting until one does");
            }
            if begun.elapsed() > PATIENCE || self.pool.is_closed() {
                return Err(StageError::Unavailable(format!("no sandbox: {error}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A sandbox that has just given a known answer: what breaks in it is not the fault of the machine.
    ///
    /// # Errors
    /// [`StageError::Unavailable`]: there is none.
    pub async fn get_sound(&self) -> Result<Lease, StageError> {
        // All that are open may have gone at once.
        for _ in 0..=self.slots() {
            let mut lease = self.get().await?;
            if lease.is_sound().await {
                return Ok(lease);
            }
        }
        Err(StageError::Unavailable("no sandbox: each one breaks as soon as it is open".into()))
    }

    /// Programs at once.
    pub fn slots(&self) -> usize {
        self.pool.status().max_size
    }

    /// What is counted of them.
    pub fn metrics(&self) -> &ExecMetrics {
        self.pool.manager().metrics()
    }

    /// How many were opened so far.
    pub fn opened(&self) -> u64 {
        self.pool.manager().opened()
    }

    /// Ends all sandboxes and waits until nothing of them is left.
    pub async fn close(&self) {
        self.pool.close();
        self.pool.manager().close().await;
        self.sandbox.close().await;
    }
}

fn words(error: PoolError<anyhow::Error>) -> String {
    match error {
        PoolError::Backend(error) => format!("{error:#}"),
        other => other.to_string(),
    }
}
