use std::{collections::VecDeque, ops::Range, sync::Arc};

use pipeline::{
    error::Failure,
    filter::{Counts, RejectionWriter},
    records::Rejection,
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufWriter},
    task::JoinHandle,
};

use super::{Assembler, assemble, read_executed};
use crate::output::rows::Row;

/// Bytes of lines that are worked at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Whole lines, one after another in one buffer.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Number and place of each line that is not blank.
    lines: Vec<(u64, Range<usize>)>,
}

/// What became of a chunk. Its buffers are used again: fresh memory costs as much as the work in it.
#[derive(Default)]
struct Worked {
    chunk: Chunk,
    samples: Vec<u8>,
    passed: u64,
    rejections: Vec<Rejection>,
}

/// `case2code assemble`: executed functions as JSON Lines → samples as JSON Lines, in input order. One function may
/// give several rows; what is counted is functions. A line that is a rejection already stays one.
///
/// # Errors
/// A file fails: then what was written so far is whole lines.
pub async fn run_filter(
    mut input: impl AsyncBufRead + Send + Unpin,
    source: &str,
    assembler: Assembler,
    output: impl AsyncWrite + Send + Unpin,
    mut rejected: RejectionWriter,
) -> Result<Counts, Failure> {
    let (mut output, mut counts) = (BufWriter::new(output), Counts::default());
    let (source, assembler): (Arc<str>, _) = (source.into(), Arc::new(assembler));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut under_way: VecDeque<JoinHandle<anyhow::Result<Worked>>> = VecDeque::new();
    let (mut next, mut spare, mut ended) = (Worked::default(), Vec::new(), false);
    let mut number = 0;
    while !ended {
        let chunk = &mut next.chunk;
        let start = chunk.bytes.len();
        number += 1;
        ended = input.read_until(b'\n', &mut chunk.bytes).await.map_err(anyhow::Error::from)? == 0;
        if !chunk.bytes[start..].trim_ascii().is_empty() {
            chunk.lines.push((number, start..chunk.bytes.len()));
        }
        if chunk.bytes.len() >= CHUNK_BYTES || ended {
            let mut worked = std::mem::replace(&mut next, spare.pop().unwrap_or_default());
            let (source, assembler) = (Arc::clone(&source), Arc::clone(&assembler));
            under_way.push_back(tokio::task::spawn_blocking(move || {
                worked.work(&source, &assembler)?;
                Ok(worked)
            }));
        }
        while under_way.len() > if ended { 0 } else { cores } {
            let Some(first) = under_way.pop_front() else { break };
            let mut worked = first.await.map_err(anyhow::Error::from)??;
            output.write_all(&worked.samples).await.map_err(anyhow::Error::from)?;
            counts.passed += worked.passed;
            for rejection in worked.rejections.drain(..) {
                rejected.write(&rejection).await?;
                counts.rejected += 1;
            }
            worked.clear();
            spare.push(worked);
        }
    }
    output.flush().await.map_err(anyhow::Error::from)?;
    rejected.finish().await?;
    Ok(counts)
}

impl Worked {
    fn work(&mut self, source: &str, assembler: &Assembler) -> anyhow::Result<()> {
        for (number, place) in &self.chunk.lines {
            let line = &self.chunk.bytes[place.clone()];
            match read_executed(source, *number, line).and_then(|executed| assemble(executed, assembler)) {
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
        self.chunk.lines.clear();
        for buffer in [&mut self.chunk.bytes, &mut self.samples] {
            buffer.clear();
            buffer.shrink_to(4 * CHUNK_BYTES);
        }
    }
}
