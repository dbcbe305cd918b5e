use serde::{Deserialize, Serialize};

use super::{Function, Outcome, Record, SandboxInfo};
use crate::message::RecordType;

/// A program of an evaluation on its way to a worker: an item's own code, or what a model made of the item. What is
/// expected of it does not travel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRequest {
    /// The program. Its id is the item's; parameters, context and meta are empty.
    pub function: Function,
    /// The block that builds `examples`.
    pub examples: String,
    /// How its function is called.
    pub manner: Manner,
    /// How often it runs.
    pub runs: Runs,
}

/// How the functions of an evaluation are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// As the published script does: one module, its names and those of the script in one scope.
    Published,
    /// As everywhere else here: nothing but the program can rebind the program's names.
    Apart,
}

/// How often a program of an evaluation runs, and on what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// In one process, on all examples or on those of these indices.
    Once(Option<Vec<usize>>),
    /// Twice, the second time under other conditions.
    Twice,
}

/// What a program of an evaluation did, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationAnswer {
    /// What it did.
    pub ran: Ran,
    /// What it ran in.
    pub place: Place,
}

/// What a program of an evaluation did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ran {
    /// In one process.
    Once(Once),
    /// The first time and the second.
    Twice(Twice),
}

/// What one process did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Once {
    /// Length of the list `examples`, where it came to the calls.
    pub examples: Option<usize>,
    /// The calls in the order in which they began. In the one in whose middle the process ended, what ended it.
    pub calls: Vec<Called>,
    /// Everything that was printed, if it is text and the process came to its end in the published manner and time.
    pub printed: Option<String>,
    /// Why it did not come to its end.
    pub problem: Option<String>,
}

/// An item's own code, executed twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Twice {
    /// Why it came to no call, the first time or the second.
    Failed(String),
    /// The calls of both, each in the order of the examples.
    Called(Vec<Called>, Vec<Called>),
}

/// One call on an example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// Index into `examples`.
    pub index: usize,
    /// Repr of the keyword arguments; empty where it did not come so far.
    pub input: String,
    /// What it did.
    pub outcome: Outcome,
    /// See [`super::Execution::literal`].
    pub literal: bool,
}

/// What programs of an evaluation run in. All of one evaluation run in the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The sandbox.
    pub sandbox: SandboxInfo,
    /// CPU seconds an input may take.
    pub timeout_s: f64,
    /// Address space of a program, in MiB.
    pub memory_limit_mib: u64,
}

impl Once {
    /// The outcome of this example, if it came to it.
    pub fn call(&self, index: usize) -> Option<&Called> {
        self.calls.iter().find(|call| call.index == index)
    }
}

impl Record for EvaluationRequest {
    const TYPE: RecordType = RecordType::EvaluationRequest;

    fn id(&self) -> &str {
        &self.function.id
    }

    fn function(&self) -> &Function {
        &self.function
    }
}
