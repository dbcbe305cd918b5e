//! What a user can set about the writing of inputs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pipeline::error::Failure;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::MOST;

/// Functions that the builtin writer is given at once; it uses one core all the same.
const BUILTIN_CONCURRENCY: usize = 32;

/// Who writes the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum WriterKind {
    /// A model behind an OpenAI-compatible server.
    Openai,
    /// No model: inferred from the function itself.
    Builtin,
}

/// Settings of the writer. The API key is none of them: it comes from `OPENAI_API_KEY` alone, so that it can stand
/// neither in a process list nor in run.json.
#[derive(Clone, Debug, Serialize, Deserialize, Args)]
#[command(next_help_heading = "Writing inputs")]
pub struct WriterSettings {
    /// Who writes example inputs: a model behind an OpenAI-compatible server, or rules that need no model
    #[arg(long, value_enum, default_value_t = WriterKind::Openai)]
    pub writer: WriterKind,
    /// Base URL of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1; repeatable [default: $OPENAI_BASE_URL]
    #[arg(long, value_name = "URL")]
    pub llm_url: Vec<String>,
    /// Model to ask [default: the server's only one]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Sampling temperature
    #[arg(long, value_name = "T", default_value_t = 0.2)]
    pub temperature: f64,
    /// Nucleus sampling mass
    #[arg(long, value_name = "P", default_value_t = 0.95)]
    pub top_p: f64,
    /// Most tokens of one answer
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub max_tokens: u32,
    /// Requests in flight at once, at each server: a number, or `auto` to find what each server can do
    #[arg(long, value_name = "N", default_value = "auto")]
    pub concurrency: String,
    /// Prompt template, by name
    #[arg(long, value_name = "NAME", default_value = "write-inputs")]
    pub prompt: String,
    /// Folder of your own templates (NAME.jinja); they win over the built-in ones
    #[arg(long, value_name = "DIR")]
    pub prompts_dir: Option<PathBuf>,
    /// Longest wait for one answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub llm_timeout: u64,
}

impl WriterSettings {
    /// Requests at each server; none: to be found.
    ///
    /// # Errors
    /// Neither a number nor `auto`: [`Failure::Usage`].
    pub fn limit(&self) -> Result<Option<usize>, Failure> {
        match (self.concurrency.as_str(), self.concurrency.parse::<usize>()) {
            ("auto", _) => Ok(None),
            (_, Ok(number)) if number > 0 => Ok(Some(number)),
            (wrong, _) => Err(Failure::Usage(format!("--concurrency {wrong}: a number from 1 on, or `auto`"))),
        }
    }

    /// How many records are to be worked at once: enough for every server. What waits for room costs nothing yet.
    pub fn concurrency(&self) -> usize {
        if self.writer == WriterKind::Builtin {
            return BUILTIN_CONCURRENCY;
        }
        let each = self.limit().ok().flatten().unwrap_or(MOST);
        each.saturating_mul(self.llm_url.len().max(1)).min(usize::from(u16::MAX))
    }

    /// The settings that change what is written, as a JSON object.
    pub fn identity(&self) -> Value {
        match self.writer {
            WriterKind::Builtin => json!({ "writer": self.writer }),
            WriterKind::Openai => json!({
                "writer": self.writer,
                "prompt": self.prompt,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "max_tokens": self.max_tokens,
            }),
        }
    }
}
