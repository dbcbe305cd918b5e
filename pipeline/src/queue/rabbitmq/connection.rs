//! One connection to the broker, made when it is first needed and made again when it breaks.

use std::{
    sync::{
        Arc, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use lapin::{
    Connection, ConnectionProperties, ErrorKind,
    types::ShortString,
    uri::{AMQPScheme, AMQPUri},
};
use tokio::sync::Mutex;

use super::{ANSWER_DEADLINE, channels::answered, lock, topology::Topology};
use crate::{error::Failure, queue::QueueError};

/// How long one try to connect may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Seconds between heartbeats: a peer that is gone without a word is noticed after two.
const HEARTBEAT_S: u16 = 15;

/// How long a lock that is taken is asked for again: the connection of a holder that was just killed takes a moment.
const TAKEN_PATIENCE: Duration = Duration::from_secs(8);

/// The same for a process that held it before. The broker notices that a connection of ours is gone after two of its
/// heartbeats at the latest; until then the holder is ourselves.
const RETAKE_PATIENCE: Duration = Duration::from_secs(120);

/// One connection and the way to make it again. Clones share it.
#[derive(Clone)]
pub struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    /// The nodes of a cluster; more than one where the URL names several.
    nodes: Vec<AMQPUri>,
    /// Which of them comes next.
    node: AtomicUsize,
    name: String,
    topology: Topology,
    /// The lock that this connection holds as long as it lives.
    lock: Option<String>,
    state: Mutex<State>,
    /// The connection of `state`, for who must not wait.
    latest: std::sync::Mutex<Weak<Connection>>,
    last_error: std::sync::Mutex<String>,
    stale: AtomicBool,
    /// The broker let us in, the queues are not there, and we may not declare them.
    no_queues: AtomicBool,
    made: AtomicU64,
}

#[derive(Default)]
struct State {
    live: Option<Arc<Connection>>,
    /// Since when another connection has had the lock.
    taken_since: Option<Instant>,
}

impl Link {
    /// A connection that is not made yet. With a `lock` (a role) it is made only together with that lock, each time.
    ///
    /// # Errors
    /// The URL does not parse: [`Failure::Usage`].
    pub fn new(urls: &str, name: String, topology: Topology, lock: Option<&str>) -> Result<Self, Failure> {
        let inner = Inner {
            nodes: each_url(urls).map(|url| uri(&url)).collect::<Result<_, _>>()?,
            node: AtomicUsize::default(),
            name,
            lock: lock.map(|role| topology.lock(role)),
            topology,
            state: Mutex::default(),
            latest: std::sync::Mutex::default(),
            last_error: std::sync::Mutex::default(),
            stale: AtomicBool::default(),
            no_queues: AtomicBool::default(),
            made: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The live connection, made now if there is none. One try, at the next node of the cluster.
    ///
    /// # Errors
    /// The broker is out of reach or refuses. What refuses after it has once let us in is taken to be on its way up.
    pub async fn connection(&self) -> Result<Arc<Connection>, QueueError> {
        let mut state = self.inner.state.lock().await;
        let stale = self.inner.stale.swap(false, Ordering::SeqCst);
        if let Some(connection) = state.live.as_ref().filter(|connection| !stale && connection.status().connected()) {
            return Ok(Arc::clone(connection));
        }
        if let Some(old) = state.live.take() {
            // Closing tells the broker to deliver again what the old connection held; the answer does not matter.
            let _ = tokio::time::timeout(Duration::from_secs(1), old.close(200, "rebuilt".into())).await;
        }
        let again = self.generation() > 0;
        let connection = match self.connect().await {
            Ok(connection) => Arc::new(connection),
            Err(QueueError::Taken(what)) => {
                let patience = if again { RETAKE_PATIENCE } else { TAKEN_PATIENCE };
                let waited = state.taken_since.get_or_insert_with(Instant::now).elapsed();
                if waited >= patience {
                    return Err(QueueError::Taken(what));
                }
                let what = format!("another process, or what is left of this one's connection, has the lock `{what}`");
                return Err(QueueError::Unavailable(what));
            }
            Err(QueueError::Refused(why)) if again => return Err(QueueError::Unavailable(why)),
            Err(error) => return Err(error),
        };
        *state = State { live: Some(Arc::clone(&connection)), taken_since: None };
        *self.inner.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&connection);
        if self.inner.made.fetch_add(1, Ordering::SeqCst) > 0 {
            tracing::info!(connection = self.inner.name, "connected to the broker again");
        }
        Ok(connection)
    }

    /// Ends the connection with whatever was sent on it before. Nobody may use it any more.
    ///
    /// # Errors
    /// The broker did not answer: it may not have taken all of it.
    pub async fn close(&self) -> Result<(), QueueError> {
        let live = self.inner.state.lock().await.live.take();
        let Some(connection) = live.filter(|connection| connection.status().connected()) else { return Ok(()) };
        answered(connection.close(200, "done".into())).await
    }

    /// As [`Self::connection`], again and again with growing pauses; a refusal ends it at once.
    ///
    /// # Errors
    /// The broker refuses. Being out of reach never ends it: the caller sets the deadline.
    pub async fn connection_with_patience(&self) -> Result<Arc<Connection>, QueueError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_jitter()
            .without_max_times();
        (|| self.connection())
            .retry(pauses)
            .when(|error| matches!(error, QueueError::Unavailable(_)))
            .notify(|error, pause| {
                tracing::warn!(%error, ?pause, "cannot work with the broker yet");
                *self.inner.last_error.lock().unwrap_or_else(PoisonError::into_inner) = error.to_string();
            })
            .await
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        let latest = self.inner.latest.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        latest.is_some_and(|connection| connection.status().connected())
    }

    /// Why the last try failed.
    pub fn last_error(&self) -> String {
        let error = self.inner.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if error.is_empty() { "no answer in time".to_owned() } else { error }
    }

    /// Whether the broker let us in and another connection has the lock.
    pub async fn lock_is_taken(&self) -> bool {
        self.inner.state.lock().await.taken_since.is_some()
    }

    /// Whether the broker let us in, and others have to declare the run's queues first.
    pub fn waits_for_queues(&self) -> bool {
        self.inner.no_queues.load(Ordering::SeqCst)
    }

    /// Has the next user make a new connection, topology included.
    pub fn rebuild(&self) {
        self.inner.stale.store(true, Ordering::SeqCst);
    }

    /// How many connections were made so far.
    pub fn generation(&self) -> u64 {
        self.inner.made.load(Ordering::SeqCst)
    }

    async fn connect(&self) -> Result<Connection, QueueError> {
        let properties = ConnectionProperties::default().with_connection_name(self.inner.name.as_str().into());
        let node = self.inner.node.fetch_add(1, Ordering::SeqCst) % self.inner.nodes.len();
        let uri = self.inner.nodes[node].clone();
        let tls = uri.scheme == AMQPScheme::AMQPS;
        let connect = Connection::connect_uri(uri, properties);
        let connection = tokio::time::timeout(CONNECT_DEADLINE, connect)
            .await
            .map_err(|_| QueueError::Unavailable("no answer to the handshake".into()))?
            .map_err(|error| self.sort(&error, tls))?;
        let declare = async {
            self.declare(&connection).await?;
            if let Some(lock) = &self.inner.lock {
                lock::take(&connection, lock).await?;
            }
            Ok(())
        };
        match tokio::time::timeout(ANSWER_DEADLINE, declare).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(error)) => Err(self.sort(&error, tls)),
            Err(_) => Err(QueueError::Unavailable("no answer to the declaration of queues".into())),
        }
    }

    async fn declare(&self, connection: &Connection) -> lapin::Result<()> {
        let channel = connection.create_channel().await?;
        match self.inner.topology.declare(&channel).await {
            // The user of worker-exec may not (deploy/rabbitmq/definitions.json): others declare, it waits for them.
            Err(error) if reply_code(&error) == Some(403) => {
                let channel = connection.create_channel().await?; // the refusal ended the other
                let expected = self.inner.topology.expect(&channel).await;
                let missing = expected.as_ref().is_err_and(|error| reply_code(error) == Some(404));
                self.inner.no_queues.store(missing, Ordering::SeqCst);
                expected?;
                channel.close(200, "found".into()).await
            }
            Err(error) => Err(error),
            Ok(()) => channel.close(200, "declared".into()).await,
        }
    }

    /// Tells an outage from a refusal, by AMQP reply code (0-9-1 specification, 1.1): 403 access-refused, 530
    /// not-allowed, 406 precondition-failed, 404 not-found, 405 resource-locked.
    fn sort(&self, error: &lapin::Error, tls: bool) -> QueueError {
        let ErrorKind::ProtocolError(reply) = error.kind() else {
            return QueueError::Unavailable(format!("{error}{}", if tls { " (over TLS)" } else { "" }));
        };
        match reply.get_id() {
            // To whoever declares everything it says that a node is down.
            404 if self.inner.topology.is_existing() => {
                QueueError::Unknown(format!("no run `{}` on this broker", self.inner.topology.exchange()))
            }
            404 if self.waits_for_queues() => {
                let run = self.inner.topology.exchange();
                let what = "are not there yet, and this user may not declare them: waiting for submit or sink";
                QueueError::Unavailable(format!("the queues of run `{run}` {what}"))
            }
            405 => QueueError::Taken(self.inner.lock.clone().unwrap_or_default()),
            403 | 530 | 406 => QueueError::Refused(reply.get_message().to_string()),
            _ => QueueError::Unavailable(error.to_string()),
        }
    }
}

