//! What is spent on a model, what that costs, and when to stop.

use std::{
    ops::Add,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pipeline::{error::Failure, shutdown::CancellationToken};
use serde::{Deserialize, Serialize};

/// What was spent. Only what a server counted: what it worked for a request that timed out it tells nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Requests sent, retries included.
    pub calls: u64,
    /// Requests that failed and were sent again.
    pub retries: u64,
    /// Requests that the completion cache answered; they are no calls.
    pub cache_hits: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Completion tokens.
    pub completion_tokens: u64,
    /// Prompt tokens that a server had worked before; part of the prompt tokens.
    pub cached_tokens: u64,
    /// Milliseconds that requests waited, all together: for room at a server, and between tries.
    pub waiting_ms: u64,
}

impl Usage {
    /// Prompt and completion tokens.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// One request sent.
    pub fn call() -> Self {
        Self { calls: 1, ..Self::default() }
    }

    /// One request that is sent again.
    pub fn retry() -> Self {
        Self { retries: 1, ..Self::default() }
    }

    /// One request that the cache answered.
    pub fn cache_hit() -> Self {
        Self { cache_hits: 1, ..Self::default() }
    }

    /// A wait.
    pub fn waited(time: Duration) -> Self {
        Self { waiting_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX), ..Self::default() }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            retries: self.retries.saturating_add(other.retries),
            cache_hits: self.cache_hits.saturating_add(other.cache_hits),
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_add(other.completion_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            waiting_ms: self.waiting_ms.saturating_add(other.waiting_ms),
        }
    }
}

/// What a million tokens cost, in whatever currency. Cached prompt tokens cost what prompt tokens cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// A million prompt tokens.
    pub prompt: f64,
    /// A million completion tokens.
    pub completion: f64,
}

impl Price {
    /// What so many tokens cost.
    pub fn of(&self, prompt_tokens: u64, completion_tokens: u64) -> f64 {
        (prompt_tokens as f64 * self.prompt + completion_tokens as f64 * self.completion) / 1e6
    }
}

impl FromStr for Price {
    type Err = Failure;

    /// Reads `IN,OUT`.
    ///
    /// # Errors
    /// Not two numbers from 0 on: [`Failure::Usage`].
    fn from_str(text: &str) -> Result<Self, Failure> {
        let number = |part: &str| part.trim().parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
        let both = text.split_once(',').and_then(|(prompt, completion)| Some((number(prompt)?, number(completion)?)));
        let (prompt, completion) = both.ok_or_else(|| {
            let form = "two numbers from 0 on, of a million prompt tokens and of a million completion tokens";
            Failure::Usage(format!("--price {text}: give IN,OUT: {form}, e.g. 0.15,0.6"))
        })?;
        Ok(Self { prompt, completion })
    }
}

/// Counts what is spent, and says when that is enough. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    price: Option<Price>,
    max_tokens_total: Option<u64>,
    max_cost: Option<f64>,
    spent: Spent,
    exhausted: CancellationToken,
}

/// A [`Usage`] that many tasks add to.
#[derive(Debug)]
struct Spent {
    calls: AtomicU64,
    retries: AtomicU64,
    cache_hits: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    waiting_ms: AtomicU64,
}

impl Budget {
    /// A budget of which `before` is spent already. `max_cost` has an effect only with a price.
    pub fn new(price: Option<Price>, max_tokens_total: Option<u64>, max_cost: Option<f64>, before: Usage) -> Self {
        let spent = Spent {
            calls: before.calls.into(),
            retries: before.retries.into(),
            cache_hits: before.cache_hits.into(),
            prompt_tokens: before.prompt_tokens.into(),
            completion_tokens: before.completion_tokens.into(),
            cached_tokens: before.cached_tokens.into(),
            waiting_ms: before.waiting_ms.into(),
        };
        let exhausted = CancellationToken::new();
        let budget = Self(Arc::new(Inner { price, max_tokens_total, max_cost, spent, exhausted }));
        budget.look();
        budget
    }

    /// Counts, without a limit.
    pub fn unlimited() -> Self {
        Self::new(None, None, None, Usage::default())
    }

    /// Adds to what is spent.
    pub fn spend(&self, usage: &Usage) {
        let spent = &self.0.spent;
        for (counter, more) in [
            (&spent.calls, usage.calls),
            (&spent.retries, usage.retries),
            (&spent.cache_hits, usage.cache_hits),
            (&spent.prompt_tokens, usage.prompt_tokens),
            (&spent.completion_tokens, usage.completion_tokens),
            (&spent.cached_tokens, usage.cached_tokens),
            (&spent.waiting_ms, usage.waiting_ms),
        ] {
            if more > 0 {
                counter.fetch_add(more, Ordering::Relaxed);
            }
        }
        if usage.tokens() > 0 {
            self.look();
        }
    }

    /// All that is spent, what was spent before included.
    pub fn total(&self) -> Usage {
        let spent = &self.0.spent;
        Usage {
            calls: spent.calls.load(Ordering::Relaxed),
            retries: spent.retries.load(Ordering::Relaxed),
            cache_hits: spent.cache_hits.load(Ordering::Relaxed),
            prompt_tokens: spent.prompt_tokens.load(Ordering::Relaxed),
            completion_tokens: spent.completion_tokens.load(Ordering::Relaxed),
            cached_tokens: spent.cached_tokens.load(Ordering::Relaxed),
            waiting_ms: spent.waiting_ms.load(Ordering::Relaxed),
        }
    }

    /// What that costs; none without a price.
    pub fn cost(&self) -> Option<f64> {
        let total = self.total();
        self.0.price.map(|price| price.of(total.prompt_tokens, total.completion_tokens))
    }

    /// Cancelled once as much is spent as may be.
    pub fn exhausted(&self) -> &CancellationToken {
        &self.0.exhausted
    }

    /// Which limit is reached, and what is spent, in one clause; none while there is something left.
    pub fn why(&self) -> Option<String> {
        let (limit, total) = (self.reached()?, self.total());
        let cost = self.cost().map(|cost| format!(", {cost:.4} by --price")).unwrap_or_default();
        let Usage { prompt_tokens, completion_tokens, calls, .. } = total;
        Some(format!(
            "{limit} is reached: {} tokens are spent ({prompt_tokens} prompt, {completion_tokens} completion, in {calls} \
             calls{cost})",
            total.tokens()
        ))
    }

    /// A token that is cancelled with `stop`, or once this is exhausted.
    pub fn stops(&self, stop: &CancellationToken) -> CancellationToken {
        let (either, budget) = (stop.child_token(), self.clone());
        let stopped = either.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = budget.exhausted().cancelled() => {
                    let why = budget.why().unwrap_or_default();
                    tracing::info!(why, "stopping: finishing what is in flight");
                    stopped.cancel();
                }
            }
        });
        either
    }

    fn reached(&self) -> Option<String> {
        let tokens = self.total().tokens();
        if let Some(most) = self.0.max_tokens_total.filter(|most| tokens >= *most) {
            return Some(format!("--max-tokens-total {most}"));
        }
        let cost = self.cost()?;
        self.0.max_cost.filter(|most| cost >= *most).map(|most| format!("--max-cost {most}"))
    }

    fn look(&self) {
        if self.reached().is_some() {
            self.0.exhausted.cancel();
        }
    }
}
