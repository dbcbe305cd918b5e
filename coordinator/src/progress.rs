//! One line on the terminal that says where a run is; nothing where stderr is no terminal.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::sink::standing::SharedStanding;

/// What a run counts while it goes on.
#[derive(Default)]
pub struct RunCounts {
    /// Items that were collected so far.
    pub collected: AtomicU64,
    /// Functions that were handed to the writer by this process.
    pub submitted: AtomicU64,
    /// What the sink has seen.
    pub sink: SharedStanding,
}

/// Shows the counts until it is dropped.
pub struct Progress {
    bar: ProgressBar,
    ticker: tokio::task::JoinHandle<()>,
}

impl Progress {
    /// Starts to show `counts`.
    pub fn start(counts: Arc<RunCounts>) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let template = "{spinner} {pos}/{len} outcomes  {per_sec}  {elapsed} elapsed, {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let shown = bar.clone();
        let ticker = tokio::spawn(async move {
            loop {
                let (collected, standing) = (counts.collected.load(Ordering::Relaxed), counts.sink.get());
                let done = standing.outcomes;
                shown.set_length(collected.max(done));
                shown.set_position(done);
                shown.set_message(format!("{} shards written", standing.written));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self { bar, ticker }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.ticker.abort();
        self.bar.finish_and_clear();
    }
}
