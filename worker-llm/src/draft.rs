//! What the rounds of one function gave so far: one block, with what it cost.

use pipeline::{python::merged, records::WriteMethod};

use crate::{
    answer::Usable,
    client::{Answer, Reply},
    prompt::Prompt,
};

/// Blocks of several answers as one.
#[derive(Clone, Debug, Default)]
pub struct Draft<'a> {
    /// The block; none as long as no answer was usable.
    pub source: Option<String>,
    /// How it was won; `salvaged` if any part of it was.
    pub method: Option<WriteMethod>,
    /// The template of the question that gave the first of it.
    pub prompt: Option<&'a Prompt>,
    /// The answers that it was made of, verbatim, in order.
    pub completions: Vec<String>,
    /// That of the last of them.
    pub finish_reason: String,
    /// Of the requests whose answers count; what was asked again is counted by the client alone.
    pub prompt_tokens: u64,
    /// Likewise.
    pub completion_tokens: u64,
}

impl<'a> Draft<'a> {
    /// Takes the tokens of a request whose answers count.
    pub fn pay(&mut self, reply: &Reply) {
        self.prompt_tokens += reply.prompt_tokens;
        self.completion_tokens += reply.completion_tokens;
    }

    /// Adds an answer's block, without what is there already.
    pub fn add(&mut self, usable: Usable, answer: Answer, prompt: &'a Prompt) {
        self.prompt = self.prompt.or(Some(prompt));
        let source = match &self.source {
            None => Some(usable.source),
            Some(before) => merged(before, &usable.source),
        };
        if source.is_some() {
            self.source = source;
            let salvaged = [self.method, Some(usable.method)].contains(&Some(WriteMethod::Salvaged));
            let method = self.method.unwrap_or(usable.method);
            self.method = Some(if salvaged { WriteMethod::Salvaged } else { method });
        }
        self.finish_reason = answer.finish_reason;
        self.completions.push(answer.text);
    }
}
