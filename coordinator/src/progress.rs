//! One line on the terminal that says where a run is; where stderr is no terminal, one in the log now and then.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use worker_llm::budget::Budget;

use crate::standing::SharedStanding;

/// Between two looks of the line on a terminal.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// Between two lines of the log.
const LOG_EVERY: Duration = Duration::from_secs(30);

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
    /// Starts to show `counts`, and what is spent where this process spends.
    pub fn start(counts: Arc<RunCounts>, budget: Option<Budget>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), ticker: tokio::spawn(log(counts, budget)) };
        }
        let bar = ProgressBar::new(0);
        let template = "{spinner} {pos}/{len} outcomes  {per_sec}  {elapsed} elapsed, {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let ticker = tokio::spawn(show(bar.clone(), counts, budget));
        Self { bar, ticker }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.ticker.abort();
        self.bar.finish_and_clear();
    }
}

async fn show(bar: ProgressBar, counts: Arc<RunCounts>, budget: Option<Budget>) {
    loop {
        let (collected, standing) = (counts.collected.load(Ordering::Relaxed), counts.sink.get());
        let done = standing.outcomes;
        bar.set_length(collected.max(done));
        bar.set_position(done);
        bar.set_message(format!(
            "{} shards written{}",
            standing.written,
            budget.as_ref().map_or_else(String::new, spent)
        ));
        tokio::time::sleep(SHOW_EVERY).await;
    }
}

async fn log(counts: Arc<RunCounts>, budget: Option<Budget>) {
    let mut before = None;
    loop {
        tokio::time::sleep(LOG_EVERY).await;
        let (items, outcomes) = (counts.collected.load(Ordering::Relaxed), counts.sink.get().outcomes);
        // What earlier processes left counts as done at once: no rate can be told before the second look.
        let rate = before.map(|before| outcomes.saturating_sub(before) as f64 / LOG_EVERY.as_secs_f64());
        let total = budget.as_ref().map(Budget::total);
        let (prompt_tokens, completion_tokens) = (total.map(|t| t.prompt_tokens), total.map(|t| t.completion_tokens));
        let cost = budget.as_ref().and_then(Budget::cost);
        tracing::info!(items, outcomes, rate_per_s = rate, prompt_tokens, completion_tokens, cost, "progress");
        before = Some(outcomes);
    }
}

/// Tokens and cost, as short as a line has room; nothing where nothing was spent.
fn spent(budget: &Budget) -> String {
    let total = budget.total();
    if total.tokens() == 0 {
        return String::new();
    }
    let cost = budget.cost().map(|cost| format!(", cost {cost:.2}")).unwrap_or_default();
    format!("  {} tokens in, {} out{cost}", short(total.prompt_tokens), short(total.completion_tokens))
}

fn short(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..10_000_000 => format!("{:.1}k", count as f64 / 1e3),
        _ => format!("{:.1}M", count as f64 / 1e6),
    }
}
