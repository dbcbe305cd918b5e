//! Parsing on all cores, in order.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use pipeline::{
    error::Failure,
    records::{RawCode, Rejection},
};

use super::{
    Candidate, Place, RawReader,
    candidates::functions_of,
    reader::{Piece, Raw},
    screening::Screening,
};

/// Pieces that go to a thread at once, and the bytes beyond which no more are added.
const BATCH_PIECES: usize = 32;
const BATCH_BYTES: usize = 1 << 18;

/// Batches that are read ahead for each thread.
const AHEAD: usize = 2;

/// One piece of raw code with its functions, in order; none where it could not be read.
pub(super) struct Parsed {
    pub place: Place,
    pub code: Result<(RawCode, Vec<Candidate>), Box<Rejection>>,
}

type Batch = Result<Vec<Parsed>, Failure>;

/// What was read, parsed, in the order in which it was read.
pub(super) enum Parser {
    /// On the caller's own thread.
    Here(Box<RawReader>, Arc<Screening>),
    /// On others: one reads, the rest parse. Each batch has a channel of its own, and these come in order.
    Ahead(Receiver<Receiver<Batch>>),
}

impl Parser {
    pub fn new(reader: RawReader, screening: Arc<Screening>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        match screening.settings.parse_threads.unwrap_or(cores) {
            0 | 1 => Self::Here(Box::new(reader), screening),
            threads => Self::Ahead(start(reader, &screening, threads)),
        }
    }

    /// The next few pieces; none at the end.
    ///
    /// # Errors
    /// As [`RawReader`]. Nothing comes after that.
    pub fn next(&mut self) -> Option<Batch> {
        match self {
            Self::Here(reader, screening) => match reader.next_piece() {
                Ok(None) => None,
                Ok(Some(piece)) => Some(Ok(parsed(vec![piece], screening))),
                Err(failure) => Some(Err(failure)),
            },
            Self::Ahead(batches) => {
                let batch = batches.recv().ok()?;
                let lost = || Failure::Other(anyhow::anyhow!("a thread that parses has ended before its time"));
                Some(batch.recv().unwrap_or_else(|_| Err(lost())))
            }
        }
    }
}

/// All threads end when the receiver is dropped, or the input is read.
fn start(mut reader: RawReader, screening: &Arc<Screening>, threads: usize) -> Receiver<Receiver<Batch>> {
    let (in_order, batches) = sync_channel(AHEAD * threads);
    let (to_parse, work) = sync_channel::<(Vec<Piece>, SyncSender<Batch>)>(threads);
    let work = Arc::new(Mutex::new(work));
    for _ in 0..threads {
        let (work, screening) = (Arc::clone(&work), Arc::clone(screening));
        thread::spawn(move || {
            loop {
                let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((pieces, done)) = next else { return };
                // Nobody waits for it where the collector stopped early.
                let _ = done.send(Ok(parsed(pieces, &screening)));
            }
        });
    }
    thread::spawn(move || {
        loop {
            let (pieces, failure) = read_batch(&mut reader);
            let ends = pieces.is_empty();
            if !ends {
                let (done, batch) = sync_channel(1);
                if in_order.send(batch).is_err() || to_parse.send((pieces, done)).is_err() {
                    return;
                }
            }
            if let Some(failure) = failure {
                let (done, batch) = sync_channel(1);
                let _ = done.send(Err(failure));
                let _ = in_order.send(batch);
                return;
            }
            if ends {
                return;
            }
        }
    });
    batches
}

/// The next pieces, and the failure that ended the reading.
fn read_batch(reader: &mut RawReader) -> (Vec<Piece>, Option<Failure>) {
    let (mut pieces, mut bytes) = (Vec::new(), 0);
    while pieces.len() < BATCH_PIECES && bytes < BATCH_BYTES {
        match reader.next_piece() {
            Ok(None) => break,
            Ok(Some(piece)) => {
                bytes += piece.weight();
                pieces.push(piece);
            }
            Err(failure) => return (pieces, Some(failure)),
        }
    }
    (pieces, None)
}

fn parsed(pieces: Vec<Piece>, screening: &Screening) -> Vec<Parsed> {
    let raw = pieces.into_iter().filter_map(|piece| piece.read(&screening.settings));
    let parse = |Raw { place, code }| {
        let code = code.map(|raw| {
            let candidates = functions_of(&raw, &place, screening);
            (raw, candidates)
        });
        Parsed { place, code }
    };
    raw.map(parse).collect()
}
