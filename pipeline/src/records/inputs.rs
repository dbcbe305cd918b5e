use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Function, Record};
use crate::{
    message::{DecodeError, Message, RecordType},
    stage::Input,
};

/// A function and the Python block that builds its example inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratedInputs {
    /// The function that the inputs are for.
    pub function: Function,
    /// The whole Python block that builds the list `examples` of keyword-argument dicts, with the imports, helpers and
    /// `+=` that stand around it.
    pub examples: String,
    /// How the block came to be.
    pub generation: Generation,
    /// How many more calls may mend these inputs, should all of them fail. Only on the queues of a run: a filter has no
    /// way back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repairs_left: u32,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Inputs that all failed, or show too little, on their way back to whoever wrote them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairRequest {
    /// What failed, with its function and generation; `repairs_left` counts the call that is asked for.
    #[serde(flatten)]
    pub inputs: GeneratedInputs,
    /// What went wrong, for the model to read.
    pub problem: String,
    /// Whether the inputs stay, and what is written is added to them: some of them returned.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep: bool,
}

/// What the writer is given.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteTask {
    /// A function that has no inputs yet.
    Write(Function),
    /// Inputs to mend.
    Repair(Box<RepairRequest>),
}

impl Input for WriteTask {
    fn read(message: &Message) -> Option<Result<Self, DecodeError>> {
        match message.record_type {
            RecordType::Function => Some(message.decode().map(Self::Write)),
            RecordType::RepairRequest => Some(message.decode().map(|request| Self::Repair(Box::new(request)))),
            _ => None,
        }
    }

    fn id(&self) -> &str {
        &Input::function(self).id
    }

    fn function(&self) -> &Function {
        match self {
            Self::Write(function) => function,
            Self::Repair(request) => &request.inputs.function,
        }
    }
}

/// Where a block of example inputs came from, in full: enough to make it again and to account for its tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Model name as the server knows it; `builtin` for the writer that needs no model.
    pub model: String,
    /// Template name.
    pub prompt: String,
    /// SHA-256 (hex) of the template's text.
    pub prompt_sha256: String,
    /// Sampling temperature.
    pub temperature: f64,
    /// Nucleus sampling mass.
    pub top_p: f64,
    /// The seed that was sent with the request, if one was.
    pub seed: Option<u64>,
    /// Prompt tokens as the server counted them.
    pub prompt_tokens: u64,
    /// Completion tokens as the server counted them.
    pub completion_tokens: u64,
    /// The server's finish reason: `stop`, `length`, …
    pub finish_reason: String,
    /// The completion, verbatim.
    pub completion: String,
    /// How the block was won from the completion.
    pub method: Method,
}

/// How the examples were won from the completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMethod {
    /// The code block of a free-text answer.
    Plain,
    /// A JSON answer under a schema made from the parameters.
    Structured,
    /// The whole entries of a list that was cut short.
    Salvaged,
    /// A second call that was shown what went wrong in the first.
    Repaired,
    /// No model: inferred from the function itself.
    Builtin,
}

/// [`WriteMethod`], and whether inputs were added by mutation; one string in JSON: `plain`, `salvaged+mutated`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// How the written inputs were won.
    pub write: WriteMethod,
    /// Whether inputs were added by mutating them.
    pub mutated: bool,
}

impl From<WriteMethod> for Method {
    fn from(write: WriteMethod) -> Self {
        Self { write, mutated: false }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.write {
            WriteMethod::Plain => "plain",
            WriteMethod::Structured => "structured",
            WriteMethod::Salvaged => "salvaged",
            WriteMethod::Repaired => "repaired",
            WriteMethod::Builtin => "builtin",
        })?;
        if self.mutated { f.write_str("+mutated") } else { Ok(()) }
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (write, mutated) = match text.strip_suffix("+mutated") {
            Some(write) => (write, true),
            None => (text, false),
        };
        let write = match write {
            "plain" => WriteMethod::Plain,
            "structured" => WriteMethod::Structured,
            "salvaged" => WriteMethod::Salvaged,
            "repaired" => WriteMethod::Repaired,
            "builtin" => WriteMethod::Builtin,
            _ => return Err(format!("unknown generation method `{text}`")),
        };
        Ok(Self { write, mutated })
    }
}

impl Serialize for Method {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Record for RepairRequest {
    const TYPE: RecordType = RecordType::RepairRequest;

    fn id(&self) -> &str {
        &self.inputs.function.id
    }

    fn function(&self) -> &Function {
        &self.inputs.function
    }
}

impl Record for GeneratedInputs {
    const TYPE: RecordType = RecordType::GeneratedInputs;

    fn id(&self) -> &str {
        &self.function.id
    }

    fn function(&self) -> &Function {
        &self.function
    }
}
