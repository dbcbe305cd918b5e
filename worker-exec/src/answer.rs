//! What came back of a program: its own frames, which may be forged, and the facts of its end, which are ours.

use pipeline::records::{Limit, Outcome, RaisedError};

use crate::settings::MAX_EXAMPLES;

/// The type under which the end of a process in the middle of a call is recorded (`os._exit`, a signal): no class of
/// Python's has this name.
pub const PROCESS_ENDED: &str = "<process>";
/// Exit status of a child whose own machinery ran out of memory.
const OUT_OF_MEMORY: i32 = 71;
/// Exit status of a process that proved that it is in a loop without end; see `6_endless.py`.
const ENDLESS: i32 = 72;

/// One call, as the program's process told it.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Index into `examples`.
    pub index: usize,
    /// Repr of the keyword arguments.
    pub input: String,
    /// Each of them.
    pub arguments: Vec<Argument>,
    /// What it did; none where the process ended first.
    pub done: Option<Done>,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The parameter.
    pub name: String,
    /// Its repr.
    pub shown: String,
    /// Whether the repr, read as source, gives the value back.
    pub literal: bool,
}

/// What a call did.
#[derive(Clone, Debug)]
pub struct Done {
    /// The outcome.
    pub outcome: Outcome,
    /// See [`pipeline::records::Execution::literal`].
    pub literal: bool,
    /// Sorted form of the value, the message of an error, or nothing.
    pub canonical: String,
    /// Lines of the program that ran.
    pub lines: Vec<u32>,
}

/// Everything that is known about one process.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Whether it gave up everything; no byte of the program is read before.
    pub locked_in: bool,
    /// Whether the definition ran.
    pub defined: bool,
    /// Length of the list `examples`, once it was built.
    pub examples: Option<usize>,
    /// Why the definition or the examples failed, or what was printed could not be told.
    pub failure: Option<String>,
    /// What the program printed, as far as it was asked for.
    pub printed: Vec<u8>,
    /// Calls in the order in which they started; only the last may lack an outcome.
    pub calls: Vec<Call>,
    /// Why the process could not be set up.
    pub not_set_up: Option<String>,
    /// Whether a frame made no sense: the program wrote it.
    pub forged: bool,
}

impl Answer {
    /// Takes in one frame of the program. What makes no sense ends the taking in.
    pub fn take(&mut self, kind: u8, payload: &[u8]) {
        if !self.forged && self.try_take(kind, payload).is_none() {
            self.forged = true;
        }
    }

    fn try_take(&mut self, kind: u8, payload: &[u8]) -> Option<()> {
        let mut rest = Reader(payload);
        let idle = self.calls.last().is_none_or(|call| call.done.is_some());
        match kind {
            b'L' if !self.locked_in && self.not_set_up.is_none() => self.locked_in = true,
            // After the lock-in only the program could have written it.
            b'Y' if !self.locked_in => self.not_set_up = Some(lossy(payload)),
            b'P' if self.locked_in && !self.defined => self.defined = true,
            b'X' if idle && self.failure.is_none() => self.failure = Some(lossy(payload)),
            b'N' if self.defined && self.examples.is_none() => {
                let count = rest.number()?;
                // The runner itself turns down any other number, and the worker allocates by this one.
                if !(1..=MAX_EXAMPLES).contains(&count) {
                    return None;
                }
                self.examples = Some(count as usize);
            }
            b'S' if idle => {
                let (index, input) = (rest.number()? as usize, lossy(rest.field()?));
                if index >= self.examples? || self.calls.iter().any(|call| call.index == index) {
                    return None;
                }
                let mut arguments = Vec::new();
                while !rest.0.is_empty() {
                    let name = lossy(rest.field()?);
                    let literal = rest.bytes::<1>()? == [1];
                    arguments.push(Argument { name, shown: lossy(rest.field()?), literal });
                }
                self.calls.push(Call { index, input, arguments, done: None });
            }
            b'T' if self.examples.is_some() => self.printed.extend(payload),
            b'R' if !idle => {
                let done = Done::read(rest)?;
                self.calls.last_mut()?.done = Some(done);
            }
            _ => return None,
        }
        Some(())
    }
}

