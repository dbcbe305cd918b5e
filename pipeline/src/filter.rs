//! A stage as a filter over JSON Lines: the same stage code as behind a queue, output in input order.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter},
    sync::Semaphore,
};

use crate::{
    complaint::Complaint,
    consume::{MAX_ATTEMPTS, poison},
    error::Failure,
    records::{Record, Rejection},
    shutdown::CancellationToken,
    stage::{Input, Stage, StageError, Verdict},
};

/// How long a filter waits for a service that is down before it ends; one that is only started again is back long before.
const OUTAGE_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Between two times that it asks.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// Records that may have been begun and not written, as a multiple of those that are worked at once: one that takes long
/// holds up the order of the output, not the others' work.
const AHEAD: usize = 8;

/// How many records a filter passed on and turned down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records written.
    pub passed: u64,
    /// Records turned down.
    pub rejected: u64,
}

/// Opens `-` or nothing as stdin, else a file.
///
/// # Errors
/// The file cannot be opened: [`Failure::Unavailable`].
pub async fn open_input(path: Option<&Path>) -> Result<Box<dyn AsyncBufRead + Send + Unpin>, Failure> {
    match path {
        None => Ok(Box::new(BufReader::with_capacity(1 << 20, tokio::io::stdin()))),
        Some(path) if path == Path::new("-") => Ok(Box::new(BufReader::with_capacity(1 << 20, tokio::io::stdin()))),
        Some(path) => {
            let file = tokio::fs::File::open(path)
                .await
                .map_err(|error| Failure::Unavailable(format!("cannot open input {}: {error}", path.display())))?;
            Ok(Box::new(BufReader::with_capacity(1 << 20, file)))
        }
    }
}

/// Where turned-down records go: a file, or nowhere but the count.
pub struct RejectionWriter(Option<BufWriter<tokio::fs::File>>);

impl RejectionWriter {
    /// Creates the file that `--rejected` names.
    ///
    /// # Errors
    /// The file cannot be created: [`Failure::Usage`].
    pub async fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = tokio::fs::File::create(path)
            .await
            .map_err(|error| Failure::Usage(format!("--rejected {}: {error}", path.display())))?;
        Ok(Self(Some(BufWriter::new(file))))
    }

    /// Appends one line.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn write(&mut self, rejection: &Rejection) -> anyhow::Result<()> {
        let Some(file) = &mut self.0 else { return Ok(()) };
        write_line(file, rejection).await
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        if let Some(file) = &mut self.0 {
            file.flush().await?;
        }
        Ok(())
    }
}

/// Appends one record as a line of JSON.
///
/// # Errors
/// The other end refuses.
pub async fn write_line(to: &mut (impl AsyncWrite + Unpin), record: &impl serde::Serialize) -> anyhow::Result<()> {
    Ok(to.write_all(&line(record)?).await?)
}

/// A record as a line of JSON Lines, its end included: what is appended at once is whole.
///
/// # Errors
/// A map whose keys are no strings; no record has one.
pub fn line(record: &impl serde::Serialize) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    Ok(line)
}

/// A line as a record of type `T`, or a rejection of the line under `source:number`.
pub type ReadLine<T> = fn(source: &str, number: u64, line: Vec<u8>) -> Result<T, Box<Rejection>>;

/// How a filter reads its input.
pub struct Reading<'a, T> {
    /// What rejections call the input.
    pub source: &'a str,
    /// The run's seed.
    pub seed: u64,
    /// Makes a record of a line.
    pub read: ReadLine<T>,
    /// Once it is cancelled no further line is read; what is in flight is finished.
    pub stop: CancellationToken,
}

