//! The stage: question, answer, block of examples.

use std::{sync::Arc, time::Duration};

use pipeline::{
    error::Failure,
    reason::StageName,
    records::{GeneratedInputs, WriteTask},
    stage::{Stage, StageError, Verdict},
};
use prometheus::Registry;
use serde_json::{Map, Value, json};

use crate::{
    budget::{Budget, Usage},
    builtin,
    cache::Cache,
    client::{Client, ClientMetrics, Endpoint, Patience, Sampling, Timeouts},
    metrics::WriterMetrics,
    model::{ModelWriter, Schemas},
    mutate::{Words, mutate},
    prompt::Prompt,
    settings::{WriterKind, WriterSettings},
};

/// Writes example inputs for functions.
#[derive(Debug)]
pub struct Writer {
    kind: Kind,
    /// Distinct inputs that a function is to have at the least; what was not written is made of what was.
    inputs: usize,
    metrics: WriterMetrics,
    budget: Budget,
}

#[derive(Debug)]
enum Kind {
    Builtin,
    Model(Box<ModelWriter>),
}

/// Whether inputs that all failed can come back to be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// Over the queues of a run.
    Open,
    /// A filter has none.
    None,
}

impl Writer {
    /// Reaches the server, finds the model and loads the prompt.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] within 10 s if a server cannot be used; [`Failure::Usage`] for a setting that is wrong.
    pub async fn start(
        settings: &WriterSettings,
        way_back: WayBack,
        registry: &Registry,
    ) -> Result<Arc<Self>, Failure> {
        Self::start_with(settings, way_back, registry, Patience::default()).await
    }

    /// [`Self::start`] with a budget of which something may be spent already.
    ///
    /// # Errors
    /// As above.
    pub async fn start_within(
        settings: &WriterSettings,
        way_back: WayBack,
        registry: &Registry,
        budget: Budget,
    ) -> Result<Arc<Self>, Failure> {
        Self::begin(settings, way_back, registry, Patience::default(), budget).await
    }

    /// [`Self::start`] with another patience than the default.
    ///
    /// # Errors
    /// As above.
    pub async fn start_with(
        settings: &WriterSettings,
        way_back: WayBack,
        registry: &Registry,
        patience: Patience,
    ) -> Result<Arc<Self>, Failure> {
        Self::begin(settings, way_back, registry, patience, settings.budget(Usage::default())?).await
    }

    async fn begin(
        settings: &WriterSettings,
        way_back: WayBack,
        registry: &Registry,
        patience: Patience,
        budget: Budget,
    ) -> Result<Arc<Self>, Failure> {
        settings.check()?;
        let metrics = WriterMetrics::unregistered().map_err(anyhow::Error::from)?;
        let inputs = settings.inputs as usize;
        let kind = match settings.writer {
            WriterKind::Builtin => Kind::Builtin,
            WriterKind::Openai => {
                let writer = reach(settings, way_back, patience, metrics.clone(), budget.clone()).await?;
                // Registered last: a start that is tried again must not meet the metrics of the first try.
                if let Some(price) = settings.price()? {
                    writer.client.metrics().set_price(price.prompt, price.completion);
                }
                writer.client.metrics().register(registry).map_err(anyhow::Error::from)?;
                Kind::Model(Box::new(writer))
            }
        };
        metrics.register(registry).map_err(anyhow::Error::from)?;
        Ok(Arc::new(Self { kind, inputs, metrics, budget }))
    }

    /// What is spent, and what may be.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What was found at the start and changes what is written: `model` and `prompt_sha256`.
    pub fn identity(&self) -> Map<String, Value> {
        let (model, hashes) = match &self.kind {
            Kind::Builtin => ("builtin", [""; 3]),
            Kind::Model(writer) => {
                let prompts = [&writer.prompt, &writer.structured_prompt, &writer.repair_prompt];
                (writer.sampling.model.as_str(), prompts.map(Prompt::sha256))
            }
        };
        let names = ["prompt_sha256", "structured_prompt_sha256", "repair_prompt_sha256"];
        let hashes = names.into_iter().zip(hashes).map(|(name, hash)| (name.to_owned(), json!(hash)));
        hashes.chain([("model".to_owned(), json!(model))]).collect()
    }

