use pipeline::{
    error::Failure,
    filter::{Counts, RejectionWriter, write_line},
};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufWriter};

use super::{Assembler, assemble, read_executed};

/// `case2code assemble`: executed functions as JSON Lines → samples as JSON Lines, in input order. One function may
/// give several rows; what is counted is functions.
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
    for number in 1.. {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line).await.map_err(anyhow::Error::from)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let verdict = match read_executed(source, number, line) {
            Ok(executed) => assemble(executed, &assembler),
            Err(rejection) => Err(rejection),
        };
        match verdict {
            Ok(samples) => {
                for sample in &samples {
                    write_line(&mut output, sample).await?;
                }
                counts.passed += 1;
            }
            Err(rejection) => {
                rejected.write(&rejection).await?;
                counts.rejected += 1;
            }
        }
    }
    output.flush().await.map_err(anyhow::Error::from)?;
    rejected.finish().await?;
    Ok(counts)
}
