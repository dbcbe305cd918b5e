//! Open sandboxes, one active program each. The successor of one that is used up or suspect is opened in the background,
//! so that the slot that comes back for it need not wait.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

use crate::{
    metrics::{Counted, ExecMetrics, Retirement},
    sandbox::Sandbox,
    session::Session,
};

/// Programs between two with a known answer.
const CHECK_EVERY: u64 = 100;
/// A sandbox that nobody asked anything for so long proves itself again: its container may be gone.
const CHECK_AFTER: Duration = Duration::from_secs(1);
/// How long a program with a known answer may take, on a machine under load.
const CHECK_DEADLINE: Duration = Duration::from_secs(10);
/// Successors at once, being opened or ready: there are never more sandboxes than slots and these.
const MAX_SPARES: usize = 2;
/// So many programs before the last one the successor is begun; more than run while a container starts.
const LEAD: u64 = 500;

/// A pool of open sandboxes.
pub type Pool = deadpool::managed::Pool<Sandboxes, Lease>;

/// A pool of at most `slots` open sandboxes, each for at most `programs` programs (0: any number); they are opened as
/// they are needed.
///
/// # Errors
/// Never with a positive number of slots.
pub fn new(sandbox: Arc<dyn Sandbox>, slots: usize, programs: u64) -> anyhow::Result<Pool> {
    let metrics = ExecMetrics::unregistered()?;
    metrics.slots.set(i64::try_from(slots).unwrap_or(i64::MAX));
    let sandboxes = Sandboxes { sandbox, programs, spares: Mutex::default(), opened: AtomicU64::new(0), metrics };
    Ok(Pool::builder(sandboxes).max_size(slots).build()?)
}

/// Opens sandboxes for the pool and says which are used up.
pub struct Sandboxes {
    sandbox: Arc<dyn Sandbox>,
    programs: u64,
    spares: Mutex<VecDeque<JoinHandle<anyhow::Result<Session>>>>,
    opened: AtomicU64,
    metrics: ExecMetrics,
}

/// A sandbox as the pool knows it.
pub struct Pooled {
    session: Session,
    /// `served` when it last gave a known answer.
    checked: u64,
    /// Whether its successor has been begun.
    succeeded: bool,
    /// Whether it failed to give a known answer.
    failed_check: bool,
}

/// One of the pool's sandboxes, given back when dropped.
pub struct Lease {
    /// Only `drop` takes it.
    object: Option<Object<Sandboxes>>,
    _busy: Option<Counted>,
}

impl Sandboxes {
    /// What is counted of them.
    pub fn metrics(&self) -> &ExecMetrics {
        &self.metrics
    }

    /// How many were opened so far, those that did not come up among them.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Begins a successor, unless there are enough of them. Nothing happens where no runtime is left.
    fn begin_spare(&self) -> bool {
        let (Ok(runtime), mut spares) = (Handle::try_current(), self.spares()) else { return false };
        if spares.len() >= MAX_SPARES {
            return false;
        }
        self.opened.fetch_add(1, Ordering::Relaxed);
        let (sandbox, metrics) = (Arc::clone(&self.sandbox), self.metrics.clone());
        spares.push_back(runtime.spawn(async move {
            let opened = open(sandbox.as_ref(), &metrics).await;
            if let Err(error) = &opened {
                tracing::warn!(error = format!("{error:#}"), "the successor of a sandbox did not open");
            }
            opened
        }));
        true
    }

    /// Ends all successors, and waits until each has let go of what it holds.
    pub async fn close(&self) {
        let spares = std::mem::take(&mut *self.spares());
        for spare in spares {
            spare.abort();
            drop(spare.await);
        }
    }

    /// The successor that was begun first. It proves itself again if it had to wait.
    async fn spare(&self) -> Option<anyhow::Result<Session>> {
        let spare = self.spares().pop_front()?;
        let waited = spare.is_finished();
        let mut session = match spare.await.context("the opening of a sandbox was cut short").flatten() {
            Ok(session) => session,
            Err(error) => return Some(Err(error)),
        };
        if waited && check(&mut session).await.is_err() {
            return None;
        }
        Some(Ok(session))
    }

    fn spares(&self) -> std::sync::MutexGuard<'_, VecDeque<JoinHandle<anyhow::Result<Session>>>> {
        // Nothing panics while it holds the lock; the list is whole even if something did.
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why this one must not run another program.
    fn end_of(&self, session: &Session) -> Option<String> {
        let used_up = self.programs > 0 && session.served >= self.programs;
        session.retired.clone().or_else(|| used_up.then(|| "it has run its number of programs".to_owned()))
    }