    /// Fills up with changed copies where fewer inputs were written than are wanted.
    fn multiplied(&self, mut written: GeneratedInputs, seed: u64) -> GeneratedInputs {
        let parameters = &written.function.parameters;
        let seed = written.generation.seed.unwrap_or(seed);
        if self.inputs > 0
            && let Some(added) = mutate(&written.examples, parameters, &Words::of(&written.function), self.inputs, seed)
        {
            written.examples.push_str(&added.source);
            written.generation.method.mutated = true;
            self.metrics.mutated.inc_by(added.added as u64);
        }
        written
    }
}

impl Stage for Writer {
    type Input = WriteTask;
    type Output = GeneratedInputs;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, task: WriteTask, seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        let verdict = match (&self.kind, task) {
            (Kind::Builtin, WriteTask::Write(function)) => builtin::write(&function, seed),
            // It writes the same again.
            (Kind::Builtin, WriteTask::Repair(request)) => {
                Verdict::Pass(GeneratedInputs { repairs_left: 0, ..request.inputs })
            }
            (Kind::Model(writer), WriteTask::Write(function)) => {
                let seed = request_seed(seed, &function.id);
                writer.write(function, seed).await?
            }
            (Kind::Model(writer), WriteTask::Repair(request)) => {
                let seed = request_seed(seed, &request.inputs.function.id);
                writer.mend(*request, seed).await?
            }
        };
        Ok(match verdict {
            Verdict::Pass(written) => {
                let written = self.multiplied(written, seed);
                self.metrics.written.with_label_values(&[&written.generation.method.to_string()]).inc();
                Verdict::Pass(written)
            }
            other => other,
        })
    }
}

/// Reaches the servers, finds the model and loads the prompts.
async fn reach(
    settings: &WriterSettings,
    way_back: WayBack,
    patience: Patience,
    metrics: WriterMetrics,
    budget: Budget,
) -> Result<ModelWriter, Failure> {
    let prompt = |flag: &str, name: &str| Prompt::load(flag, name, settings.prompts_dir.as_deref());
    let (prompt, structured_prompt, repair_prompt) = (
        prompt("--prompt", &settings.prompt)?,
        prompt("--structured-prompt", &settings.structured_prompt)?,
        prompt("--repair-prompt", &settings.repair_prompt)?,
    );
    let (client, sampling) = connect(settings, patience, &budget).await?;
    Ok(ModelWriter {
        client,
        sampling,
        prompt,
        structured_prompt,
        repair_prompt,
        structured: settings.structured,
        n: settings.n,
        rounds: settings.rounds,
        repair: settings.repair,
        way_back: way_back == WayBack::Open,
        metrics,
        schemas: Schemas::default(),
    })
}

/// Reaches the servers and finds the model.
///
/// # Errors
/// [`Failure::Unavailable`] within 10 s if a server cannot be used; [`Failure::Usage`] for a setting that is wrong.
pub async fn connect(
    settings: &WriterSettings,
    patience: Patience,
    budget: &Budget,
) -> Result<(Client, Sampling), Failure> {
    let extra = settings.extra_fields()?;
    let total = Duration::from_secs(settings.llm_timeout);
    let timeouts = Timeouts {
        connect: Duration::from_secs(settings.llm_connect_timeout),
        first_byte: settings.llm_first_byte_timeout.map_or(total, Duration::from_secs),
        total,
    };
    let key = std::env::var("OPENAI_API_KEY").ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    let endpoint = |url: &String| Endpoint::new(url, key.clone(), timeouts);
    let endpoints = urls(settings)?.iter().map(endpoint).collect::<Result<Vec<_>, _>>()?;
    let cache = settings.cache.as_deref().map(Cache::open).transpose()?;
    let cached = cache.is_some();
    let counted = ClientMetrics::unregistered().map_err(anyhow::Error::from)?;
    let client = Client::new(endpoints, settings.limit()?, patience, cache, counted, budget.clone());
    let model = client.choose_model(settings.model.as_deref()).await?;
    let sampling = Sampling {
        api: settings.api,
        model,
        temperature: settings.temperature,
        top_p: settings.top_p,
        max_tokens: settings.max_tokens,
        stop: settings.stop.clone(),
        extra,
    };
    // A run that finds everything in its cache makes no call at all; nor does one that has nothing left to spend.
    if !cached && !budget.exhausted().is_cancelled() {
        client.greet(&sampling).await?;
    }
    Ok((client, sampling))
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
pub fn request_seed(run_seed: u64, id: &str) -> u64 {
    let mut hash = blake3::Hasher::new();
    hash.update(&run_seed.to_le_bytes());
    hash.update(id.as_bytes());
    let digest = hash.finalize();
    let word = digest.as_bytes().iter().take(4).fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    word & 0x7fff_ffff
}
