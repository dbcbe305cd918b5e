//! What the client counts, for each model and endpoint.

use std::time::Duration;

use prometheus::{
    CounterVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, core::Collector,
};

use super::Reply;

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
            calls: counter("case2code_llm_calls_total", "Requests sent to LLM servers, retries included.")?,
            retries: counter("case2code_llm_retries_total", "Requests that failed and were sent again.")?,
            prompt_tokens: counter("case2code_llm_prompt_tokens_total", "Prompt tokens as LLM servers counted them.")?,
            cached_tokens: counter(
                "case2code_llm_cached_tokens_total",
                "Prompt tokens that LLM servers had worked before; part of the prompt tokens.",
            )?,
            completion_tokens: counter(
                "case2code_llm_completion_tokens_total",
                "Completion tokens as LLM servers counted them.",
            )?,
            waiting: CounterVec::new(
                Opts::new(
                    "case2code_llm_waiting_seconds_total",
                    "Seconds that requests waited: for room at a server, and between tries.",
                ),
                &["model"],
            )?,
            cache: IntCounterVec::new(
                Opts::new("case2code_llm_cache_total", "Requests looked up in the completion cache: hit or miss."),
                &["outcome"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("case2code_llm_answer_seconds", "From a request to its answer, without waiting.")
                    .buckets(buckets),
                &["endpoint"],
            )?,
            in_flight: gauge("case2code_llm_in_flight", "Requests that a server has now.")?,
            limit: gauge("case2code_llm_limit", "Requests that a server gets at once, at the most.")?,
            resting: gauge("case2code_llm_resting", "1 while a server that failed is left alone.")?,
        })
    }

    /// Has `registry` collect them.
    ///
    /// # Errors
    /// A metric of the same name is registered.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let counters = [&self.calls, &self.retries, &self.prompt_tokens, &self.cached_tokens, &self.completion_tokens];
        let counters = counters.into_iter().map(|counter| Box::new(counter.clone()) as Box<dyn Collector>);
        let gauges = [&self.in_flight, &self.limit, &self.resting];
        let gauges = gauges.into_iter().map(|gauge| Box::new(gauge.clone()) as Box<dyn Collector>);
        counters.chain(gauges).try_for_each(|metric| registry.register(metric))?;
        registry.register(Box::new(self.waiting.clone()))?;
        registry.register(Box::new(self.cache.clone()))?;
        registry.register(Box::new(self.seconds.clone()))
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

    pub(super) fn answered(&self, model: &str, endpoint: &str, reply: &Reply, time: Duration) {
        let labels = [model, endpoint];
        self.prompt_tokens.with_label_values(&labels).inc_by(reply.prompt_tokens);
        self.cached_tokens.with_label_values(&labels).inc_by(reply.cached_tokens);
        self.completion_tokens.with_label_values(&labels).inc_by(reply.completion_tokens);
        self.seconds.with_label_values(&[endpoint]).observe(time.as_secs_f64());
    }
}
