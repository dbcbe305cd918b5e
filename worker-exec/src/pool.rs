//! Open sandboxes, one active program each; a new one takes the place of one that is used up or suspect.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};

use crate::{sandbox::Sandbox, session::Session};

/// Programs after which a sandbox is retired.
const PROGRAMS_PER_SANDBOX: u64 = 5000;

/// Opens sandboxes for the pool and says which are used up.
pub struct Sandboxes {
    sandbox: Arc<dyn Sandbox>,
    opened: AtomicU64,
}

/// A pool of open sandboxes.
pub type Pool = deadpool::managed::Pool<Sandboxes>;
/// One of them, given back when dropped.
pub type Lease = Object<Sandboxes>;

/// A pool of at most `slots` open sandboxes; they are opened as they are needed.
///
/// # Errors
/// Never with a positive number of slots.
pub fn new(sandbox: Arc<dyn Sandbox>, slots: usize) -> anyhow::Result<Pool> {
    Ok(Pool::builder(Sandboxes { sandbox, opened: AtomicU64::new(0) }).max_size(slots).build()?)
}

impl Sandboxes {
    /// How many were opened so far, those that did not come up among them.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Manager for Sandboxes {
    type Type = Session;
    type Error = anyhow::Error;

    async fn create(&self) -> Result<Session, anyhow::Error> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Session::open(self.sandbox.as_ref()).await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<anyhow::Error> {
        if let Some(anomaly) = &session.retired {
            tracing::info!(anomaly, programs = session.served, "retiring a sandbox");
            return Err(RecycleError::message(anomaly.clone()));
        }
        if session.served >= PROGRAMS_PER_SANDBOX {
            return Err(RecycleError::message("it has run its number of programs"));
        }
        Ok(())
    }
}
