//! What the writer counts of its answers.

use pipeline::telemetry::{self, Collectors};
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
                Opts::new("case2code_writer_written_total", "Functions that got inputs, by how these were won. Mostly `salvaged` or `repaired`: the model is too small for \
                     the prompt, try --structured json."),
                &["method"],
            )?,
            asked_again: IntCounterVec::new(
                Opts::new(
                    "case2code_writer_asked_again_total",
                    "Requests sent again since the answer was cut short (salvaged) or unusable, by reason. Many `salvaged`: raise \
                     --max-tokens.",
                ),
                &["reason"],
            )?,
            repairs: IntCounterVec::new(
                Opts::new(
                    "case2code_writer_repairs_total",
                    "Calls that showed the model what went wrong: in its answer or in the sandbox; and whether they gave \
                     inputs. Few that give inputs: --repair 0 saves their tokens.",
                ),
                &["cause", "outcome"],
            )?,
            mutated: IntCounter::new("case2code_writer_mutated_inputs_total", "Inputs added by changing others (--inputs); they cost no tokens.")?,
            schemas_refused: IntCounter::new(
                "case2code_writer_schemas_refused_total",
                "Requests with a JSON schema that the server refused; they were sent again without. Above 0: this server knows none, use --structured off.",
            )?,
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
            Box::new(self.written.clone()),
            Box::new(self.asked_again.clone()),
            Box::new(self.repairs.clone()),
            Box::new(self.mutated.clone()),
            Box::new(self.schemas_refused.clone()),
        ]
    }
}
