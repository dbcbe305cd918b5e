//! What a user can set about the writing of inputs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pipeline::{error::Failure, profile::Profile, settings::finite};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    budget::{Budget, Price, Usage},
    client::{Api, MOST},
};

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

/// Whether a model is to answer in JSON under a schema of the function's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Structured {
    /// Only where an answer in Python was no good.
    Auto,
    /// Never.
    Off,
    /// Always.
    Json,
}

/// Settings of the writer. The API key is none of them: it comes from `OPENAI_API_KEY` alone, so that it can stand
/// neither in a process list nor in run.json.
#[derive(Clone, Debug, Serialize, Deserialize, Args)]
#[command(next_help_heading = "Writing inputs")]
pub struct WriterSettings {
    /// Who writes example inputs: a model behind an OpenAI-compatible server, or rules that need no model
    #[arg(long, value_enum, default_value_t = WriterKind::Openai)]
    pub writer: WriterKind,
    /// Base URL of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1; several: repeat it, or commas [default: $OPENAI_BASE_URL]
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub llm_url: Vec<String>,
    /// Model to ask [default: the server's only one]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Sampling temperature
    #[arg(long, value_name = "T", default_value_t = 0.2, value_parser = finite, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Nucleus sampling mass
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = finite)]
    pub top_p: f64,
    /// Most tokens of one answer
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub max_tokens: u32,
    /// Requests in flight at once, at each server: a number, or `auto` to find what each server can do
    #[arg(long, value_name = "N", default_value = "auto", allow_negative_numbers = true)]
    pub concurrency: String,
    /// Prompt template, by name
    #[arg(long, value_name = "NAME", default_value = "write-inputs")]
    pub prompt: String,
    /// Prompt template for answers in JSON
    #[arg(long, value_name = "NAME", default_value = "write-inputs-json")]
    pub structured_prompt: String,
    /// Prompt template that shows the model what went wrong
    #[arg(long, value_name = "NAME", default_value = "repair")]
    pub repair_prompt: String,
    /// Folder of your own templates (NAME.jinja); they win over the built-in ones
    #[arg(long, value_name = "DIR")]
    pub prompts_dir: Option<PathBuf>,
    /// Answers in JSON under a schema of the function's parameters: never, always, or (auto) for repairs only; a server
    /// that refuses schemas is asked in plain text
    #[arg(long, value_enum, default_value_t = Structured::Auto)]
    pub structured: Structured,
    /// Answers asked for in one request; their examples become one list. A server that gives fewer is asked again
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub n: u32,
    /// Requests a function; each further one shows what is there and asks for more
    #[arg(long, value_name = "R", default_value_t = 1)]
    pub rounds: u32,
    /// Further calls that show the model what went wrong, where an answer holds no usable example or (in `run` and in a
    /// fleet) every example failed; 0 under the reference profile
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub repair: u32,
    /// Where fewer than N distinct inputs were written, changed copies of them fill up, without a call; 0 adds none (so
    /// under the reference profile)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub inputs: u32,
    /// The server's way to be asked: chat completions, or plain completions for models without a chat template
    #[arg(long, value_enum, default_value_t = Api::Chat)]
    pub api: Api,
    /// Text at which an answer ends; repeatable
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Fields of the server's own for each request, as a JSON object, e.g. '{"top_k": 20}'
    #[arg(long, value_name = "JSON")]
    pub extra_body: Option<String>,
    /// Longest wait for a connection, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub llm_connect_timeout: u64,
    /// Longest wait for the beginning of an answer, in seconds; a server that does not stream begins when it is done
    /// [default: that of --llm-timeout]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub llm_first_byte_timeout: Option<u64>,
    /// Longest wait for one answer, in seconds; then the connection is closed and the request is sent again
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub llm_timeout: u64,
    /// Folder that keeps every answer: the same request is never paid for twice. Any number of processes may share it
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// What a million prompt tokens and a million completion tokens cost, in any currency, e.g. 0.15,0.6. Cached prompt
    /// tokens are counted at the price of prompt tokens
    #[arg(long, value_name = "IN,OUT", allow_hyphen_values = true)]
    pub price: Option<String>,
    /// Stop once so many tokens are spent, prompt and completion together. No request is sent after that; those that the
    /// servers are working on are still paid for and used. In `run` what earlier processes of the same --out spent
    /// counts, elsewhere this process alone
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_tokens_total: Option<u64>,
    /// Stop once so much is spent, by --price; otherwise as --max-tokens-total
    #[arg(long, value_name = "COST", value_parser = finite, allow_negative_numbers = true)]
    pub max_cost: Option<f64>,
}

