//! Reads objects from synchronous code: all requests are made on one thread with a runtime of its own, so that a caller
//! may be on any thread, one of another runtime's included.

use std::{
    collections::VecDeque,
    io::{self, Read},
    ops::Range,
    sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    thread,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::{GetOptions, GetRange};
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use pipeline::error::Failure;
use tokio::runtime::{Builder, Handle};

use super::objects::{Object, unavailable};

/// Bytes asked for at once. A block is fetched to its end whether or not somebody waits for it, so that a reader that
/// takes minutes over a row keeps no connection open.
const BLOCK_BYTES: u64 = 2 << 20;

/// Blocks being fetched, or waiting, ahead of a reader. It holds one more: the one read.
const AHEAD: usize = 3;

/// Blocks of a table that are kept: its columns are read in turn, each from its own place.
const TABLE_BLOCKS: usize = 8;

static RUNTIME: LazyLock<Result<Handle, String>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name("objects".into()).spawn(run).map_err(|error| error.to_string())?;
    Ok(handle)
});

fn generic(words: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic { store: "object", source: words.into() }
}

/// The answer to requests that were started.
struct Started<T>(mpsc::Receiver<object_store::Result<T>>);

impl<T: Send + 'static> Started<T> {
    /// Starts requests on the thread of their own.
    fn new(requests: impl Future<Output = object_store::Result<T>> + Send + 'static) -> object_store::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(1);
        RUNTIME.as_ref().map_err(|error| generic(error.as_str()))?.spawn(async move {
            // A reader that is gone wants no answer.
            let _ = sender.send(requests.await);
        });
        Ok(Self(receiver))
    }

    fn wait(self) -> object_store::Result<T> {
        self.0.recv().unwrap_or_else(|_| Err(generic("the thread that reads objects is gone")))
    }
}

/// Makes requests and waits for their answer.
///
/// # Errors
/// Those of `requests`.
pub(super) fn wait<T: Send + 'static>(
    requests: impl Future<Output = object_store::Result<T>> + Send + 'static,
) -> object_store::Result<T> {
    Started::new(requests)?.wait()
}

/// The bytes of a range of an object that is still the one that was found. The store's client tries requests again, and
/// for as long bodies that break off, from their last byte; here they are for as long as something comes of it.
async fn fetch(object: Object, range: Range<u64>) -> object_store::Result<Bytes> {
    let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(generic)?;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let before = bytes.len();
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.start + before as u64..range.end)),
            if_match: object.meta.e_tag.clone(),
            ..GetOptions::default()
        };
        let answer = object.store.get_opts(&object.meta.location, options).await?;
        let is_another = |tag: &String| object.meta.e_tag.as_ref().is_some_and(|found| found != tag);
        if answer.meta.size != object.meta.size || answer.meta.e_tag.as_ref().is_some_and(is_another) {
            let path = object.meta.location.to_string();
            return Err(object_store::Error::Precondition { path, source: "another ETag or size".into() });
        }
        let mut body = answer.into_stream();
        let broken = loop {
            match body.next().await {
                Some(Ok(part)) => bytes.extend_from_slice(&part[..part.len().min(length - bytes.len())]),
                Some(Err(error)) => break error,
                None => break generic("the body ended early"),
            }
        };
        if bytes.len() == before {
            return Err(broken);
        }
        if bytes.len() < length {
            tracing::debug!(url = object.url, at = bytes.len(), %broken, "a body broke off; asked for the rest");
        }
    }
    Ok(bytes.into())
}

/// All of an object, or so much of it, on its way.
pub(super) struct Whole {
    object: Object,
    bytes: Started<Bytes>,
}

impl Whole {
    /// Asks for the first `limit` bytes of an object.
    ///
    /// # Errors
    /// There can be no thread for it.
    pub fn start(object: &Object, limit: u64) -> Result<Self, Failure> {
        let bytes = Started::new(fetch(object.clone(), 0..object.meta.size.min(limit)));
        Ok(Self { object: object.clone(), bytes: bytes.map_err(|error| unavailable(&object.url, &error))? })
    }

    /// Waits for them.
    ///
    /// # Errors
    /// As [`unavailable`].
    pub fn read(self) -> Result<Vec<u8>, Failure> {
        self.bytes.wait().map(Vec::from).map_err(|error| unavailable(&self.object.url, &error))
    }
}

/// The error of a reader whose object can no longer be read.
fn lost_error(object: &Object, error: &object_store::Error) -> io::Error {
    // A kind that no unpacker uses for damage.
    io::Error::new(io::ErrorKind::ConnectionAborted, unavailable(&object.url, error))
}