/// The AMQP reply code that the broker refused with, if it did.
pub fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(reply) => Some(reply.get_id()),
        _ => None,
    }
}

/// Whether any of the nodes lets us in.
///
/// # Errors
/// A URL that does not parse; within, why the last node did not.
pub async fn reach(urls: &str) -> Result<Result<(), QueueError>, Failure> {
    let mut last = Ok(());
    for url in each_url(urls) {
        let connect = Connection::connect_uri(uri(&url)?, ConnectionProperties::default());
        last = match tokio::time::timeout(CONNECT_DEADLINE / 2, connect).await {
            Ok(Ok(connection)) => return Ok(answered(connection.close(200, "done".into())).await),
            Ok(Err(error)) if matches!(reply_code(&error), Some(403 | 530)) => {
                Err(QueueError::Refused(error.to_string()))
            }
            Ok(Err(error)) => Err(QueueError::Unavailable(error.to_string())),
            Err(_) => Err(QueueError::Unavailable("no answer in time".into())),
        };
    }
    Ok(last)
}

/// A name for the wire.
///
/// # Errors
/// Longer than 255 bytes.
pub fn short(text: &str) -> Result<ShortString, QueueError> {
    ShortString::try_new(text).map_err(|_| QueueError::Refused(format!("`{text}` is too long a name")))
}

