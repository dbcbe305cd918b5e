//! What the client counts, for each model and endpoint.

use std::time::Duration;

use pipeline::telemetry::{self, Collectors};
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::Reply;

/// How long one answer took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub first_byte: Duration,
    pub total: Duration,
}

/// Counters of one client. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct ClientMetrics {
    calls: IntCounterVec,
    retries: IntCounterVec,
    prompt_tokens: IntCounterVec,
    cached_tokens: IntCounterVec,
    completion_tokens: IntCounterVec,
    waiting: CounterVec,
    cache: IntCounterVec,
    seconds: HistogramVec,
    first_byte: HistogramVec,
    price: GaugeVec,
    pub(super) in_flight: IntGaugeVec,
    pub(super) limit: IntGaugeVec,
    pub(super) resting: IntGaugeVec,
}

impl ClientMetrics {
    /// Counters that nobody collects yet.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn unregistered() -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| IntCounterVec::new(Opts::new(name, help), &["model", "endpoint"]);
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["endpoint"]);
        let buckets = vec![0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
        Ok(Self {
            calls: counter("case2code_llm_calls_total", "Requests sent to LLM servers, retries included. Compare with case2code_stage_done_total: many calls a function are \
                 repeats, see why in case2code_writer_asked_again_total.")?,
            retries: counter("case2code_llm_retries_total", "Requests that failed and were sent again. A rate that stays above 0: look at that server's log.")?,
            prompt_tokens: counter("case2code_llm_prompt_tokens_total", "Prompt tokens as LLM servers counted them. Times the price: what the run costs.")?,
            cached_tokens: counter(
                "case2code_llm_cached_tokens_total",
                "Prompt tokens that LLM servers had worked before; part of the prompt tokens. Near 0 with vLLM: turn its prefix \
                 caching on.",
            )?,
            completion_tokens: counter(
                "case2code_llm_completion_tokens_total",
                "Completion tokens as LLM servers counted them. Its rate is what the GPUs give: it stays level when they are full.",
            )?,
            waiting: CounterVec::new(
                Opts::new(
                    "case2code_llm_waiting_seconds_total",
                    "Seconds that requests waited: for room at a server, and between tries. Grows with the number of workers once \
                     the servers are full: add GPUs, not workers.",
                ),
                &["model"],
            )?,
            cache: IntCounterVec::new(
                Opts::new("case2code_llm_cache_total", "Requests looked up in the completion cache: hit or miss. Only misses cost tokens."),
                &["outcome"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("case2code_llm_answer_seconds", "From a request to its whole answer, without waiting. Grows with the load: compare with the limit.")
                    .buckets(buckets.clone()),
                &["endpoint"],
            )?,
            first_byte: HistogramVec::new(
                HistogramOpts::new(
                    "case2code_llm_first_byte_seconds",
                    "From a request to the first byte of its answer. Servers that do not stream send it with the last: then \
                     it says the same as case2code_llm_answer_seconds.",
                )
                .buckets(buckets),
                &["endpoint"],
            )?,
            price: GaugeVec::new(
                Opts::new(
                    "case2code_llm_price",
                    "What a million tokens cost, as --price says; absent where it says nothing. For cost panels.",
                ),
                &["kind"],
            )?,
            in_flight: gauge("case2code_llm_in_flight", "Requests that a server has now. Below its limit with a long queue: this worker is held up elsewhere.")?,
            limit: gauge("case2code_llm_limit", "Requests that this worker sends a server at once, at the most; adapts under --concurrency auto. It shrinks when \
                 the server is full.")?,
            resting: gauge("case2code_llm_resting", "1 while a server that failed is left alone. 1 for all of them: nothing is written, look at the servers.")?,
        })
    }

    /// Has `registry` collect them.
    ///
    /// # Errors
    /// A metric of the same name is registered.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        telemetry::register(registry, self.collectors())
    }

    /// All of them.
    pub fn collectors(&self) -> Collectors {
        vec![
            Box::new(self.calls.clone()),
            Box::new(self.retries.clone()),
            Box::new(self.prompt_tokens.clone()),
            Box::new(self.cached_tokens.clone()),
            Box::new(self.completion_tokens.clone()),
            Box::new(self.waiting.clone()),
            Box::new(self.cache.clone()),
            Box::new(self.seconds.clone()),
            Box::new(self.first_byte.clone()),
            Box::new(self.price.clone()),
            Box::new(self.in_flight.clone()),
            Box::new(self.limit.clone()),
            Box::new(self.resting.clone()),
        ]
    }

    /// Shows zeros for a server that may be asked: a rate needs a first value to grow from.
    pub(super) fn expect(&self, model: &str, endpoint: &str) {
        let labels = [model, endpoint];
        for counter in [&self.calls, &self.retries, &self.prompt_tokens, &self.cached_tokens, &self.completion_tokens] {
            counter.with_label_values(&labels);
        }
        self.waiting.with_label_values(&[model]);
        for outcome in ["hit", "miss"] {
            self.cache.with_label_values(&[outcome]);
        }
        self.seconds.with_label_values(&[endpoint]);
        self.first_byte.with_label_values(&[endpoint]);
    }

    /// Shows what a million prompt and completion tokens cost.
    pub fn set_price(&self, prompt: f64, completion: f64) {
        self.price.with_label_values(&["prompt"]).set(prompt);
        self.price.with_label_values(&["completion"]).set(completion);
    }

    pub(super) fn cached(&self, outcome: &str) {
        self.cache.with_label_values(&[outcome]).inc();
    }

    pub(super) fn called(&self, model: &str, endpoint: &str) {
        self.calls.with_label_values(&[model, endpoint]).inc();
    }

    pub(super) fn retried(&self, model: &str, endpoint: &str) {
        self.retries.with_label_values(&[model, endpoint]).inc();
    }

    pub(super) fn waited(&self, model: &str, time: Duration) {
        self.waiting.with_label_values(&[model]).inc_by(time.as_secs_f64());
    }

    pub(super) fn answered(&self, model: &str, endpoint: &str, reply: &Reply, time: Timing) {
        let labels = [model, endpoint];
        self.prompt_tokens.with_label_values(&labels).inc_by(reply.prompt_tokens);
        self.cached_tokens.with_label_values(&labels).inc_by(reply.cached_tokens);
        self.completion_tokens.with_label_values(&labels).inc_by(reply.completion_tokens);
        self.seconds.with_label_values(&[endpoint]).observe(time.total.as_secs_f64());
        self.first_byte.with_label_values(&[endpoint]).observe(time.first_byte.as_secs_f64());
    }
}
