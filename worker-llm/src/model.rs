//! One function and a model: rounds of questions, answers that are asked for again, salvaged, and repaired.

use std::sync::atomic::{AtomicBool, Ordering};

use pipeline::{
    python::merged,
    reason::Reason,
    records::{Function, GeneratedInputs, Generation, Rejection, RepairRequest, WriteMethod},
    stage::{StageError, Verdict},
};

use crate::{
    answer::{self, Asked, Usable},
    client::{Answer, Api, CallError, Client, Reply, Request, Sampling},
    draft::Draft,
    metrics::WriterMetrics,
    prompt::{Prompt, Question},
    settings::Structured,
    structured::Structure,
};

/// Requests for one answer: the first, and two more where it is cut short or unusable.
const TRIES: u64 = 3;

/// Seeds of one function lie apart: tries count up from the first seed of their round, repairs from theirs.
const ROUND: u64 = 1_000;
const REPAIR: u64 = 500_000;

/// As much of an unusable answer as a repair shows.
const SHOWN_CHARS: usize = 4_000;

/// Where a code block begins in the question of a plain completion, and where it ends.
pub(crate) const OPENING: &str = "\n```python\n";
const CLOSING: &str = "\n```";

/// Writes inputs with a model.
#[derive(Debug)]
pub struct ModelWriter {
    /// The way to its servers.
    pub client: Client,
    /// What all requests share.
    pub sampling: Sampling,
    /// The question.
    pub prompt: Prompt,
    /// The question where the answer is to be JSON.
    pub structured_prompt: Prompt,
    /// The question that shows what went wrong.
    pub repair_prompt: Prompt,
    /// When the answer is to be JSON.
    pub structured: Structured,
    /// Answers a request.
    pub n: u32,
    /// Rounds of questions.
    pub rounds: u32,
    /// Repairs a function.
    pub repair: u32,
    /// Whether inputs that all failed can come back.
    pub way_back: bool,
    /// What it counts.
    pub metrics: WriterMetrics,
    /// Whether the server takes schemas; unknown until it took or refused one.
    pub schemas: Schemas,
}

/// What is known of a server's schemas.
#[derive(Debug, Default)]
pub struct Schemas {
    taken: AtomicBool,
    refused: AtomicBool,
}

/// What came of one question.
enum Outcome<'p> {
    /// Answers with examples, what the request cost, and the prompt that it was.
    Usable(Vec<(Usable, Answer)>, Reply, &'p Prompt),
    /// Why no answer had any; with the answer.
    Useless(Reason, Answer, Reply),
}

/// One question to be asked.
struct Asking<'p, 'a> {
    function: &'a Function,
    prompt: &'p Prompt,
    question: Question<'a>,
    structure: Option<&'a Structure>,
    seed: u64,
    n: u32,
    tries: u64,
}

impl ModelWriter {
    /// Writes inputs for a function, or says why there are none.
    ///
    /// # Errors
    /// The server; never what it answers.
    pub async fn write(&self, function: Function, seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        let structure = if self.structured == Structured::Off { None } else { Structure::of(&function) };
        let at_once = structure.as_ref().filter(|_| self.structured == Structured::Json);
        let (mut draft, mut useless) = (Draft::default(), None);
        for round in 0..self.rounds {
            let so_far = draft.source.clone();
            let question = Question { so_far: so_far.as_deref(), ..Question::default() };
            let asking = Asking {
                function: &function,
                prompt: &self.prompt,
                question,
                structure: at_once,
                seed: seed + u64::from(round) * ROUND,
                n: self.n,
                tries: TRIES,
            };
            match self.ask(asking).await {
                Ok(Outcome::Usable(answers, reply, prompt)) => {
                    draft.pay(&reply);
                    answers.into_iter().for_each(|(usable, answer)| draft.add(usable, answer, prompt));
                }
                Ok(Outcome::Useless(reason, answer, reply)) => {
                    draft.pay(&reply);
                    useless = useless.or(Some((reason, answer)));
                }
                // What an earlier round gave stands.
                Err(CallError::Refused(_)) if draft.source.is_some() => break,
                Err(CallError::Refused(detail)) => {
                    return Ok(Rejection::of(&function, Reason::RequestRefused, detail).into());
                }
                Err(CallError::Service(error)) => return Err(error),
            }
        }
        let mut repairs_left = self.repair;
        while let (None, Some((reason, answer))) = (&draft.source, &useless) {
            if repairs_left == 0 {
                return Ok(Rejection::of(&function, *reason, detail(*reason, answer)).into());
            }
            let text = shortened(&answer::without_thoughts(&answer.text));
            let problem = detail(*reason, answer);
            let asking = self.repairing(&function, &text, &problem, structure.as_ref(), seed, repairs_left);
            repairs_left -= 1;
            match self.repaired(asking, "answer").await {
                Ok(Some((mended, reply))) => {
                    draft.pay(&reply);
                    for (usable, answer) in mended {
                        draft.add(Usable { method: WriteMethod::Repaired, ..usable }, answer, &self.repair_prompt);
                    }
                }
                Ok(None) => {}
                Err(CallError::Refused(_)) => {}
                Err(CallError::Service(error)) => return Err(error),
            }
        }
        let left = if self.way_back { repairs_left } else { 0 };
        Ok(Verdict::Pass(self.record(function, draft, seed, left)))
    }

