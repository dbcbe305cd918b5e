//! The way to the server and back: a bound on what is in flight, quick retries, and patience when the server is down.

mod gauges;
mod http;
mod limit;
mod metrics;
mod outage;
mod pool;
mod wire;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use pipeline::{error::Failure, stage::StageError};

use crate::{
    budget::{Budget, Usage},
    cache::Cache,
    estimate::CHARS_A_TOKEN,
};

pub use http::{Endpoint, Timeouts};
pub use limit::MOST;
pub use metrics::ClientMetrics;
pub use wire::{Answer, Api, Reply, Request, Sampling};

use http::{Problem, Transient};
use outage::Outage;
use pool::{Lease, Pool};

/// Time for the shortest of answers.
const CANARY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request waits for room before it is given back; well under the time of an attempt.
const ROOM_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long a start waits for a first answer; a server that is full answers later.
const GREETING_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a client bears with its server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Failed tries of one request after which, if the server then answers another, the request is to blame.
    pub tries: u32,
    /// First pause between tries; doubled each time, up to 25 times as long.
    pub pause: Duration,
    /// How long the server may answer nothing at all before the work is given back.
    pub outage: Duration,
    /// How long one request may take with all its tries and pauses; well under the broker's consumer timeout.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let (pause, outage, total) = (200, 120, 20 * 60);
        Self {
            tries: 6,
            pause: Duration::from_millis(pause),
            outage: Duration::from_secs(outage),
            total: Duration::from_secs(total),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum CallError {
    /// The server turns this very request down, whoever sends it. Says how, without times or addresses.
    Refused(String),
    /// The server, not the request.
    Service(StageError),
}

/// A client of one model behind one or several endpoints.
#[derive(Debug)]
pub struct Client {
    pool: Pool,
    patience: Patience,
    outage: Outage,
    /// Whether the server has answered a request with these settings.
    accepted: AtomicBool,
    cache: Option<Cache>,
    metrics: ClientMetrics,
    budget: Budget,
}

impl Client {
    /// A client that sends at most `concurrency` requests at once to each endpoint, or as many as it finds to be right.
    pub fn new(
        endpoints: Vec<Endpoint>,
        concurrency: Option<usize>,
        patience: Patience,
        cache: Option<Cache>,
        metrics: ClientMetrics,
        budget: Budget,
    ) -> Self {
        let pool = Pool::new(endpoints, concurrency, metrics.clone());
        Self { pool, patience, outage: Outage::new(), accepted: AtomicBool::new(false), cache, metrics, budget }
    }

    /// What it counts.
    pub fn metrics(&self) -> &ClientMetrics {
        &self.metrics
    }

    /// Reaches every endpoint and finds the model to ask: `wanted`, or the only one there is.
    ///
    /// # Errors
    /// [`Failure::Unavailable`]: none was reached, or none takes this key; one that was not is passed over until it answers.
    /// [`Failure::Usage`]: no such model, or a choice to make.
    pub async fn choose_model(&self, wanted: Option<&str>) -> Result<String, Failure> {
        let lists = self.pool.endpoints().map(Endpoint::models);
        let lists = futures_util::future::join_all(lists).await;
        let (mut chosen, mut reached, mut unreached) = (wanted.map(str::to_owned), false, None);
        for models in lists {
            match models {
                Ok(models) => {
                    chosen = Some(choose(models, chosen)?);
                    reached = true;
                }
                Err(Failure::Unavailable(words)) => unreached = unreached.or(Some(words)),
                Err(failure) => return Err(failure),
            }
        }
        match unreached {
            Some(words) if !reached => return Err(Failure::Unavailable(words)),
            Some(words) => tracing::warn!(problem = words, "an LLM server is not there; the others are"),
            None => {}
        }
        let chosen = chosen.ok_or_else(|| Failure::Usage("no LLM server: give --llm-url".into()))?;
        for endpoint in self.pool.endpoints() {
            self.metrics.expect(&chosen, endpoint.base());
        }
        Ok(chosen)
    }

    /// Asks every endpoint the shortest of questions: a server that lists its models to everyone may still want a key
    /// for answers. One that is busy or in trouble has been reached, and that is all that a start needs.
    ///
    /// # Errors
    /// [`Failure::Unavailable`]: the key is wrong, or it refuses every request with these settings.
    pub async fn greet(&self, sampling: &Sampling) -> Result<(), Failure> {
        let canary = Request::new(&sampling.shortest(), "", 0, 1, None).canary();
        for endpoint in self.pool.endpoints() {
            self.metrics.called(&sampling.model, endpoint.base());
            self.budget.spend(&Usage::call());
            match endpoint.ask(&canary, GREETING_TIMEOUT).await {
                Err(Problem::Fatal(words)) => return Err(Failure::Unavailable(words)),
                Err(Problem::Refused { detail, said }) => {
                    return Err(Failure::Unavailable(refuses_all(&detail, &said)));
                }
                Ok((reply, time)) => {
                    self.metrics.answered(&sampling.model, endpoint.base(), &reply, time);
                    self.budget.spend(&spent(&canary, &reply));
                }
                Err(Problem::Transient(_)) => {}
            }
        }
        Ok(())
    }

    /// The answers to a request: those that were given before, or those of a server.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        let Some(cache) = &self.cache else { return self.call(request).await };
        if let Some(reply) = cache.get(request).await {
            self.metrics.cached("hit");
            self.budget.spend(&Usage::cache_hit());
            return Ok(reply);
        }
        self.metrics.cached("miss");
        let reply = self.call(request).await?;
        cache.put(request, &reply).await;
        Ok(reply)
    }

    /// Asks a server, and asks again where that may help.
    async fn call(&self, request: &Request) -> Result<Reply, CallError> {
        let model = request.model();
        let mut lease = Some(self.lease(model).await?);
        let (begun, mut failed, mut tried, mut told_to_wait) = (Instant::now(), 0, 0u32, Duration::ZERO);
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(self.patience.pause)
            .with_max_delay(self.patience.pause * 25)
            .with_jitter()
            .without_max_times()
            .build();
        loop {
            let lease = match lease.take() {
                Some(first) => first,
                None => self.lease(model).await?,
            };
            // Behind the wait for room: whatever waited while the last of the budget was spent is not sent.
            if let Some(why) = self.budget.why() {
                return Err(service(why));
            }
            let endpoint = lease.base().to_owned();
            self.metrics.called(model, &endpoint);
            self.budget.spend(&Usage::call());
            let left = self.patience.total.saturating_sub(begun.elapsed());
            let asked = lease.endpoint().ask(request, left).await;
            match &asked {
                Ok(_) | Err(Problem::Refused { .. }) => lease.answered(),
                Err(Problem::Transient(Transient { throttled: true, .. })) => lease.throttled(),
                Err(Problem::Transient(Transient { words, said, .. })) => lease.failed(words, said),
                Err(Problem::Fatal(words)) => lease.failed(words, ""),
            }
            let trouble = match asked {
                Ok((reply, time)) => {
                    self.outage.answered();
                    self.accepted.store(true, Ordering::Relaxed);
                    self.metrics.answered(model, &endpoint, &reply, time);
                    self.budget.spend(&spent(request, &reply));
                    return Ok(reply);
                }
                Err(Problem::Refused { detail, said }) => return Err(self.blame(request, detail, &said).await),
                Err(Problem::Fatal(words)) => return Err(service(words)),
                Err(Problem::Transient(trouble)) => trouble,
            };
            let Transient { words, said, retry_after, throttled } = trouble;
            failed += u32::from(!throttled);
            told_to_wait += retry_after.unwrap_or_default();
            tried += 1;
            // One request that runs into its own time limit is no outage, however long the limit.
            let silent = self.outage.silent_since(begun);
            if silent > self.patience.outage + told_to_wait && tried > 1 {
                let words = format!("the LLM server has answered nothing for {} s: {words}", silent.as_secs());
                return Err(service(words));
            }
            let pause = retry_after.or_else(|| pauses.next()).unwrap_or(self.patience.pause);
            let left = self.patience.total.saturating_sub(begun.elapsed());
            let last = pause >= left;
            if last {
                tokio::time::sleep(left).await;
            }
            if failed >= self.patience.tries || last {
                if self.answers(&request.canary()).await.is_ok() {
                    let words = format!("the LLM server works, but failed {tried} times on this request: {words}");
                    return Err(CallError::Service(StageError::Failed(words)));
                }
                if last {
                    return Err(service(format!("the LLM server gave no answer in {tried} tries: {words}")));
                }
                // What failed so far was the outage's fault.
                failed = 0;
            }
            if tried >= self.patience.tries && silent > self.patience.outage / 10 {
                self.outage.announce(&words, &said);
            }
            self.metrics.retried(model, &endpoint);
            self.metrics.waited(model, pause);
            self.budget.spend(&(Usage::retry() + Usage::waited(pause)));
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits for room at a server. What waits too long goes back, and comes again: it costs nothing and nobody's attempt.
    async fn lease(&self, model: &str) -> Result<Lease, CallError> {
        let begun = Instant::now();
        let lease = tokio::time::timeout(ROOM_PATIENCE, self.pool.lease()).await;
        self.metrics.waited(model, begun.elapsed());
        self.budget.spend(&Usage::waited(begun.elapsed()));
        lease.map_err(|_| service("no LLM server had room for it"))
    }

    /// Whose fault a refusal is. A server that has never accepted a request of ours may dislike the settings that all of
    /// them share: then no function is turned down for it.
    async fn blame(&self, request: &Request, detail: String, said: &str) -> CallError {
        self.outage.answered();
        if self.accepted.load(Ordering::Relaxed) {
            return CallError::Refused(detail);
        }
        match self.answers(&request.canary()).await {
            Ok(()) => {
                self.accepted.store(true, Ordering::Relaxed);
                CallError::Refused(detail)
            }
            Err(Problem::Refused { .. }) => service(refuses_all(&detail, said)),
            Err(_) => service(format!("{detail}, and does not answer others now")),
        }
    }

    /// Whether the server answers a question that cannot be at fault.
    async fn answers(&self, canary: &Request) -> Result<(), Problem> {
        let Ok(lease) = tokio::time::timeout(CANARY_TIMEOUT, self.pool.lease()).await else {
            return Err(Problem::Fatal("no LLM server has room".into()));
        };
        let endpoint = lease.base().to_owned();
        self.metrics.called(canary.model(), &endpoint);
        self.budget.spend(&Usage::call());
        let (reply, time) = lease.endpoint().ask(canary, CANARY_TIMEOUT).await?;
        lease.answered();
        self.outage.answered();
        self.metrics.answered(canary.model(), &endpoint, &reply, time);
        self.budget.spend(&spent(canary, &reply));
        Ok(())
    }
}

/// What a request cost. Where the server counts no tokens they are reckoned by length, so that a limit stays one.
fn spent(request: &Request, reply: &Reply) -> Usage {
    let counted = reply.usage();
    if counted.tokens() > 0 {
        return counted;
    }
    let chars = reply.answers.iter().map(|answer| answer.text.chars().count() as u64).sum::<u64>();
    Usage {
        prompt_tokens: (request.question().chars().count() as u64).div_ceil(CHARS_A_TOKEN),
        completion_tokens: chars.div_ceil(CHARS_A_TOKEN),
        ..counted
    }
}

fn refuses_all(detail: &str, said: &str) -> String {
    format!("{detail}, and every other ({said}): check --model, --max-tokens, --temperature, --top-p and --extra-body")
}

fn service(words: impl Into<String>) -> CallError {
    CallError::Service(StageError::Unavailable(words.into()))
}

fn choose(models: Option<Vec<String>>, wanted: Option<String>) -> Result<String, Failure> {
    let Some(models) = models else {
        return wanted.ok_or_else(|| {
            Failure::Usage(
                "the LLM server lists no models: name one with --model (or does --llm-url lack its /v1?)".into(),
            )
        });
    };
    let listed = models.join(", ");
    match (wanted, &models[..]) {
        (Some(wanted), _) if models.contains(&wanted) => Ok(wanted),
        (Some(wanted), _) => {
            Err(Failure::Usage(format!("--model {wanted}: the LLM server has no such model; it has: {listed}")))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Failure::Usage("the LLM server lists no models: name one with --model".into())),
        (None, _) => Err(Failure::Usage(format!("the LLM server has several models: choose with --model: {listed}"))),
    }
}
