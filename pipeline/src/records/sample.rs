use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Meta;

/// One row of training data: examples of a function as the question, the function as the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The function's id; with several rows a function `{function}/{task}/{k}`.
    pub id: String,
    /// `induction`: examples in, program out.
    pub task: String,
    /// The question.
    pub prompt: String,
    /// The answer.
    pub output: String,
    /// Question and answer as a conversation.
    pub messages: Vec<ChatMessage>,
    /// The function's name.
    pub function_name: String,
    /// Context and function, a program that runs alone.
    pub code: String,
    /// Every example that the filters left, shown or held out.
    pub examples: Vec<Example>,
    /// Indices into `examples` of those that the prompt shows, in the order shown.
    pub shown: Vec<usize>,
    /// See [`super::RawCode::meta`].
    pub meta: Meta,
    /// What made it: model, prompt, seeds, Python version, image; nothing that depends on time or machine.
    pub provenance: Map<String, Value>,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// `user` or `assistant`.
    pub role: String,
    /// Its text.
    pub content: String,
}

/// One input and what the function gave for it; exactly one of `output` and `error` is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Source of the keyword arguments: `a=1, b='x'`.
    pub input: String,
    /// `repr` of the value returned.
    pub output: Option<String>,
    /// `ValueError: message` of the exception raised, or the limit hit.
    pub error: Option<String>,
}