impl Done {
    fn read(mut rest: Reader<'_>) -> Option<Self> {
        let nothing = |outcome| Self { outcome, literal: false, canonical: String::new(), lines: Vec::new() };
        let (kind, rest_of) = rest.0.split_first()?;
        rest.0 = rest_of;
        if *kind == b'l' {
            let limit = match rest.0 {
                b"memory" => Limit::Memory,
                b"output" => Limit::Output,
                _ => return None,
            };
            return Some(nothing(Outcome::Limit(limit)));
        }
        let (flag, rest_of) = rest.0.split_first()?;
        rest.0 = rest_of;
        let (first, second) = (lossy(rest.field()?), lossy(rest.field()?));
        let mut lines = Vec::new();
        while !rest.0.is_empty() {
            lines.push(rest.number()?);
        }
        let flag = *flag == 1;
        Some(match kind {
            b'r' => Self { outcome: Outcome::Return(first), literal: flag, canonical: second, lines },
            b'e' => {
                let error = RaisedError { class: first, message: second.clone(), explicit: flag };
                Self { outcome: Outcome::Error(error), literal: false, canonical: second, lines }
            }
            _ => return None,
        })
    }
}

/// How a process ended, from sandbox-init's own `wait4`.
#[derive(Clone, Debug)]
pub struct End {
    /// What sandbox-init saw.
    pub cause: Cause,
    /// Wait status.
    pub status: i32,
    /// CPU time, user and system.
    pub cpu_us: u64,
    /// By the clock, from the job's arrival to the end.
    pub wall_us: u64,
    /// Largest resident set.
    pub max_rss_kib: u64,
    /// What was wrong when it was cleaned up after; empty if nothing.
    pub anomaly: String,
}

/// Why a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By itself.
    Ended,
    /// Killed: a step used up its CPU time; or the process proved that it would.
    Cpu,
    /// Killed: a step took too long by the clock.
    Wall,
    /// Killed: its frames were too many or too large, or no frames.
    Flood,
    /// Killed: it closed its end and lived on.
    Silent,
    /// It said that it was done.
    Done,
    /// It was not started.
    PassedOver,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Ended, Self::Cpu, Self::Wall, Self::Flood, Self::Silent, Self::Done, Self::PassedOver];

    /// As in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::Flood => "flood",
            Self::Silent => "silent",
            Self::Done => "done",
            Self::PassedOver => "passed_over",
        }
    }
}

impl End {
    /// Reads sandbox-init's report.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut rest = Reader(payload);
        let cause = match rest.bytes::<1>()?[0] {
            0 => Cause::Ended,
            1 => Cause::Cpu,
            2 => Cause::Wall,
            3 => Cause::Flood,
            4 => Cause::Silent,
            5 => Cause::Done,
            6 => Cause::PassedOver,
            _ => return None,
        };
        let status = i32::from_le_bytes(rest.bytes()?);
        Some(Self {
            // Its limit is as good as reached.
            cause: if cause == Cause::Ended && status == ENDLESS << 8 { Cause::Cpu } else { cause },
            status,
            cpu_us: u64::from_le_bytes(rest.bytes()?),
            wall_us: u64::from_le_bytes(rest.bytes()?),
            max_rss_kib: u64::from_le_bytes(rest.bytes()?),
            anomaly: lossy(rest.0),
        })
    }

    /// What is recorded for the call in whose middle the process ended.
    pub fn outcome(&self, memory_bytes: u64) -> Outcome {
        let (signal, exit) = (self.status & 0x7f, self.status >> 8 & 0xff);
        let killed_for_memory = signal == 9 && self.max_rss_kib * 1024 > memory_bytes / 2;
        match self.cause {
            Cause::Cpu | Cause::Wall => Outcome::Limit(Limit::Time),
            Cause::Flood => Outcome::Limit(Limit::Output),
            Cause::Ended if signal == 0 && exit == OUT_OF_MEMORY || killed_for_memory => Outcome::Limit(Limit::Memory),
            Cause::Ended if signal == 0 => ended(format!("exit status {exit}")),
            Cause::Ended => ended(format!("signal {signal}")),
            Cause::Silent | Cause::Done | Cause::PassedOver => ended("stopped answering".to_owned()),
        }
    }

    /// One phrase for a reader.
    pub fn describe(&self, memory_bytes: u64) -> String {
        match self.outcome(memory_bytes) {
            Outcome::Limit(Limit::Time) => "time limit".to_owned(),
            Outcome::Limit(Limit::Memory) => "memory limit".to_owned(),
            Outcome::Limit(Limit::Output) => "output limit".to_owned(),
            Outcome::Error(error) => format!("the process ended: {}", error.message),
            Outcome::Return(_) => String::new(),
        }
    }
}

/// The end of a process as an outcome.
pub fn ended(message: String) -> Outcome {
    Outcome::Error(RaisedError { class: PROCESS_ENDED.to_owned(), message, explicit: false })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn number(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }
}

/// A cap may have cut the last character in two.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
