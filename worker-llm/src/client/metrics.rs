//! What the client counts.

use prometheus::{IntCounter, Registry};

use super::Answer;

/// Counters of one client.
#[derive(Clone, Debug)]
pub struct ClientMetrics {
    /// Requests sent, retries included.
    pub calls: IntCounter,
    /// Requests sent again.
    pub retries: IntCounter,
    /// Prompt tokens as the server counted them.
    pub prompt_tokens: IntCounter,
    /// Completion tokens as the server counted them.
    pub completion_tokens: IntCounter,
}

impl ClientMetrics {
    /// Counters that nobody collects yet.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn unregistered() -> prometheus::Result<Self> {
        Ok(Self {
            calls: IntCounter::new("case2code_llm_calls_total", "Requests sent to LLM servers, retries included")?,
            retries: IntCounter::new("case2code_llm_retries_total", "Requests sent to LLM servers again")?,
            prompt_tokens: IntCounter::new(
                "case2code_llm_prompt_tokens_total",
                "Prompt tokens as LLM servers counted them",
            )?,
            completion_tokens: IntCounter::new(
                "case2code_llm_completion_tokens_total",
                "Completion tokens as LLM servers counted them",
            )?,
        })
    }

    /// Has `registry` collect them.
    ///
    /// # Errors
    /// A metric of the same name is registered.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        for counter in [&self.calls, &self.retries, &self.prompt_tokens, &self.completion_tokens] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(())
    }

    pub(super) fn count(&self, answer: &Answer) {
        self.prompt_tokens.inc_by(answer.prompt_tokens);
        self.completion_tokens.inc_by(answer.completion_tokens);
    }
}
