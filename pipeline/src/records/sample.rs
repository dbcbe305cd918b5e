use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Meta;

/// One row of training data: examples of a function as the question, the function as the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The function's id; with several rows a function `{function}/{task}/{k}`.
    pub id: String,
    /// `induction`: examples in, program out; `deduction`: program and input in, output out; `abduction`: program and
    /// output in, input out.
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
    /// Indices into `examples` of those that the prompt shows, in the order shown; for a task that asks about one call,
    /// that one.
    pub shown: Vec<usize>,
    /// Figures by which to pick samples, as fields of their own.
    #[serde(flatten)]
    pub measures: Measures,
    /// See [`super::RawCode::meta`].
    pub meta: Meta,
    /// What made it: model, prompt, seeds, Python version, image; nothing that depends on time or machine.
    pub provenance: Map<String, Value>,
    /// What rows in the published form hold beside question and answer. No field of the record.
    #[serde(skip)]
    pub published: Map<String, Value>,
}

/// What a function is like, and what its examples did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measures {
    /// Its parameter names, in order.
    pub parameters: Vec<String>,
    /// Its statements that run, nested ones included.
    pub lines: u32,
    /// Ways that its branching statements offer: bodies, handlers, and the way past them where that shows in lines.
    pub branches: u32,
    /// Share of `lines` that some example reaches; null where lines were not measured.
    pub coverage: Option<f64>,
    /// Different outputs, by value, among the examples that return.
    pub distinct_outputs: u32,
    /// Share of the most frequent output among the examples that return.
    pub top_output_share: f64,
    /// Share of the examples that raise.
    pub error_share: f64,
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