/// The failure of an object that can no longer be read, whatever unpacks it; none if an error is another.
pub(super) fn lost(error: &io::Error) -> Option<Failure> {
    match error.get_ref()?.downcast_ref()? {
        Failure::Unavailable(words) => Some(Failure::Unavailable(words.clone())),
        _ => None,
    }
}

/// Reads an object from its start to its end, a few blocks ahead.
pub(super) struct ObjectReader {
    object: Object,
    /// Where the next block to ask for begins.
    next: u64,
    ahead: VecDeque<Started<Bytes>>,
    block: Bytes,
}

impl ObjectReader {
    pub fn new(object: &Object) -> Self {
        Self { object: object.clone(), next: 0, ahead: VecDeque::new(), block: Bytes::new() }
    }

    /// The next block; none at the end.
    fn next_block(&mut self) -> object_store::Result<Option<Bytes>> {
        while self.ahead.len() < AHEAD && self.next < self.object.meta.size {
            let end = (self.next + BLOCK_BYTES).min(self.object.meta.size);
            self.ahead.push_back(Started::new(fetch(self.object.clone(), self.next..end))?);
            self.next = end;
        }
        self.ahead.pop_front().map(Started::wait).transpose()
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.block.is_empty() {
            let block = self.next_block().map_err(|error| lost_error(&self.object, &error))?;
            self.block = block.unwrap_or_default();
        }
        let part = self.block.split_to(self.block.len().min(buffer.len()));
        buffer[..part.len()].copy_from_slice(&part);
        Ok(part.len())
    }
}

/// An object that is read from any place: only the blocks that are asked for are fetched, and a few are kept.
#[derive(Clone)]
pub(super) struct ObjectTable {
    object: Object,
    kept: Arc<Mutex<VecDeque<(u64, Bytes)>>>,
    lost: Arc<OnceLock<String>>,
}

impl ObjectTable {
    pub fn new(object: &Object) -> Self {
        Self { object: object.clone(), kept: Arc::default(), lost: Arc::default() }
    }

    /// The failure behind an error of Parquet's; none if the file itself is at fault.
    pub fn lost(&self) -> Option<Failure> {
        self.lost.get().cloned().map(Failure::Unavailable)
    }

    fn fetch(&self, range: Range<u64>) -> io::Result<Bytes> {
        wait(fetch(self.object.clone(), range)).map_err(|error| {
            let error = lost_error(&self.object, &error);
            // The first is the cause of all others.
            let _ = self.lost.set(error.to_string());
            error
        })
    }

    /// What the object holds from `at` to the end of the block there; nothing at its end.
    fn from(&self, at: u64) -> io::Result<Bytes> {
        if at >= self.len() {
            return Ok(Bytes::new());
        }
        let start = at / BLOCK_BYTES * BLOCK_BYTES;
        // Tables are read on one thread: nobody waits for another's request here.
        let mut kept = self.kept();
        let found = kept.iter().position(|(block, _)| *block == start).and_then(|index| kept.remove(index));
        let block = match found {
            Some((_, block)) => block,
            None => {
                kept.truncate(TABLE_BLOCKS - 1);
                self.fetch(start..(start + BLOCK_BYTES).min(self.len()))?
            }
        };
        kept.push_front((start, block.clone()));
        Ok(block.slice(usize::try_from(at - start).map_err(io::Error::other)?..))
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(u64, Bytes)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Length for ObjectTable {
    fn len(&self) -> u64 {
        self.object.meta.size
    }
}

impl ChunkReader for ObjectTable {
    type T = ObjectCursor;

    fn get_read(&self, start: u64) -> Result<ObjectCursor, ParquetError> {
        Ok(ObjectCursor { table: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len());
        let end = end.ok_or_else(|| ParquetError::EOF(format!("{length} bytes at {start} of {}", self.len())))?;
        let first = self.from(start)?;
        if length <= first.len() {
            return Ok(first.slice(..length));
        }
        // Larger than what is kept of it: the rest in one request, up to where the last block begins.
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&first);
        let (after, last) = (start + first.len() as u64, end / BLOCK_BYTES * BLOCK_BYTES);
        if after < last {
            bytes.extend_from_slice(&self.fetch(after..last)?);
        }
        let rest = self.from(last)?;
        bytes.extend_from_slice(&rest[..length - bytes.len()]);
        Ok(bytes.into())
    }
}

/// Reads a table's object on from one place.
pub(super) struct ObjectCursor {
    table: ObjectTable,
    at: u64,
}

impl Read for ObjectCursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.table.from(self.at)?;
        let length = there.len().min(buffer.len());
        buffer[..length].copy_from_slice(&there[..length]);
        self.at += length as u64;
        Ok(length)
    }
}
