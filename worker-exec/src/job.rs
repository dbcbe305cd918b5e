//! What a program is told: the message to `sandbox-init`, with the JSON that only the program's own process reads.

use std::time::Duration;

use serde::Serialize;

/// The limit by the clock, as a multiple of the limit of CPU time.
pub const WALL_FACTOR: u32 = 5;

/// One process's work: define the function, build the examples, call it on some of them.
#[derive(Clone, Debug, Serialize)]
pub struct Job<'a> {
    /// The function's name.
    pub name: &'a str,
    /// Context and function.
    pub program: &'a str,
    /// The block that builds `examples`.
    pub examples: &'a str,
    /// Indices of the examples to call it on, in this order; all if none.
    pub order: Option<Vec<usize>>,
    /// What `random` is seeded with before each step.
    pub seed: u32,
    /// Whether to record the lines that run.
    pub lines: bool,
    /// Whether to add a form of each value in which sets and dicts are sorted.
    pub canonical: bool,
    /// 0: hash seed 0; 1: hash seed 1.
    #[serde(skip)]
    pub runner: u8,
    /// CPU time of each step.
    #[serde(skip)]
    pub cpu: Duration,
}

impl Job<'_> {
    /// By the clock, each step.
    pub fn wall(&self) -> Duration {
        self.cpu * WALL_FACTOR
    }

    /// The whole message: length, runner, limits in milliseconds, JSON.
    pub fn message(&self) -> Vec<u8> {
        let mut message = vec![0; 4];
        message.push(self.runner);
        for limit in [self.cpu, self.wall()] {
            message.extend((limit.as_millis() as u32).to_le_bytes());
        }
        // Strings and numbers into memory: cannot fail.
        message.extend(serde_json::to_vec(self).unwrap_or_default());
        let length = message.len() as u32 - 4;
        message[..4].copy_from_slice(&length.to_le_bytes());
        message
    }
}
