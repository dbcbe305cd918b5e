use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

use super::{Function, Generation, Record};
use crate::message::RecordType;

/// A function and what it did on each of its example inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutedFunction {
    /// The function that ran.
    pub function: Function,
    /// Where its inputs came from.
    pub generation: Generation,
    /// One per example, in the order of the list `examples`.
    pub executions: Vec<Execution>,
    /// Whether a second execution under other conditions gave the same outcomes by value; null where not checked.
    pub stable: Option<bool>,
    /// What it ran in.
    pub sandbox: SandboxInfo,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// `repr` of the keyword-argument dict, taken before the call.
    pub input: String,
    /// `[name, source]` of each argument in order: the repr if that is a literal, else the expression's own text.
    pub arguments: Vec<(String, String)>,
    /// What the call did.
    pub outcome: Outcome,
    /// Whether the output is made of exact builtin types that its repr gives back: no NaN, no cycle, no subclass.
    pub literal: bool,
    /// Line numbers (of `code`, 1 = first line) of the function that ran; null where not measured.
    #[serde(default, deserialize_with = "line_numbers")]
    pub lines: Option<Vec<u32>>,
}

/// Line numbers, with room for those of most calls from the start: there are as many lists as calls.
fn line_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u32>>, D::Error> {
    struct Roomy(Vec<u32>);

    struct Read;

    impl<'de> Visitor<'de> for Read {
        type Value = Roomy;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Roomy, A::Error> {
            let mut lines = Vec::with_capacity(32);
            while let Some(line) = numbers.next_element()? {
                lines.push(line);
            }
            Ok(Roomy(lines))
        }
    }

    impl<'de> Deserialize<'de> for Roomy {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Read)
        }
    }

    Option::<Roomy>::deserialize(deserializer).map(|lines| lines.map(|Roomy(lines)| lines))
}

/// What a call did: `{"return": …}`, `{"error": …}` or `{"limit": …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// `repr` of the value that it returned.
    Return(String),
    /// The exception that it raised.
    Error(RaisedError),
    /// The limit that it hit.
    Limit(Limit),
}

/// An exception, as seen from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RaisedError {
    /// What stands inside `<class '…'>`: `ValueError`, `json.decoder.JSONDecodeError`.
    #[serde(rename = "type")]
    pub class: String,
    /// `str` of the exception.
    pub message: String,
    /// Raised by a `raise` or `assert` of the function or its context.
    pub explicit: bool,
}

impl RaisedError {
    /// `ValueError: message`, or the type alone.
    pub fn text(&self) -> String {
        if self.message.is_empty() { self.class.clone() } else { format!("{}: {}", self.class, self.message) }
    }
}

/// A limit of the sandbox, per input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// CPU time, or five times as much by the clock.
    Time,
    /// Address space.
    Memory,
    /// Bytes of the output's repr.
    Output,
}

/// What a function ran in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxInfo {
    /// `docker`, `namespace` or `none`.
    pub backend: String,
    /// `major.minor.micro` of the interpreter.
    pub python: String,
    /// Digest of the image, for backends that have one.
    pub image_digest: Option<String>,
}

impl Record for ExecutedFunction {
    const TYPE: RecordType = RecordType::ExecutedFunction;

    fn id(&self) -> &str {
        &self.function.id
    }

    fn function(&self) -> &Function {
        &self.function
    }
}
