//! The worker's side: length-framed messages on stdin and stdout, which only this process holds.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    os::fd::FromRawFd,
    time::Duration,
};

use crate::runner::Kind;

/// Largest message that the worker may send: a program and its examples.
const MAX_JOB_BYTES: usize = 128 << 20;

/// One program to run.
pub struct Job {
    /// Which interpreter runs it.
    pub kind: Kind,
    /// Whether it is passed over unless the program before it said that it was done.
    pub only_after_done: bool,
    /// CPU time of each step: definition, examples, each call.
    pub cpu: Duration,
    /// The same by the clock.
    pub wall: Duration,
    /// What the runner's child reads, opaque here.
    pub payload: Vec<u8>,
}

/// The jobs that the worker sends.
pub struct Jobs(BufReader<File>);

impl Jobs {
    /// Takes over stdin.
    pub fn from_stdin() -> Self {
        // SAFETY: descriptor 0 is open from the start, and nothing else here reads from it.
        Self(BufReader::with_capacity(1 << 16, unsafe { File::from_raw_fd(0) }))
    }

    /// Whether a part of the next job is here already.
    pub fn more(&self) -> bool {
        !self.0.buffer().is_empty()
    }

    /// The next job, or `None` when the worker has closed its end.
    pub fn next(&mut self) -> io::Result<Option<Job>> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let length = u32::from_le_bytes(length) as usize;
        if !(9..=MAX_JOB_BYTES).contains(&length) {
            return Err(io::Error::other(format!("a job of {length} bytes")));
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        let millis = |at: usize| {
            Duration::from_millis(u64::from(u32::from_le_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]])))
        };
        let kind = Kind { hash_seed: body[0] & 1, rich: body[0] & 2 != 0 };
        let (cpu, wall) = (millis(1), millis(5));
        Ok(Some(Job { kind, only_after_done: body[0] & 4 != 0, cpu, wall, payload: body.split_off(9) }))
    }
}

/// Appends one message: `kind`, then `payload`.
pub fn push(to: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    to.extend((payload.len() as u32 + 1).to_le_bytes());
    to.push(kind);
    to.extend(payload);
}

/// Sends what was gathered and empties the buffer.
pub fn flush(buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(buffer)?;
    buffer.clear();
    stdout.flush()
}