/// The URLs of a list that is separated by commas. A comma may be part of a password, but not with a scheme after it.
fn each_url(urls: &str) -> impl Iterator<Item = String> {
    urls.split(",amqp").enumerate().map(|(k, url)| if k == 0 { url.to_owned() } else { format!("amqp{url}") })
}

fn uri(url: &str) -> Result<AMQPUri, Failure> {
    let wrong = |error: String| {
        let hint = "in user and password / is written %2F, @ %40, : %3A, # %23, ? %3F and % %25";
        let hint = if url.contains('@') { format!(" ({hint})") } else { String::new() };
        Failure::Usage(format!("--amqp-url {}: {error}{hint}", without_password(url)))
    };
    let mut uri: AMQPUri = url.parse().map_err(wrong)?;
    // `amqp://a@b/c:d@host` parses: host `b`, virtual host `c:d@host`.
    let after_host = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if after_host.is_some_and(|(_, path)| path.split('?').next().is_some_and(|path| path.contains('@'))) {
        return Err(wrong("an @ after the host".into()));
    }
    if uri.vhost.is_empty() {
        uri.vhost = "/".into(); // amqp://host/ means the default virtual host to everyone but the specification
    }
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    uri.query.connection_timeout.get_or_insert(CONNECT_DEADLINE.as_millis() as u64);
    Ok(uri)
}

/// The URL, or list of them, as it may be shown.
pub fn without_password(urls: &str) -> String {
    each_url(urls).map(|url| one_without_password(&url)).collect::<Vec<_>>().join(",")
}

fn one_without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://{place}"),
        None => url.to_owned(),
    }
}