    /// Mends inputs that all failed, or adds to those that show too little; where that gives nothing they stay as they
    /// are.
    ///
    /// # Errors
    /// As for [`Self::write`].
    pub async fn mend(&self, request: RepairRequest, seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        let RepairRequest { inputs, problem, keep } = request;
        let repairs_left = inputs.repairs_left.saturating_sub(1);
        let structure = if self.structured == Structured::Off { None } else { Structure::of(&inputs.function) };
        let shown = shortened(&inputs.examples);
        let left = inputs.repairs_left;
        let asking = self.repairing(&inputs.function, &shown, &problem, structure.as_ref(), seed + REPAIR, left);
        let mended = match self.repaired(asking, "sandbox").await {
            Ok(mended) => mended,
            Err(CallError::Refused(_)) => None,
            Err(CallError::Service(error)) => return Err(error),
        };
        let before = &inputs.generation;
        let mut draft = Draft {
            prompt_tokens: before.prompt_tokens,
            completion_tokens: before.completion_tokens,
            ..Draft::default()
        };
        let Some((answers, reply)) = mended else {
            return Ok(Verdict::Pass(GeneratedInputs { repairs_left, ..inputs }));
        };
        draft.pay(&reply);
        if keep {
            return Ok(Verdict::Pass(added(GeneratedInputs { repairs_left, ..inputs }, answers, &reply)));
        }
        for (usable, answer) in answers {
            draft.add(Usable { method: WriteMethod::Repaired, ..usable }, answer, &self.repair_prompt);
        }
        Ok(Verdict::Pass(self.record(inputs.function, draft, seed, repairs_left)))
    }

    fn repairing<'p, 'a>(
        &'p self,
        function: &'a Function,
        answer: &'a str,
        problem: &'a str,
        structure: Option<&'a Structure>,
        seed: u64,
        repairs_left: u32,
    ) -> Asking<'p, 'a> {
        let question =
            Question { answer: Some(answer), problem: Some(problem), structured: structure.is_some(), so_far: None };
        let seed = seed + REPAIR + u64::from(repairs_left);
        Asking { function, prompt: &self.repair_prompt, question, structure, seed, n: 1, tries: 1 }
    }

    /// One call that shows what went wrong; none where its answer is of no use either.
    async fn repaired(
        &self,
        asking: Asking<'_, '_>,
        cause: &str,
    ) -> Result<Option<(Vec<(Usable, Answer)>, Reply)>, CallError> {
        let outcome = self.ask(asking).await;
        let said = if matches!(outcome, Ok(Outcome::Usable(..))) { "mended" } else { "useless" };
        self.metrics.repairs.with_label_values(&[cause, said]).inc();
        match outcome? {
            Outcome::Usable(answers, reply, _) => Ok(Some((answers, reply))),
            Outcome::Useless(..) => Ok(None),
        }
    }