impl WriterSettings {
    /// Checks what the types do not, wherever a value comes from.
    ///
    /// # Errors
    /// [`Failure::Usage`], naming the flag.
    pub fn check(&self) -> Result<(), Failure> {
        self.limit()?;
        self.extra_fields()?;
        let numbers = [
            ("temperature", self.temperature, 0.0..=100.0),
            ("top-p", self.top_p, 0.0..=1.0),
            ("max-tokens", f64::from(self.max_tokens), 1.0..=f64::from(u32::MAX)),
            ("n", f64::from(self.n), 1.0..=64.0),
            ("rounds", f64::from(self.rounds), 1.0..=64.0),
            ("repair", f64::from(self.repair), 0.0..=16.0),
            ("inputs", f64::from(self.inputs), 0.0..=1000.0),
            ("llm-connect-timeout", self.llm_connect_timeout as f64, 1.0..=f64::MAX),
            ("llm-first-byte-timeout", self.llm_first_byte_timeout.unwrap_or(1) as f64, 1.0..=f64::MAX),
            ("llm-timeout", self.llm_timeout as f64, 1.0..=f64::MAX),
            ("max-tokens-total", self.max_tokens_total.unwrap_or(1) as f64, 1.0..=f64::MAX),
        ];
        match numbers.into_iter().find(|(_, number, range)| !range.contains(number)) {
            Some((flag, number, range)) => {
                let (least, most) = range.into_inner();
                let upward = if most > f64::from(u32::MAX) { " on".to_owned() } else { format!(" to {most}") };
                Err(Failure::Usage(format!("--{flag} {number}: must be from {least}{upward}")))
            }
            None if self.stop.iter().any(String::is_empty) => {
                Err(Failure::Usage("--stop: an empty text would end every answer".into()))
            }
            None => Ok(()),
        }
    }

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

    /// What may be spent, where `before` is spent already. The builtin writer spends nothing, so nothing limits it.
    ///
    /// # Errors
    /// A wrong price or limit, or a limit on the cost without a price: [`Failure::Usage`].
    pub fn budget(&self, before: Usage) -> Result<Budget, Failure> {
        let price = self.price()?;
        match self.max_cost {
            Some(most) if !(most.is_finite() && most > 0.0) => {
                return Err(Failure::Usage(format!("--max-cost {most}: a number above 0")));
            }
            Some(_) if price.is_none() => {
                return Err(Failure::Usage("--max-cost needs --price IN,OUT: what a million tokens cost".into()));
            }
            _ => {}
        }
        Ok(match self.writer {
            WriterKind::Openai => Budget::new(price, self.max_tokens_total, self.max_cost, before),
            WriterKind::Builtin => Budget::new(price, None, None, before),
        })
    }

    /// What tokens cost, if that was said.
    ///
    /// # Errors
    /// A wrong price: [`Failure::Usage`].
    pub fn price(&self) -> Result<Option<Price>, Failure> {
        self.price.as_deref().map(str::parse).transpose()
    }

    /// Under the reference profile without what the published data was made without: repair and added inputs.
    pub fn under(self, profile: Profile) -> Self {
        match profile {
            Profile::Strict => self,
            Profile::Reference => Self { repair: 0, inputs: 0, ..self },
        }
    }

    /// The fields of `extra_body`.
    ///
    /// # Errors
    /// No JSON object, or one with a field that is ours alone: [`Failure::Usage`].
    pub fn extra_fields(&self) -> Result<Map<String, Value>, Failure> {
        let Some(text) = &self.extra_body else { return Ok(Map::new()) };
        let fields: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| Failure::Usage(format!("--extra-body: no JSON object: {error}")))?;
        // What the question, the answer's form and the accounting hang on has a setting of its own, or none.
        let ours = ["model", "messages", "prompt", "n", "seed", "stream", "response_format"];
        match ours.into_iter().find(|ours| fields.contains_key(*ours)) {
            Some(ours) => Err(Failure::Usage(format!("--extra-body: `{ours}` cannot be set there"))),
            None => Ok(fields),
        }
    }

    /// The settings that change what is written, as a JSON object.
    pub fn identity(&self) -> Value {
        match self.writer {
            WriterKind::Builtin => json!({ "writer": self.writer, "added_inputs": self.inputs }),
            WriterKind::Openai => json!({
                "writer": self.writer,
                "prompt": self.prompt,
                "structured_prompt": self.structured_prompt,
                "repair_prompt": self.repair_prompt,
                "structured": self.structured,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "max_tokens": self.max_tokens,
                "answers": self.n,
                "rounds": self.rounds,
                "repair": self.repair,
                "added_inputs": self.inputs,
                "api": self.api,
                "stop": self.stop,
                "extra_body": self.extra_body,
            }),
        }
    }
}