/// Runs `stage` over the lines of `input`, `concurrency` records at once, and writes what passes to `output` in input
/// order. An unreadable line is one rejection.
///
/// # Errors
/// A service that the stage needs stays away, or a file fails: then what was written is whole lines in the input's order,
/// and all that was done.
pub async fn run<S: Stage<Output: Record>>(
    stage: Arc<S>,
    input: impl AsyncBufRead + Send + Unpin,
    Reading { source, seed, read, stop }: Reading<'_, S::Input>,
    concurrency: usize,
    output: impl AsyncWrite + Send + Unpin,
    mut rejected: RejectionWriter,
) -> Result<Counts, Failure> {
    let concurrency = concurrency.max(1);
    // A place is taken with a line and given back when what became of it is written.
    let places = Arc::new(Semaphore::new(concurrency.saturating_mul(AHEAD)));
    let lines = stream::try_unfold((input, 0u64, Arc::clone(&places)), |(mut input, number, places)| async move {
        places.acquire().await?.forget();
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line).await?;
        anyhow::Ok((read > 0).then_some(((number, line), (input, number + 1, places))))
    });
    // What ends the reading: the caller, or the first record for which a service stays away.
    let (halt, complaint) = (stop.child_token(), Arc::new(Complaint::default()));
    let verdicts = lines
        .take_until(halt.clone().cancelled_owned())
        .map_ok(|(at, line)| {
            let record = (!line.trim_ascii().is_empty()).then(|| read(source, at + 1, line));
            let (stage, halt, complaint) = (Arc::clone(&stage), halt.clone(), Arc::clone(&complaint));
            async move {
                let verdict = match record {
                    Some(Ok(record)) => attempts(&*stage, record, seed, &halt, &complaint).await.map(Some),
                    Some(Err(rejection)) => Ok(Some(Verdict::Reject(rejection))),
                    None => Ok(None), // a blank line
                };
                anyhow::Ok((at, verdict))
            }
        })
        .try_buffer_unordered(concurrency);
    let mut verdicts = std::pin::pin!(verdicts);
    let (mut output, mut counts) = (BufWriter::new(output), Counts::default());
    let (mut done, mut next) = (BTreeMap::new(), 0);
    let mut ended = Ok(());
    loop {
        match verdicts.try_next().await {
            Ok(Some((at, Ok(verdict)))) => done.insert(at, verdict),
            // It has no line in the output; what is in flight beside it is paid for, and gets its own.
            Ok(Some((at, Err(error)))) => {
                halt.cancel();
                ended = ended.and(Err(failure(error.into())));
                done.insert(at, None)
            }
            Ok(None) => break,
            Err(error) => {
                ended = Err(failure(error));
                break;
            }
        };
        while let Some(verdict) = done.remove(&next) {
            next += 1;
            places.add_permits(1);
            // A filter has no way back.
            match verdict.map(Verdict::without_repair) {
                Some(Ok(record)) => {
                    write_line(&mut output, &record).await?;
                    counts.passed += 1;
                }
                Some(Err(rejection)) => {
                    rejected.write(&rejection).await?;
                    counts.rejected += 1;
                }
                None => {}
            }
        }
    }
    output.flush().await.map_err(anyhow::Error::from)?;
    rejected.finish().await?;
    ended.map(|()| counts)
}

/// Works one record as often as the consume loop would: one that fails each time is one rejection, not the end. A service
/// that is down is waited for.
async fn attempts<S: Stage>(
    stage: &S,
    record: S::Input,
    seed: u64,
    stop: &CancellationToken,
    complaint: &Complaint,
) -> Result<Verdict<S::Output>, StageError> {
    let (mut failed, mut down_since) = (0, None);
    while failed < MAX_ATTEMPTS {
        match stage.process(record.clone(), seed).await {
            Err(StageError::Failed(reason)) => {
                tracing::warn!(stage = %S::NAME, reason, "an attempt failed");
                (failed, down_since) = (failed + 1, None);
            }
            Err(StageError::Unavailable(reason)) => {
                let since = *down_since.get_or_insert_with(Instant::now);
                if stop.is_cancelled() || since.elapsed() > OUTAGE_PATIENCE {
                    return Err(StageError::Unavailable(reason));
                }
                if complaint.is_due(&reason) {
                    tracing::warn!(stage = %S::NAME, reason, "waiting for a service");
                }
                tokio::select! {
                    () = tokio::time::sleep(OUTAGE_PAUSE) => {}
                    () = stop.cancelled() => {}
                }
            }
            Ok(verdict) => {
                complaint.is_over();
                return Ok(verdict);
            }
        }
    }
    Ok(poison(S::NAME, record.id(), record.function()).into())
}

/// A service that is down is no bug of ours: it has an exit code of its own.
fn failure(error: anyhow::Error) -> Failure {
    match error.downcast::<StageError>() {
        Ok(StageError::Unavailable(words)) => Failure::Unavailable(words),
        Ok(error) => Failure::Other(error.into()),
        Err(error) => Failure::Other(error),
    }
}

/// Reads a line as a record of ours.
///
/// # Errors
/// A line that is no JSON object of that shape is a [`Rejection`] under `source:number`.
pub fn read_record<T: Record>(source: &str, number: u64, line: Vec<u8>) -> Result<T, Box<Rejection>> {
    serde_json::from_slice(&line).map_err(|error| {
        let detail = format!("{source}:{number}: not a {} record: {error}", T::TYPE);
        let raw = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        let reason = crate::reason::Reason::Unreadable;
        Box::new(Rejection::new(format!("{source}:{number}"), reason, detail, &raw))
    })
}
