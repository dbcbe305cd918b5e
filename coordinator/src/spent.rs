//! What a run has spent on its model, kept in its folder from process to process.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::Context;
use serde_json::{Value, json};
use worker_llm::budget::{Budget, Usage};

/// Between two looks at whether there is something new to keep.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// `.state/usage.json`. Replaced in one step about once a second; a crash may lose what was spent since.
#[derive(Clone, Debug)]
pub struct UsageFile(pub(crate) PathBuf);

impl UsageFile {
    /// What earlier processes spent.
    ///
    /// # Errors
    /// It does not read.
    pub fn read(&self) -> anyhow::Result<Usage> {
        match std::fs::read(&self.0) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("reading {}", self.0.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Usage::default()),
            Err(error) => Err(error).with_context(|| format!("reading {}", self.0.display())),
        }
    }

    /// Replaces it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, usage: &Usage) -> anyhow::Result<()> {
        let folder = self.0.parent().context("usage.json lies in a folder")?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(usage)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.0).with_context(|| format!("writing {}", self.0.display()))?;
        Ok(())
    }
}

/// Keeps what a budget has spent, until it is dropped.
pub struct Keeper {
    file: UsageFile,
    budget: Budget,
    ticker: Option<tokio::task::JoinHandle<()>>,
}

impl Keeper {
    /// Starts to keep.
    pub fn start(file: UsageFile, budget: Budget) -> Self {
        let (to, from) = (file.clone(), budget.clone());
        let ticker = tokio::spawn(async move {
            let mut kept = from.total();
            loop {
                tokio::time::sleep(KEEP_EVERY).await;
                let now = from.total();
                if now != kept {
                    keep(&to, &now);
                    kept = now;
                }
            }
        });
        Self { file, budget, ticker: Some(ticker) }
    }

    /// Keeps what is spent by now, and no more: the folder may be closed after it.
    pub async fn stop(mut self) {
        if let Some(ticker) = self.ticker.take() {
            ticker.abort();
            let _ = ticker.await; // it may be writing
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
        // A folder that is closed has no state any more.
        if self.file.0.parent().is_some_and(std::path::Path::exists) {
            keep(&self.file, &self.budget.total());
        }
    }
}

fn keep(file: &UsageFile, usage: &Usage) {
    if let Err(error) = file.write(usage) {
        tracing::warn!(error = format!("{error:#}"), "what was spent is not on disk");
    }
}

/// `usage` of run.json: what was really spent, rejected functions and repeated requests included.
pub fn to_json(budget: &Budget, model: &Value, accepted: u64) -> Value {
    let usage = budget.total();
    let each = (accepted > 0).then(|| (usage.tokens() as f64 / accepted as f64 * 10.0).round() / 10.0);
    json!({
        "model": model,
        "calls": usage.calls,
        "retries": usage.retries,
        "cache_hits": usage.cache_hits,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "seconds_waiting": usage.waiting_ms as f64 / 1000.0,
        "tokens_per_accepted": each,
        "cost": budget.cost(),
    })
}
