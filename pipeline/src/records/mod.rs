//! The records of the pipeline, one type per hop (DESIGN §3).
//!
//! Each is one JSON object: a line on disk, and byte for byte the body of a message. Field names are contracts and are
//! pinned by `pipeline/tests/records/`. Unknown fields are ignored on input. Nothing that depends on time, machine,
//! attempt or load stands in a record.

mod evaluation;
mod execution;
mod function;
mod inputs;
mod rejection;
mod sample;
pub mod weight;

pub use evaluation::{Called, EvaluationAnswer, EvaluationRequest, Manner, Once, Place, Ran, Runs, Twice};
pub use execution::{ExecutedFunction, Execution, Limit, Outcome, RaisedError, SandboxInfo};
pub use function::{Function, Meta, RawCode};
pub use inputs::{GeneratedInputs, Generation, Method, RepairRequest, WriteMethod, WriteTask};
pub use rejection::Rejection;
pub use sample::{ChatMessage, Example, Measures, Sample};

use crate::message::RecordType;

/// A record that can be the body of a message: plain data with a name.
pub trait Record: Clone + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static {
    /// The AMQP `type` of messages that carry it.
    const TYPE: RecordType;

    /// The id of the function that it is about, for logs and rejections.
    fn id(&self) -> &str;

    /// The function that it is about.
    fn function(&self) -> &Function;
}
