//! What a model would be asked, and what that may cost, without asking it.

use pipeline::{error::Failure, records::Function};

use crate::{
    budget::Price,
    client::Api,
    model::OPENING,
    prompt::{Prompt, Question},
    settings::{Structured, WriterKind, WriterSettings},
    structured::Structure,
};

/// Characters a token, by a rule of thumb for English and Python.
pub(crate) const CHARS_A_TOKEN: u64 = 4;

/// Counts what functions would cost. One server or none makes no difference: it reaches none.
#[derive(Debug)]
pub struct Estimate {
    /// None for the builtin writer.
    prompts: Option<Prompts>,
    api: Api,
    structured: Structured,
    rounds: u64,
    answers: u64,
    max_tokens: u64,
    price: Option<Price>,
    functions: u64,
    chars: u64,
}

#[derive(Debug)]
struct Prompts {
    plain: Prompt,
    json: Prompt,
}

impl Estimate {
    /// For these settings.
    ///
    /// # Errors
    /// A template or a price that is wrong: [`Failure::Usage`].
    pub fn new(settings: &WriterSettings) -> Result<Self, Failure> {
        let load = |flag: &str, name: &str| Prompt::load(flag, name, settings.prompts_dir.as_deref());
        let prompts = match settings.writer {
            WriterKind::Builtin => None,
            WriterKind::Openai => Some(Prompts {
                plain: load("--prompt", &settings.prompt)?,
                json: load("--structured-prompt", &settings.structured_prompt)?,
            }),
        };
        Ok(Self {
            prompts,
            api: settings.api,
            structured: settings.structured,
            rounds: settings.rounds.into(),
            answers: settings.n.into(),
            max_tokens: settings.max_tokens.into(),
            price: settings.price()?,
            functions: 0,
            chars: 0,
        })
    }

    /// Adds a function; gives the first question about it, as a server would get it. None for the builtin writer.
    ///
    /// # Errors
    /// The template fails on this function: [`Failure::Usage`].
    pub fn add(&mut self, function: &Function) -> Result<Option<String>, Failure> {
        self.functions += 1;
        let Some(prompts) = &self.prompts else { return Ok(None) };
        let in_json = self.structured == Structured::Json && Structure::of(function).is_some();
        let prompt = if in_json { &prompts.json } else { &prompts.plain };
        let question = Question { structured: in_json, ..Question::default() };
        let mut text = prompt.render(function, question).map_err(|error| {
            Failure::Usage(format!("prompt {}: {error:#} (function {})", prompt.name(), function.id))
        })?;
        if self.api == Api::Completion && !in_json {
            text.push_str(OPENING);
        }
        self.chars = self.chars.saturating_add(text.chars().count() as u64);
        Ok(Some(text))
    }

    /// Requests, if every first answer is good.
    pub fn calls(&self) -> u64 {
        if self.prompts.is_some() { self.functions.saturating_mul(self.rounds) } else { 0 }
    }

    /// Prompt tokens of these requests, by their length.
    pub fn prompt_tokens(&self) -> u64 {
        self.chars.saturating_mul(self.rounds).div_ceil(CHARS_A_TOKEN)
    }

    /// The most completion tokens that they can have.
    pub fn completion_tokens(&self) -> u64 {
        self.calls().saturating_mul(self.answers).saturating_mul(self.max_tokens)
    }

    /// What that costs; none without a price.
    pub fn cost(&self) -> Option<f64> {
        self.price.map(|price| price.of(self.prompt_tokens(), self.completion_tokens()))
    }

    /// All of it in words, with how it was estimated.
    pub fn describe(&self) -> String {
        if self.prompts.is_none() {
            return "the builtin writer asks no model: no prompts, no calls, no tokens\n".to_owned();
        }
        let (calls, prompt, completion) = (self.calls(), self.prompt_tokens(), self.completion_tokens());
        let mut text = format!("calls              {calls}\n");
        text.push_str(&format!("prompt tokens      about {prompt} (characters of the prompts / {CHARS_A_TOKEN})\n"));
        text.push_str(&format!("completion tokens  at most {completion} (--max-tokens for every answer)\n"));
        if let Some(cost) = self.cost() {
            text.push_str(&format!(
                "cost               about {cost:.4}, if every answer is as long as it may be (by --price)\n"
            ));
        }
        text.push_str(
            "Not in it: calls for answers that are asked again or repaired, what further rounds add to their prompts, and \
             what a chat template adds. Not taken off: what stands in --cache, and what an earlier process has done.\n",
        );
        text
    }
}
