//! The stage: question, answer, block of examples.

use std::{sync::Arc, time::Duration};

use pipeline::{
    error::Failure,
    python::examples_block,
    reason::{Reason, StageName},
    records::{Function, GeneratedInputs, Generation, Rejection, WriteMethod, WriteTask},
    stage::{Stage, StageError, Verdict},
};
use prometheus::Registry;
use serde_json::{Map, Value, json};

use crate::{
    builtin,
    client::{Answer, CallError, ChatRequest, Client, ClientMetrics, Endpoint, Patience},
    prompt::Prompt,
    settings::{WriterKind, WriterSettings},
};

/// Writes example inputs for functions.
#[derive(Debug)]
pub struct Writer {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Builtin,
    Model(Box<ModelWriter>),
}

#[derive(Debug)]
struct ModelWriter {
    client: Client,
    model: String,
    prompt: Prompt,
    temperature: f64,
    top_p: f64,
    max_tokens: u32,
}

impl Writer {
    /// Reaches the server, finds the model and loads the prompt.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] within 10 s if a server cannot be used; [`Failure::Usage`] for a setting that is wrong.
    pub async fn start(settings: &WriterSettings, registry: &Registry) -> Result<Arc<Self>, Failure> {
        Self::start_with(settings, registry, Patience::default()).await
    }

    /// [`Self::start`] with another patience than the default.
    ///
    /// # Errors
    /// As above.
    pub async fn start_with(
        settings: &WriterSettings,
        registry: &Registry,
        patience: Patience,
    ) -> Result<Arc<Self>, Failure> {
        if settings.writer == WriterKind::Builtin {
            return Ok(Arc::new(Self { kind: Kind::Builtin }));
        }
        let prompt = Prompt::load(&settings.prompt, settings.prompts_dir.as_deref())?;
        let timeout = Duration::from_secs(settings.llm_timeout.max(1));
        let key = std::env::var("OPENAI_API_KEY").ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        let endpoint = |url: &String| Endpoint::new(url, key.clone(), timeout);
        let endpoints = urls(settings)?.iter().map(endpoint).collect::<Result<Vec<_>, _>>()?;
        let client = Client::new(
            endpoints,
            settings.limit()?,
            patience,
            ClientMetrics::unregistered().map_err(anyhow::Error::from)?,
        );
        let model = client.choose_model(settings.model.as_deref()).await?;
        client.greet(&model).await?;
        // Registered last: a start that is tried again must not meet the metrics of the first try.
        client.metrics().register(registry).map_err(anyhow::Error::from)?;
        let (temperature, top_p, max_tokens) = (settings.temperature, settings.top_p, settings.max_tokens);
        let writer = ModelWriter { client, model, prompt, temperature, top_p, max_tokens };
        Ok(Arc::new(Self { kind: Kind::Model(Box::new(writer)) }))
    }

    /// What was found at the start and changes what is written: `model` and `prompt_sha256`.
    pub fn identity(&self) -> Map<String, Value> {
        let (model, sha256) = match &self.kind {
            Kind::Builtin => ("builtin", ""),
            Kind::Model(writer) => (writer.model.as_str(), writer.prompt.sha256()),
        };
        Map::from_iter([("model".to_owned(), json!(model)), ("prompt_sha256".to_owned(), json!(sha256))])
    }
}

impl Stage for Writer {
    type Input = WriteTask;
    type Output = GeneratedInputs;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, task: WriteTask, seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        let function = match task {
            WriteTask::Write(function) => function,
            WriteTask::Repair(request) => request.inputs.function,
        };
        match &self.kind {
            Kind::Builtin => Ok(builtin::write(&function, seed)),
            Kind::Model(writer) => {
                let seed = request_seed(seed, &function.id);
                writer.write(function, seed).await
            }
        }
    }
}

impl ModelWriter {
    async fn write(&self, function: Function, seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        let question = match self.prompt.render(&function) {
            Ok(question) => question,
            Err(error) => return Err(StageError::Failed(format!("prompt {}: {error:#}", self.prompt.name()))),
        };
        let request = ChatRequest::new(&self.model, &question, self.temperature, self.top_p, self.max_tokens, seed);
        let answer = match self.client.chat(&request).await {
            Ok(answer) => answer,
            Err(CallError::Refused(detail)) => {
                return Ok(Rejection::of(&function, Reason::RequestRefused, detail).into());
            }
            Err(CallError::Service(error)) => return Err(error),
        };
        Ok(self.judge(function, answer, seed))
    }

    fn judge(&self, function: Function, answer: Answer, seed: u64) -> Verdict<GeneratedInputs> {
        let block = match examples_block(&without_thoughts(&answer.text)) {
            Ok(block) => block,
            Err(reason) => {
                let detail = match answer.finish_reason.as_str() {
                    "" | "stop" => reason.describe().to_owned(),
                    finish => format!("{} (finish reason {finish})", reason.describe()),
                };
                return Rejection::of(&function, reason, detail).into();
            }
        };
        let method = if block.salvaged { WriteMethod::Salvaged } else { WriteMethod::Plain };
        let generation = Generation {
            model: self.model.clone(),
            prompt: self.prompt.name().to_owned(),
            prompt_sha256: self.prompt.sha256().to_owned(),
            temperature: self.temperature,
            top_p: self.top_p,
            seed: Some(seed),
            prompt_tokens: answer.prompt_tokens,
            completion_tokens: answer.completion_tokens,
            finish_reason: answer.finish_reason,
            completion: answer.text,
            method: method.into(),
        };
        Verdict::Pass(GeneratedInputs { function, examples: block.source, generation, repairs_left: 0 })
    }
}

/// The endpoints asked for.
fn urls(settings: &WriterSettings) -> Result<Vec<String>, Failure> {
    if !settings.llm_url.is_empty() {
        return Ok(settings.llm_url.clone());
    }
    match std::env::var("OPENAI_BASE_URL") {
        Ok(url) if !url.trim().is_empty() => Ok(vec![url.trim().to_owned()]),
        _ => Err(Failure::Usage(
            "no LLM server: give --llm-url URL or set OPENAI_BASE_URL, or take --writer builtin, which needs none"
                .into(),
        )),
    }
}

/// The seed of the request for one function: 31 bits, since servers read it as a signed 32-bit number.
fn request_seed(run_seed: u64, id: &str) -> u64 {
    let mut hash = blake3::Hasher::new();
    hash.update(&run_seed.to_le_bytes());
    hash.update(id.as_bytes());
    let digest = hash.finalize();
    let word = digest.as_bytes().iter().take(4).fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    word & 0x7fff_ffff
}

/// The answer without what the model thought aloud: `<think>…</think>`, an end without a beginning (some chat templates
/// put the beginning into the prompt), a beginning without an end.
pub fn without_thoughts(answer: &str) -> String {
    let mut rest = answer;
    let mut kept = String::new();
    while let Some((before, thought)) = rest.split_once("<think>") {
        kept.push_str(before);
        rest = thought.split_once("</think>").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    match kept.split_once("</think>") {
        Some((_, after)) => after.to_owned(),
        None => kept,
    }
}