    /// Asks under a schema where there is one and the server takes it, else without.
    async fn ask<'p>(&'p self, asking: Asking<'p, '_>) -> Result<Outcome<'p>, CallError> {
        if asking.structure.is_some() && !self.schemas.refused.load(Ordering::Relaxed) {
            let prompt = if asking.question.structured { asking.prompt } else { &self.structured_prompt };
            let question = Question { structured: true, ..asking.question };
            match self.tries(&Asking { prompt, question, ..asking }).await {
                // A server may also fail on a schema that it cannot make a grammar of.
                Err(CallError::Refused(words) | CallError::Service(StageError::Failed(words))) => {
                    self.metrics.schemas_refused.inc();
                    let first = !self.schemas.taken.load(Ordering::Relaxed)
                        && !self.schemas.refused.swap(true, Ordering::Relaxed);
                    if first {
                        tracing::warn!(reason = words, "the LLM server takes no JSON schema; asking in plain text");
                    }
                }
                asked => {
                    if asked.is_ok() {
                        self.schemas.taken.store(true, Ordering::Relaxed);
                    }
                    return asked;
                }
            }
        }
        let question = Question { structured: false, ..asking.question };
        self.tries(&Asking { structure: None, question, ..asking }).await
    }

    /// Asks until an answer is whole, and salvages the first that is not where none is.
    async fn tries<'p>(&self, asking: &Asking<'p, '_>) -> Result<Outcome<'p>, CallError> {
        let (mut salvaged, mut useless): (Option<Outcome>, Option<(Reason, Answer, Reply)>) = (None, None);
        for attempt in 0..asking.tries {
            let reply = self.call(asking, attempt).await?;
            let asked =
                Asked { api: self.sampling.api, structure: asking.structure, later: asking.question.so_far.is_some() };
            let (mut usable, mut why) = (Vec::new(), None);
            for answer in &reply.answers {
                match answer::read(answer, asked) {
                    Ok(block) => usable.push((block, answer.clone())),
                    // The reason that says most: what is no list is nearer to one than what is no Python.
                    Err(reason) if why.as_ref().is_none_or(|(before, _)| *before < reason) => {
                        why = Some((reason, answer.clone()));
                    }
                    Err(_) => {}
                }
            }
            if usable.iter().any(|(block, _)| block.method != WriteMethod::Salvaged) {
                return Ok(Outcome::Usable(usable, reply, asking.prompt));
            }
            let again =
                if usable.is_empty() { why.as_ref().map_or("", |(reason, _)| reason.as_str()) } else { "salvaged" };
            if attempt + 1 < asking.tries {
                self.metrics.asked_again.with_label_values(&[again]).inc();
            }
            if !usable.is_empty() {
                salvaged = salvaged.or(Some(Outcome::Usable(usable, reply, asking.prompt)));
            } else if let Some((reason, answer)) = why
                && useless.as_ref().is_none_or(|(before, ..)| *before < reason)
            {
                useless = Some((reason, answer, reply));
            }
        }
        Ok(match (salvaged, useless) {
            (Some(salvaged), _) => salvaged,
            (None, Some((reason, answer, reply))) => Outcome::Useless(reason, answer, reply),
            (None, None) => Outcome::Useless(Reason::EmptyCompletion, Answer::default(), Reply::default()),
        })
    }

    /// One request, or as many as it takes for `n` answers: some servers give one whatever they are asked for.
    async fn call(&self, asking: &Asking<'_, '_>, attempt: u64) -> Result<Reply, CallError> {
        let mut question = asking.prompt.render(asking.function, asking.question).map_err(|error| {
            CallError::Service(StageError::Failed(format!("prompt {}: {error:#}", asking.prompt.name())))
        })?;
        let schema = asking.structure.map(Structure::schema);
        let mut sampling = self.sampling.clone();
        if sampling.api == Api::Completion && schema.is_none() {
            question.push_str(OPENING);
            sampling.stop.push(CLOSING.to_owned());
        }
        let mut whole = Reply::default();
        while whole.answers.len() < asking.n as usize {
            let missing = asking.n - u32::try_from(whole.answers.len()).unwrap_or(asking.n);
            let seed = asking.seed + attempt + ROUND / 2 * whole.answers.len() as u64;
            let request = Request::new(&sampling, &question, seed & 0x7fff_ffff, missing, schema.as_ref());
            let reply = self.client.ask(&request).await?;
            whole.prompt_tokens += reply.prompt_tokens;
            whole.cached_tokens += reply.cached_tokens;
            whole.completion_tokens += reply.completion_tokens;
            whole.answers.extend(reply.answers);
        }
        whole.answers.truncate(asking.n as usize);
        Ok(whole)
    }

    /// The seed that is recorded is that of the function's first request: tries, rounds and repairs count up from it, so
    /// that the same function under the same settings sends the same requests again.
    fn record(&self, function: Function, draft: Draft, seed: u64, repairs_left: u32) -> GeneratedInputs {
        let prompt = draft.prompt.unwrap_or(&self.prompt);
        let method = draft.method.unwrap_or(WriteMethod::Plain);
        let generation = Generation {
            model: self.sampling.model.clone(),
            prompt: prompt.name().to_owned(),
            prompt_sha256: prompt.sha256().to_owned(),
            temperature: self.sampling.temperature,
            top_p: self.sampling.top_p,
            seed: Some(seed),
            prompt_tokens: draft.prompt_tokens,
            completion_tokens: draft.completion_tokens,
            finish_reason: draft.finish_reason,
            completion: draft.completions.join("\n"),
            method: method.into(),
        };
        GeneratedInputs { function, examples: draft.source.unwrap_or_default(), generation, repairs_left }
    }
}

/// Why an answer was of no use, in one line.
fn detail(reason: Reason, answer: &Answer) -> String {
    match answer.finish_reason.as_str() {
        "" | "stop" => reason.describe().to_owned(),
        finish => format!("{} (finish reason {finish})", reason.describe()),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}\n…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The inputs with what the answers have beside them.
fn added(mut inputs: GeneratedInputs, answers: Vec<(Usable, Answer)>, reply: &Reply) -> GeneratedInputs {
    let generation = &mut inputs.generation;
    generation.prompt_tokens += reply.prompt_tokens;
    generation.completion_tokens += reply.completion_tokens;
    for (usable, answer) in answers {
        if let Some(joined) = merged(&inputs.examples, &usable.source) {
            inputs.examples = joined;
            generation.completion = format!("{}\n{}", generation.completion, answer.text);
            generation.finish_reason = answer.finish_reason;
            generation.method.write = WriteMethod::Repaired;
        }
    }
    inputs
}
