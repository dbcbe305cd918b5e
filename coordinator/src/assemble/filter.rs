use std::{collections::VecDeque, sync::Arc};

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

/// Lines with their numbers, and what became of them.
type Chunk = Vec<(u64, Vec<u8>)>;

#[derive(Default)]
struct Worked {
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
    let (mut chunk, mut bytes, mut ended) = (Chunk::new(), 0, false);
    let mut number = 0;
    while !ended {
        let mut line = Vec::new();
        number += 1;
        ended = input.read_until(b'\n', &mut line).await.map_err(anyhow::Error::from)? == 0;
        if !line.trim_ascii().is_empty() {
            bytes += line.len();
            chunk.push((number, line));
        }
        if bytes >= CHUNK_BYTES || ended {
            let (chunk, source, assembler) = (std::mem::take(&mut chunk), Arc::clone(&source), Arc::clone(&assembler));
            under_way.push_back(tokio::task::spawn_blocking(move || work(chunk, &source, &assembler)));
            bytes = 0;
        }
        while under_way.len() > if ended { 0 } else { cores } {
            let Some(first) = under_way.pop_front() else { break };
            let worked = first.await.map_err(anyhow::Error::from)??;
            output.write_all(&worked.samples).await.map_err(anyhow::Error::from)?;
            counts.passed += worked.passed;
            for rejection in worked.rejections {
                rejected.write(&rejection).await?;
                counts.rejected += 1;
            }
        }
    }
    output.flush().await.map_err(anyhow::Error::from)?;
    rejected.finish().await?;
    Ok(counts)
}

fn work(chunk: Chunk, source: &str, assembler: &Assembler) -> anyhow::Result<Worked> {
    let mut worked = Worked::default();
    for (number, line) in chunk {
        match read_executed(source, number, line).and_then(|executed| assemble(executed, assembler)) {
            Ok(samples) => {
                for sample in &samples {
                    sample.write_line(&mut worked.samples, assembler.line_format())?;
                    worked.samples.push(b'\n');
                }
                worked.passed += 1;
            }
            Err(rejection) => worked.rejections.push(*rejection),
        }
    }
    Ok(worked)
}
