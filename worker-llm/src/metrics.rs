//! What the writer counts of its answers.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// How answers were used. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct WriterMetrics {
    /// Functions that got inputs, by how.
    pub written: IntCounterVec,
    /// Requests sent again because the answer was cut short or unusable, by why.
    pub asked_again: IntCounterVec,
    /// Calls that showed the model what went wrong, by what did and by what came of it.
    pub repairs: IntCounterVec,
    /// Inputs that were added by changing others.
    pub mutated: IntCounter,
    /// Schemas that the server refused.
    pub schemas_refused: IntCounter,
}

impl WriterMetrics {
    /// Counters that nobody collects yet.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn unregistered() -> prometheus::Result<Self> {
        Ok(Self {
            written: IntCounterVec::new(
                Opts::new("case2code_writer_written_total", "Functions that got inputs, by how these were won."),
                &["method"],
            )?,
            asked_again: IntCounterVec::new(
                Opts::new(
                    "case2code_writer_asked_again_total",
                    "Requests sent again since the answer was cut short (salvaged) or unusable, by reason.",
                ),
                &["reason"],
            )?,
            repairs: IntCounterVec::new(
                Opts::new(
                    "case2code_writer_repairs_total",
                    "Calls that showed the model what went wrong: in its answer or in the sandbox; and whether they gave \
                     inputs.",
                ),
                &["cause", "outcome"],
            )?,
            mutated: IntCounter::new("case2code_writer_mutated_inputs_total", "Inputs added by changing others.")?,
            schemas_refused: IntCounter::new(
                "case2code_writer_schemas_refused_total",
                "Requests with a JSON schema that the server refused; they were sent again without.",
            )?,
        })
    }

    /// Has `registry` collect them.
    ///
    /// # Errors
    /// A metric of the same name is registered.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.written.clone()))?;
        registry.register(Box::new(self.asked_again.clone()))?;
        registry.register(Box::new(self.repairs.clone()))?;
        registry.register(Box::new(self.mutated.clone()))?;
        registry.register(Box::new(self.schemas_refused.clone()))
    }
}
