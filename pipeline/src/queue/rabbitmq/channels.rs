//! The pool of channels in confirm mode that publishes go through.
//!
//! One publish in flight a channel: lapin hands a returned message to whichever confirm comes next on the channel
//! (`acknowledgement.rs` of 4.12), so that with two in flight the unroutable one could pass for confirmed. The window
//! is the number of channels.

use std::{future::Future, ops::Deref};

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use lapin::{Channel, options::ConfirmSelectOptions};

use super::{ANSWER_DEADLINE, connection::Link};
use crate::queue::QueueError;

/// Publishes in flight a process.
const WINDOW: usize = 256;

/// Channels that are ready for one publish each.
#[derive(Clone)]
pub struct ChannelPool {
    link: Link,
    pool: Pool<ConfirmChannels>,
}

struct ConfirmChannels {
    link: Link,
}

impl Manager for ConfirmChannels {
    type Type = Channel;
    type Error = QueueError;

    async fn create(&self) -> Result<Channel, QueueError> {
        let connection = self.link.connection().await?;
        answered(async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(channel)
        })
        .await
    }

    async fn recycle(&self, channel: &mut Channel, _: &Metrics) -> RecycleResult<QueueError> {
        if channel.status().connected() { Ok(()) } else { Err(RecycleError::message("the channel is closed")) }
    }
}

impl ChannelPool {
    /// A pool over one connection.
    pub fn new(link: Link) -> Self {
        let builder = Pool::builder(ConfirmChannels { link: link.clone() }).max_size(WINDOW);
        // Building fails only where timeouts are set without a runtime; none are set.
        let pool = builder.build().expect("a pool without timeouts needs no runtime");
        Self { link, pool }
    }

    /// The connection below.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// A channel that is open and has nothing in flight.
    ///
    /// # Errors
    /// The broker is out of reach.
    pub async fn get(&self) -> Result<PooledChannel, QueueError> {
        match self.pool.get().await {
            Ok(object) => Ok(PooledChannel(Some(object))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(error) => Err(QueueError::Unavailable(error.to_string())),
        }
    }
}

/// A channel on loan. Only [`Self::give_back`] puts it back: one that is dropped, with an error or in the middle of a
/// call, may have an answer under way that must not be taken for that of the next publish. It is closed instead.
pub struct PooledChannel(Option<Object<ConfirmChannels>>);

impl PooledChannel {
    /// Back to the pool, every call on it having been answered.
    pub fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for PooledChannel {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            let channel = Object::take(object);
            tokio::spawn(async move { channel.close(200, "discarded".into()).await });
        }
    }
}

impl Deref for PooledChannel {
    type Target = Channel;

    fn deref(&self) -> &Channel {
        // Taken only by `give_back` and `drop`, after which nobody holds it.
        self.0.as_ref().expect("a channel on loan")
    }
}

/// Puts the deadline on a call to the broker.
///
/// # Errors
/// The call's own error, or that the answer did not come in time.
pub async fn answered<T>(call: impl Future<Output = lapin::Result<T>>) -> Result<T, QueueError> {
    match tokio::time::timeout(ANSWER_DEADLINE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(QueueError::Unavailable(error.to_string())),
        Err(_) => Err(QueueError::Unavailable(format!("no answer within {} s", ANSWER_DEADLINE.as_secs()))),
    }
}
