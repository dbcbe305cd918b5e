use std::io::{self, BufRead};

/// How much of a line that is too long is kept, to recognize it by.
const KEPT_BYTES: usize = 200;

/// What a bounded read of a line found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its newline.
    Whole(Vec<u8>),
    /// A line over the limit: its length and how it starts. The rest was read past, not held.
    TooLong { bytes: u64, start: Vec<u8> },
}

/// Reads the next line, holding at most `limit` bytes of it; none at the end of the file.
pub(super) fn next(reader: &mut impl BufRead, limit: u64) -> io::Result<Option<Line>> {
    let (mut line, mut bytes, mut ended) = (Vec::new(), 0u64, false);
    while !ended {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if buffer.is_empty() {
            if bytes == 0 {
                return Ok(None);
            }
            break;
        }
        let newline = buffer.iter().position(|byte| *byte == b'\n');
        ended = newline.is_some();
        let part = &buffer[..newline.unwrap_or(buffer.len())];
        bytes += part.len() as u64;
        if bytes <= limit {
            line.extend_from_slice(part);
        } else if line.len() < KEPT_BYTES {
            line.extend_from_slice(&part[..part.len().min(KEPT_BYTES)]);
        } else if line.capacity() > KEPT_BYTES {
            line.truncate(KEPT_BYTES);
            line.shrink_to_fit();
        }
        let consumed = part.len() + usize::from(ended);
        reader.consume(consumed);
        // An empty line is a line: it must not be taken for the end.
        if ended && bytes == 0 {
            return Ok(Some(Line::Whole(line)));
        }
    }
    if bytes <= limit {
        return Ok(Some(Line::Whole(line)));
    }
    line.truncate(KEPT_BYTES);
    Ok(Some(Line::TooLong { bytes, start: line }))
}
