//! The parts of the OpenAI protocol that we use: chat completions and plain completions.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Which of a server's two ways to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `/chat/completions`: the question is the turn of a user.
    Chat,
    /// `/completions`: the question is the beginning of a text, for models without a chat template.
    Completion,
}

impl Api {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completion => "/completions",
        }
    }
}

/// What all requests of a run share.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// Which way to ask.
    pub api: Api,
    /// Model to ask.
    pub model: String,
    /// Sampling temperature.
    pub temperature: f64,
    /// Nucleus sampling mass.
    pub top_p: f64,
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// Texts at which an answer ends.
    pub stop: Vec<String>,
    /// Fields of the server's own; they win over ours.
    pub extra: Map<String, Value>,
}

impl Sampling {
    /// The shortest of requests.
    pub fn shortest(&self) -> Self {
        Self { max_tokens: 1, ..self.clone() }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which way it goes.
    pub api: Api,
    /// Its JSON; the keys always in the same order, so that the same request has the same bytes.
    pub body: Map<String, Value>,
}

impl Request {
    /// A question; `n` answers to it; in JSON of this schema, where one is given.
    pub fn new(sampling: &Sampling, question: &str, seed: u64, n: u32, schema: Option<&Value>) -> Self {
        let mut body = Map::new();
        let mut put = |key: &str, value: Value| _ = body.insert(key.to_owned(), value);
        put("model", json!(sampling.model));
        put("temperature", json!(sampling.temperature));
        put("top_p", json!(sampling.top_p));
        put("max_tokens", json!(sampling.max_tokens));
        put("seed", json!(seed));
        if n > 1 {
            put("n", json!(n));
        }
        if !sampling.stop.is_empty() {
            put("stop", json!(sampling.stop));
        }
        if let Some(schema) = schema {
            let schema = json!({ "name": "inputs", "strict": true, "schema": schema });
            put("response_format", json!({ "type": "json_schema", "json_schema": schema }));
        }
        for (key, value) in &sampling.extra {
            put(key, value.clone());
        }
        let mut request = Self { api: sampling.api, body };
        request.ask(question);
        request
    }

    /// A question that cannot be at fault, with the same settings.
    pub(super) fn canary(&self) -> Self {
        let mut canary = self.clone();
        canary.body.remove("response_format");
        canary.body.remove("n");
        canary.ask("Say yes.");
        canary
    }

    /// The model that it asks.
    pub fn model(&self) -> &str {
        self.body.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// What it asks.
    pub(super) fn question(&self) -> &str {
        let asked = match self.api {
            Api::Chat => self.body.get("messages").and_then(|messages| messages.pointer("/0/content")),
            Api::Completion => self.body.get("prompt"),
        };
        asked.and_then(Value::as_str).unwrap_or_default()
    }

    fn ask(&mut self, question: &str) {
        let (key, value) = match self.api {
            Api::Chat => ("messages", json!([{ "role": "user", "content": question }])),
            Api::Completion => ("prompt", json!(question)),
        };
        self.body.insert(key.to_owned(), value);
    }
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its text, verbatim; what a server gives as `reasoning` or `reasoning_content` is none of it.
    pub text: String,
    /// `stop`, `length`, …; empty if the server gives none.
    pub finish_reason: String,
}

/// The answers to one request, and what they cost. Counts are 0 where the server does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// One or more.
    pub answers: Vec<Answer>,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Prompt tokens that the server had worked before.
    pub cached_tokens: u64,
    /// Completion tokens, of all answers together.
    pub completion_tokens: u64,
}

impl Reply {
    /// What it cost.
    pub fn usage(&self) -> crate::budget::Usage {
        crate::budget::Usage {
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            cached_tokens: self.cached_tokens,
            ..Default::default()
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ReplyBody {
    choices: Vec<Choice>,
    /// As it came: a server that counts oddly has answered all the same.
    #[serde(default)]
    usage: Value,
}

/// A choice of either protocol.
#[derive(Deserialize)]
struct Choice {
    /// What stands beside the answer costs no answer, whatever it is.
    #[serde(default)]
    index: Value,
    message: Option<Message>,
    text: Option<String>,
    #[serde(default)]
    finish_reason: Value,
}

#[derive(Deserialize)]
struct Message {
    /// A text, or a list of parts with a text each.
    #[serde(default)]
    content: Value,
}

impl Message {
    fn text(self) -> String {
        match self.content {
            Value::String(text) => text,
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => String::new(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ModelList {
    pub data: Vec<Model>,
}

#[derive(Deserialize)]
pub(super) struct Model {
    pub id: String,
}

impl ReplyBody {
    /// The choices in the order of their indices; none if there is no choice, or one that is of neither protocol.
    pub fn reply(mut self) -> Option<Reply> {
        self.choices.sort_by_key(|choice| choice.index.as_u64().unwrap_or_default());
        let tokens = |pointer: &str| {
            let count = self.usage.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
            count.min(u32::MAX.into()) // no request has more; sums of what a server made up are not to overflow
        };
        let (prompt_tokens, completion_tokens) = (tokens("/prompt_tokens"), tokens("/completion_tokens"));
        let cached_tokens = tokens("/prompt_tokens_details/cached_tokens");
        let answer = |choice: Choice| {
            let text = match (choice.message, choice.text) {
                (Some(message), _) => message.text(),
                (None, text) => text?,
            };
            Some(Answer { text, finish_reason: choice.finish_reason.as_str().unwrap_or_default().to_owned() })
        };
        let answers = self.choices.into_iter().map(answer).collect::<Option<Vec<_>>>()?;
        (!answers.is_empty()).then_some(Reply { answers, prompt_tokens, cached_tokens, completion_tokens })
    }
}
