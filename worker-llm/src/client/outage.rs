//! Whether the server answers anyone, so that an outage is said once and not once per record.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// When the server last answered.
#[derive(Debug)]
pub(super) struct Outage {
    answered: Mutex<Instant>,
    announced: AtomicBool,
}

impl Outage {
    pub fn new() -> Self {
        Self { answered: Mutex::new(Instant::now()), announced: AtomicBool::new(false) }
    }

    pub fn answered(&self) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if self.announced.swap(false, Ordering::Relaxed) {
            tracing::info!("the LLM server answers again");
        }
    }

    /// How long it has been asked in vain; a request that began at `begun` cannot know of silence before.
    pub fn silent_since(&self, begun: Instant) -> Duration {
        begun.max(*self.answered.lock().unwrap_or_else(PoisonError::into_inner)).elapsed()
    }

    /// Says once that work waits; `said` is the server's own word on it.
    pub fn announce(&self, problem: &str, said: &str) {
        if !self.announced.swap(true, Ordering::Relaxed) {
            tracing::warn!(problem, said, "the LLM server gives no answers; waiting for it");
        }
    }
}
