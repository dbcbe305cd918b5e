//! The containers of this process on an engine, and those that processes left behind which are no more: one that was
//! killed could not remove its own.

use std::{
    collections::{HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bollard::{
    Docker as Engine,
    errors::Error,
    models::ContainerSummary,
    query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder},
};
use futures_util::{StreamExt, stream};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::task::TaskTracker;

use super::engine::ask;

/// Says whose a container is: `host/pid namespace:pid:start of the process in clock ticks`.
const OWNER: &str = "case2code.owner";
/// Says which of the backends within that process.
const BACKEND: &str = "case2code.backend";
/// How long an engine may take to end and remove a container.
const REMOVAL_DEADLINE: Duration = Duration::from_secs(30);
/// How long the end of a process waits for all removals: less than what it is granted after a SIGTERM.
const CLOSE_DEADLINE: Duration = Duration::from_secs(15);
/// Removals at once.
const REMOVALS: usize = 4;

/// The containers of one backend.
pub struct Containers {
    engine: Engine,
    backend: u64,
    next: AtomicU64,
    /// Names of those that somebody holds.
    held: Mutex<HashSet<String>>,
    removals: TaskTracker,
    /// Whether there may be one that nobody holds: a creation was cut short or a removal failed.
    lost: AtomicBool,
}

impl Containers {
    /// None as yet.
    pub fn new(engine: Engine) -> Arc<Self> {
        static BACKENDS: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            engine,
            backend: BACKENDS.fetch_add(1, Ordering::Relaxed),
            next: AtomicU64::new(0),
            held: Mutex::default(),
            removals: TaskTracker::new(),
            lost: AtomicBool::new(false),
        })
    }

    /// Labels of each of them.
    pub fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(OWNER.to_owned(), owner()), (BACKEND.to_owned(), self.backend.to_string())])
    }

    /// A name for a container that is about to be created. It is known before the engine is asked, so that a container
    /// whose creation is cut short can be found.
    pub fn hold(self: &Arc<Self>) -> Held {
        let process = blake3::hash(owner().as_bytes()).to_hex();
        let (backend, number) = (self.backend, self.next.fetch_add(1, Ordering::Relaxed));
        let name = format!("case2code-{}-{backend}-{number}", &process[..12]);
        self.held().insert(name.clone());
        Held { containers: Arc::clone(self), name, created: false }
    }

    /// Does something in the background that [`Self::close`] waits for.
    pub fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the process is ending: its containers end with their stdin, and remove themselves.
        if let Ok(runtime) = Handle::try_current() {
            self.removals.spawn_on(work, &runtime);
        }
    }

    /// Removes what was lost, now that the engine answers again.
    pub fn find_lost(self: &Arc<Self>) {
        if self.lost.swap(false, Ordering::Relaxed) {
            let containers = Arc::clone(self);
            self.in_background(async move { containers.remove_unheld().await });
        }
    }

    /// Waits until nothing of this backend is left on the engine. An engine that is gone is not waited for long.
    pub async fn close(&self) {
        let all = async {
            self.removals.close();
            self.removals.wait().await;
            self.held().clear();
            self.remove_unheld().await;
        };
        if timeout(CLOSE_DEADLINE, all).await.is_err() {
            tracing::warn!("the engine does not answer: containers may be left until the next start");
        }
    }

    async fn remove_unheld(&self) {
        let filters = vec![format!("{OWNER}={}", owner()), format!("{BACKEND}={}", self.backend)];
        let Ok(listed) = list(&self.engine, filters).await else {
            self.lost.store(true, Ordering::Relaxed);
            return;
        };
        let held = self.held().clone();
        let is_held = |name: &String| held.contains(name.trim_start_matches('/'));
        let unheld = listed.into_iter().filter(|one| !one.names.iter().flatten().any(is_held));
        remove_all(&self.engine, unheld.filter_map(|one| one.id)).await;
    }

    fn held(&self) -> MutexGuard<'_, HashSet<String>> {
        // Nothing panics while it holds the lock; the set is whole even if something did.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A container's name. Dropping it removes the container.
pub struct Held {
    containers: Arc<Containers>,
    /// What the engine knows it by.
    pub name: String,
    /// Whether the engine has said that it exists.
    pub created: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (containers, name) = (Arc::clone(&self.containers), std::mem::take(&mut self.name));
        containers.held().remove(&name);
        if !self.created {
            containers.lost.store(true, Ordering::Relaxed);
        }
        let removal = Arc::clone(&containers);
        containers.in_background(async move {
            if !remove_one(&removal.engine, &name).await {
                removal.lost.store(true, Ordering::Relaxed);
            }
        });
    }
}

/// Removes containers of processes of this host that have ended. An engine that refuses is none the worse for it.
pub async fn remove(engine: &Engine) {
    let listed = list(engine, vec![OWNER.to_owned()]).await.unwrap_or_default();
    let left = listed.into_iter().filter_map(|one| {
        let owner = one.labels.unwrap_or_default().remove(OWNER).unwrap_or_default();
        is_dead(&owner).then(|| tracing::info!(owner, "removing a container that was left behind"))?;
        one.id
    });
    remove_all(engine, left).await;
}

async fn list(engine: &Engine, labels: Vec<String>) -> anyhow::Result<Vec<ContainerSummary>> {
    let filters = HashMap::from([("label", labels)]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    ask("the engine lists no containers", engine.list_containers(Some(options))).await
}

async fn remove_all(engine: &Engine, ids: impl Iterator<Item = String>) {
    stream::iter(ids).for_each_concurrent(REMOVALS, |id| async move { _ = remove_one(engine, &id).await }).await;
}

/// Ends and removes one container; one that is not there, or removes itself meanwhile, is fine. False if that is unknown.
async fn remove_one(engine: &Engine, name: &str) -> bool {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match timeout(REMOVAL_DEADLINE, engine.remove_container(name, Some(options))).await {
        Ok(Ok(())) | Ok(Err(Error::DockerResponseServerError { status_code: 404 | 409, .. })) => true,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a container was not removed");
            false
        }
        Err(_) => false,
    }
}

fn owner() -> String {
    let pid = std::process::id();
    format!("{}:{pid}:{}", host(), started(pid).unwrap_or_default())
}

/// Whether a process of this host was the owner and has ended. Other hosts may share an engine: theirs are left alone.
fn is_dead(owner: &str) -> bool {
    let mut parts = owner.rsplitn(3, ':');
    let (Some(start), Some(Ok(pid)), Some(owner_host)) =
        (parts.next(), parts.next().map(str::parse::<u32>), parts.next())
    else {
        return false;
    };
    owner_host == host() && started(pid).as_deref() != Some(start)
}

/// Where pids mean what they mean here: workers in containers may have one name and one engine, and each be pid 1.
fn host() -> String {
    let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let pids = fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino());
    format!("{name}/{pids}")
}

/// Field 22 of `/proc/PID/stat`; the second field holds the name in parentheses, which may hold anything.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}
