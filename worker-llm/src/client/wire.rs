//! The parts of the chat completions protocol that we use.

use serde::{Deserialize, Serialize};

/// One question.
#[derive(Clone, Debug, Serialize)]
pub struct ChatRequest<'a> {
    /// Model to ask.
    pub model: &'a str,
    /// The conversation so far.
    pub messages: [ChatTurn<'a>; 1],
    /// Sampling temperature.
    pub temperature: f64,
    /// Nucleus sampling mass.
    pub top_p: f64,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// Sampling seed, where the server obeys one.
    pub seed: u64,
}

impl<'a> ChatRequest<'a> {
    /// A conversation of one turn.
    pub fn new(model: &'a str, question: &'a str, temperature: f64, top_p: f64, max_tokens: u32, seed: u64) -> Self {
        let messages = [ChatTurn { role: "user", content: question }];
        Self { model, messages, temperature, top_p, max_tokens, seed }
    }

    /// A question that cannot be at fault, with the same settings.
    pub(super) fn canary(&self) -> Self {
        Self { messages: [ChatTurn { role: "user", content: "Say yes." }], ..self.clone() }
    }
}

/// One turn of the conversation.
#[derive(Clone, Debug, Serialize)]
pub struct ChatTurn<'a> {
    /// `user`.
    pub role: &'static str,
    /// Its text.
    pub content: &'a str,
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its text, verbatim; what a server gives as `reasoning_content` is none of it.
    pub text: String,
    /// `stop`, `length`, …; empty if the server gives none.
    pub finish_reason: String,
    /// Prompt tokens; 0 if the server does not count.
    pub prompt_tokens: u64,
    /// Completion tokens; 0 if the server does not count.
    pub completion_tokens: u64,
}

#[derive(Deserialize)]
pub(super) struct ChatReply {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct ModelList {
    pub data: Vec<Model>,
}

#[derive(Deserialize)]
pub(super) struct Model {
    pub id: String,
}

impl ChatReply {
    /// The first choice; none if there is no choice.
    pub fn answer(self) -> Option<Answer> {
        let choice = self.choices.into_iter().next()?;
        let usage = self.usage.unwrap_or_default();
        Some(Answer {
            text: choice.message.content.unwrap_or_default(),
            finish_reason: choice.finish_reason.unwrap_or_default(),
            prompt_tokens: usage.prompt_tokens.unwrap_or_default(),
            completion_tokens: usage.completion_tokens.unwrap_or_default(),
        })
    }
}
