//! What a program is told: the message to `sandbox-init`, with the part that only the program's own process reads.

use std::time::Duration;

/// The limit by the clock, as a multiple of the limit of CPU time.
pub const WALL_FACTOR: u32 = 5;
/// In place of a number of indices: call it on all examples.
const ALL: u32 = u32::MAX;

/// One process's work: define the function, build the examples, call it on some of them.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The function's name.
    pub name: &'a str,
    /// Context and function.
    pub program: &'a str,
    /// The block that builds `examples`.
    pub examples: &'a str,
    /// Indices of the examples to call it on, in this order; all if none.
    pub order: Option<Vec<usize>>,
    /// Whether all means from the last to the first.
    pub reversed: bool,
    /// Whether its clock is a year on.
    pub shifted: bool,
    /// What `random` is seeded with before each step.
    pub seed: u32,
    /// Whether to record the lines that run.
    pub lines: bool,
    /// Whether to add a form of each value in which sets and dicts are sorted.
    pub canonical: bool,
    /// Whether each answer is sent at once, so that what a process said before it was ended is known. Otherwise the
    /// answers come together, which is faster.
    pub careful: bool,
    /// Whether it is run as the published evaluation does, in one module with its examples; see `8_evaluation.py`.
    /// `canonical` then asks for the inputs.
    pub evaluation: bool,
    /// Whether it is passed over unless the program sent before it said that it was done.
    pub only_after_done: bool,
    /// Which interpreter runs it.
    pub runner: Runner,
    /// CPU time of each step.
    pub cpu: Duration,
}

/// An interpreter of a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runner {
    /// Whether it has hash seed 1 instead of 0.
    pub other_hash_seed: bool,
    /// Whether it has loaded what programs import. One that has not is smaller, and a child of it cheaper.
    pub rich: bool,
}

impl Runner {
    /// The one for this source: what imports nothing needs no modules. Where the word stands for something else, or an
    /// import comes about without it, the program does the same, only slower.
    pub fn for_source(program: &str, examples: &str) -> Self {
        Self { other_hash_seed: false, rich: program.contains("import") || examples.contains("import") }
    }
}

impl Job<'_> {
    /// By the clock, each step.
    pub fn wall(&self) -> Duration {
        self.cpu * WALL_FACTOR
    }

    /// The whole message: length, runner, limits in milliseconds, and what `9_main.py` reads. Numbers are
    /// little-endian.
    pub fn message(&self) -> Vec<u8> {
        let mut message = vec![0; 4];
        message.push(flags([self.runner.other_hash_seed, self.runner.rich, self.only_after_done]) as u8);
        let mut number = |number: u32| message.extend(number.to_le_bytes());
        for limit in [self.cpu, self.wall()] {
            number(limit.as_millis() as u32);
        }
        number(flags([self.lines, self.canonical, self.careful, self.reversed, self.shifted, self.evaluation]));
        number(self.seed);
        match &self.order {
            None => number(ALL),
            Some(order) => {
                number(order.len() as u32);
                order.iter().for_each(|index| number(*index as u32));
            }
        }
        for text in [self.name, self.program, self.examples] {
            message.extend((text.len() as u32).to_le_bytes());
            message.extend(text.as_bytes());
        }
        let length = message.len() as u32 - 4;
        message[..4].copy_from_slice(&length.to_le_bytes());
        message
    }
}

/// The first is the lowest bit.
fn flags<const N: usize>(flags: [bool; N]) -> u32 {
    flags.iter().rev().fold(0, |bits, flag| bits << 1 | u32::from(*flag))
}