    /// Whether its end is near enough for a successor to be begun.
    fn ends_soon(&self, session: &Session) -> bool {
        self.programs > 0 && session.served + LEAD.min(self.programs.div_ceil(4)) >= self.programs
    }
}

impl Manager for Sandboxes {
    type Type = Pooled;
    type Error = anyhow::Error;

    async fn create(&self) -> Result<Pooled, anyhow::Error> {
        let session = match self.spare().await {
            Some(session) => session?,
            None => {
                self.opened.fetch_add(1, Ordering::Relaxed);
                open(self.sandbox.as_ref(), &self.metrics).await?
            }
        };
        Ok(Pooled { checked: session.served, session, succeeded: false, failed_check: false })
    }

    async fn recycle(&self, pooled: &mut Pooled, metrics: &Metrics) -> RecycleResult<anyhow::Error> {
        if pooled.session.served < pooled.checked + CHECK_EVERY && metrics.last_used() < CHECK_AFTER {
            return Ok(());
        }
        pooled.prove().await.map_err(|error| {
            self.metrics.retire(Retirement::FailedCheck);
            RecycleError::Backend(error)
        })
    }
}

impl Pooled {
    /// Has it run a program whose answer is known.
    ///
    /// # Errors
    /// It gave another answer, or none: it must not be used again.
    async fn prove(&mut self) -> anyhow::Result<()> {
        let programs = self.session.served;
        let checked = check(&mut self.session).await;
        if let Err(error) = &checked {
            self.failed_check = true;
            tracing::warn!(error = format!("{error:#}"), programs, "retiring a sandbox: it failed its check");
        }
        self.checked = self.session.served;
        checked
    }
}

/// Opens one, and counts.
async fn open(sandbox: &dyn Sandbox, metrics: &ExecMetrics) -> anyhow::Result<Session> {
    metrics.opened.inc();
    let begun = Instant::now();
    match Session::open(sandbox, metrics).await {
        Ok(session) => {
            metrics.opening.observe(begun.elapsed().as_secs_f64());
            Ok(session)
        }
        Err(error) => {
            metrics.failed_to_open.inc();
            Err(error)
        }
    }
}

async fn check(session: &mut Session) -> anyhow::Result<()> {
    let checked = match timeout(CHECK_DEADLINE, session.check()).await {
        Ok(checked) => checked,
        Err(_) => Err(anyhow::anyhow!("no answer within {} s", CHECK_DEADLINE.as_secs())),
    };
    match (&checked, &session.retired) {
        (Err(error), _) => session.retired = Some(format!("{error:#}")),
        (Ok(()), Some(anomaly)) => anyhow::bail!("{anomaly}"),
        (Ok(()), None) => {}
    }
    checked
}

impl From<Object<Sandboxes>> for Lease {
    fn from(object: Object<Sandboxes>) -> Self {
        let _busy = Object::pool(&object).map(|pool| Counted::new(&pool.manager().metrics.busy));
        Self { object: Some(object), _busy }
    }
}

impl Lease {
    /// Has the sandbox run a program whose answer is known. One that fails is not used again.
    pub async fn is_sound(&mut self) -> bool {
        self.object_mut().prove().await.is_ok()
    }

    fn object(&self) -> &Object<Sandboxes> {
        self.object.as_ref().expect("only `drop` takes it")
    }

    fn object_mut(&mut self) -> &mut Object<Sandboxes> {
        self.object.as_mut().expect("only `drop` takes it")
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.object().session
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.object_mut().session
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        let Some(pool) = Object::pool(&object).filter(|pool| !pool.is_closed()) else { return };
        let end = pool.manager().end_of(&object.session);
        if !object.succeeded && (end.is_some() || pool.manager().ends_soon(&object.session)) {
            object.succeeded = pool.manager().begin_spare();
        }
        if let Some(reason) = end {
            tracing::info!(reason, programs = object.session.served, "retiring a sandbox");
            pool.manager().metrics.retire(match object.failed_check {
                true => Retirement::FailedCheck,
                false if object.session.retired.is_some() => Retirement::Anomaly,
                false => Retirement::UsedUp,
            });
            // Its place is free from here on: who waits for it gets the successor.
            drop(Object::take(object));
        }
    }
}
