//! One connection to the broker, made when it is first needed and made again when it breaks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use lapin::{
    Connection, ConnectionProperties,
    types::ShortString,
    uri::{AMQPScheme, AMQPUri},
};
use tokio::sync::Mutex;

use super::{ANSWER_DEADLINE, topology::Topology};
use crate::{error::Failure, queue::QueueError};

/// How long one try to connect may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Seconds between heartbeats: a peer that is gone without a word is noticed after two.
const HEARTBEAT_S: u16 = 15;

/// One connection and the way to make it again. Clones share it.
#[derive(Clone)]
pub struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    uri: AMQPUri,
    name: String,
    topology: Topology,
    live: Mutex<Option<Arc<Connection>>>,
    stale: AtomicBool,
    made: AtomicU64,
}

impl Link {
    /// A connection that is not made yet.
    ///
    /// # Errors
    /// The URL does not parse: [`Failure::Usage`].
    pub fn new(url: &str, name: String, topology: Topology) -> Result<Self, Failure> {
        let mut uri: AMQPUri =
            url.parse().map_err(|error| Failure::Usage(format!("--amqp-url {}: {error}", without_password(url))))?;
        if uri.vhost.is_empty() {
            uri.vhost = "/".into(); // amqp://host/ means the default virtual host to everyone but the specification
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        uri.query.connection_timeout.get_or_insert(CONNECT_DEADLINE.as_millis() as u64);
        let inner = Inner {
            uri,
            name,
            topology,
            live: Mutex::default(),
            stale: AtomicBool::default(),
            made: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The live connection, made now if there is none. One try.
    ///
    /// # Errors
    /// The broker is out of reach or refuses.
    pub async fn connection(&self) -> Result<Arc<Connection>, QueueError> {
        let mut live = self.inner.live.lock().await;
        let stale = self.inner.stale.swap(false, Ordering::SeqCst);
        if let Some(connection) = live.as_ref().filter(|connection| !stale && connection.status().connected()) {
            return Ok(Arc::clone(connection));
        }
        if let Some(old) = live.take() {
            // Closing tells the broker to deliver again what the old connection held; the answer does not matter.
            let _ = tokio::time::timeout(Duration::from_secs(1), old.close(200, "rebuilt".into())).await;
        }
        let connection = Arc::new(self.connect().await?);
        *live = Some(Arc::clone(&connection));
        if self.inner.made.fetch_add(1, Ordering::SeqCst) > 0 {
            tracing::info!(connection = self.inner.name, "connected to the broker again");
        }
        Ok(connection)
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
            .notify(|error, pause| tracing::warn!(%error, ?pause, "the broker is out of reach"))
            .await
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
        let connect = Connection::connect_uri(self.inner.uri.clone(), properties);
        let connection = tokio::time::timeout(CONNECT_DEADLINE, connect)
            .await
            .map_err(|_| QueueError::Unavailable("no answer to the handshake".into()))?
            .map_err(|error| self.sort(&error))?;
        let declare = async {
            let channel = connection.create_channel().await?;
            self.inner.topology.declare(&channel).await?;
            channel.close(200, "declared".into()).await
        };
        match tokio::time::timeout(ANSWER_DEADLINE, declare).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(error)) => Err(self.sort(&error)),
            Err(_) => Err(QueueError::Unavailable("no answer to the declaration of queues".into())),
        }
    }

    /// Tells an outage from a refusal, by AMQP reply code (0-9-1 specification, 1.1): 403 access-refused, 530
    /// not-allowed, 406 precondition-failed;
    /// 404 not-found.
    fn sort(&self, error: &lapin::Error) -> QueueError {
        let lapin::ErrorKind::ProtocolError(reply) = error.kind() else {
            let tls = self.inner.uri.scheme == AMQPScheme::AMQPS;
            return QueueError::Unavailable(format!("{error}{}", if tls { " (over TLS)" } else { "" }));
        };
        match reply.get_id() {
            404 => QueueError::Unknown(format!("no run `{}` on this broker", self.inner.topology.exchange())),
            403 | 530 | 406 => QueueError::Refused(reply.get_message().to_string()),
            _ => QueueError::Unavailable(error.to_string()),
        }
    }
}

/// A name for the wire.
///
/// # Errors
/// Longer than 255 bytes.
pub fn short(text: &str) -> Result<ShortString, QueueError> {
    ShortString::try_new(text).map_err(|_| QueueError::Refused(format!("`{text}` is too long a name")))
}

/// The URL as it may be shown.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://{place}"),
        None => url.to_owned(),
    }
}
