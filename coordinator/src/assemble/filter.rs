use std::{
    io::{self, BufRead, Read as _, Write},
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use pipeline::{
    error::Failure,
    filter::{self, Counts},
    records::Rejection,
};

use super::{Assembler, assemble, read_executed};
use crate::{output::rows::Row, parallel};

/// Bytes of lines that are worked at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Whole lines, and what became of them. Its buffers are used again: fresh memory costs as much as the work in it.
#[derive(Default)]
struct Chunk {
    lines: Vec<u8>,
    /// The number of the first line.
    first: u64,
    samples: Vec<u8>,
    passed: u64,
    rejections: Vec<Rejection>,
}

/// `case2code assemble`: executed functions as JSON Lines → samples as JSON Lines, in input order. One function may
/// give several rows; what is counted is functions. A line that is a rejection already stays one.
///
/// # Errors
/// A file fails: then what was written so far is whole lines.
pub fn run_filter(
    mut input: impl BufRead + Send,
    source: &str,
    assembler: &Assembler,
    mut output: impl Write,
    mut rejected: Option<impl Write>,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let spare: Mutex<Vec<Chunk>> = Mutex::default();
    let spares = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    let mut first = 1;
    let next = || {
        let mut chunk = Chunk { first, ..spares().pop().unwrap_or_default() };
        match chunk.read(&mut input) {
            Ok(0) => None,
            Ok(lines) => {
                first += lines;
                Some(Ok(chunk))
            }
            Err(error) => Some(Err(error)),
        }
    };
    let work = |chunk: io::Result<Chunk>| {
        let mut chunk = chunk.context("reading executed functions")?;
        chunk.work(source, assembler)?;
        anyhow::Ok(chunk)
    };
    parallel::stream(next, work, |chunk: anyhow::Result<Chunk>| {
        let mut chunk = chunk?;
        output.write_all(&chunk.samples).context("writing samples")?;
        counts.passed += chunk.passed;
        for rejection in chunk.rejections.drain(..) {
            if let Some(rejected) = &mut rejected {
                rejected.write_all(&filter::line(&rejection)?).context("writing rejections")?;
            }
            counts.rejected += 1;
        }
        chunk.clear();
        spares().push(chunk);
        anyhow::Ok(())
    })?;
    output.flush().context("writing samples")?;
    if let Some(rejected) = &mut rejected {
        rejected.flush().context("writing rejections")?;
    }
    Ok(counts)
}

/// Lines with their ends.
fn lines(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        rest.split_off(..end).filter(|line| !line.is_empty())
    })
}

impl Chunk {
    /// Reads lines until there are enough of them; tells how many. None are left where it reads none.
    fn read(&mut self, input: &mut impl BufRead) -> io::Result<u64> {
        input.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut self.lines)?;
        input.read_until(b'\n', &mut self.lines)?;
        let ended = memchr::memchr_iter(b'\n', &self.lines).count() as u64;
        // The last line of a file may lack its end.
        Ok(ended + u64::from(self.lines.last().is_some_and(|last| *last != b'\n')))
    }

    fn work(&mut self, source: &str, assembler: &Assembler) -> anyhow::Result<()> {
        for (number, line) in (self.first..).zip(lines(&self.lines)) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match read_executed(source, number, line).and_then(|executed| assemble(executed, assembler)) {
                Ok(samples) => {
                    for sample in &samples {
                        sample.write_line(&mut self.samples, assembler.line_format())?;
                        self.samples.push(b'\n');
                    }
                    self.passed += 1;
                }
                Err(rejection) => self.rejections.push(*rejection),
            }
        }
        Ok(())
    }

    /// Empties it, but for its buffers; one that a long line made large is given back.
    fn clear(&mut self) {
        self.passed = 0;
        for buffer in [&mut self.lines, &mut self.samples] {
            buffer.clear();
            buffer.shrink_to(4 * CHUNK_BYTES);
        }
    }
}
