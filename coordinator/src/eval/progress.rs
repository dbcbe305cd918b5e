//! The line on the terminal; where stderr is none, one in the log now and then.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const SHOW_EVERY: Duration = Duration::from_millis(200);
const LOG_EVERY: Duration = Duration::from_secs(30);

/// So many of something; gone when it is dropped.
pub struct Progress {
    what: &'static str,
    bar: ProgressBar,
    logged: Instant,
}

impl Progress {
    /// Begins with `done` of `count`.
    pub fn start(what: &'static str, count: usize, done: usize) -> Self {
        let bar = ProgressBar::new(count as u64).with_position(done as u64);
        let template = format!("{{spinner}} {{pos}}/{{len}} {what}  {{per_sec}}  {{elapsed}} elapsed, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(SHOW_EVERY);
        Self { what, bar, logged: Instant::now() }
    }

    /// So many more.
    pub fn add(&mut self, count: usize) {
        self.bar.inc(count as u64);
        if self.bar.is_hidden() && self.logged.elapsed() > LOG_EVERY {
            self.logged = Instant::now();
            tracing::info!(what = self.what, done = self.bar.position(), of = self.bar.length(), "progress");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
