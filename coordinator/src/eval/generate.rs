//! A model's answers to a test set, through the client of the LLM worker.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use futures_util::{StreamExt, stream};
use pipeline::{error::Failure, filter::line, shutdown::CancellationToken, stage::StageError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use worker_llm::{
    answer::without_thoughts,
    budget::{Budget, Usage},
    client::{Answer, Api, CallError, Client, Patience, Request, Sampling},
    settings::{Structured, WriterKind, WriterSettings},
    writer::{connect, request_seed},
};

use super::{
    completion::{Completion, NOT_STOPPED},
    folder,
    item::Item,
    progress::Progress,
    question::Question,
};

/// How a model is asked. The API key comes from `OPENAI_API_KEY` alone.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Asking a model")]
pub struct ModelSettings {
    /// Base URL of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1; repeatable [default: $OPENAI_BASE_URL]
    #[arg(long, value_name = "URL")]
    pub llm_url: Vec<String>,
    /// Model to ask [default: the server's only one]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Answers an item
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub n: u32,
    /// Prompt template: `evaluate` says how the function is called, `plain` is the item's prompt as it stands, for models
    /// tuned on such prompts
    #[arg(long, value_name = "NAME", default_value = "evaluate")]
    pub prompt: String,
    /// Folder of your own templates (NAME.jinja); they win over the built-in ones
    #[arg(long, value_name = "DIR")]
    pub prompts_dir: Option<PathBuf>,
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
    /// The server's way to be asked: chat completions, or plain completions for models without a chat template
    #[arg(long, value_enum, default_value_t = Api::Chat)]
    pub api: Api,
    /// Text at which an answer ends; repeatable
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Fields of the server's own for each request, as a JSON object, e.g. '{"top_k": 20}'
    #[arg(long, value_name = "JSON")]
    pub extra_body: Option<String>,
    /// Longest wait for one answer, in seconds; then the connection is closed and the request is sent again
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub llm_timeout: u64,
    /// Folder that keeps every answer: the same request is never paid for twice
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// What a million prompt tokens and a million completion tokens cost, e.g. 0.15,0.6
    #[arg(long, value_name = "IN,OUT")]
    pub price: Option<String>,
    /// Stop once so many tokens are spent, prompt and completion together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_tokens_total: Option<u64>,
    /// Stop once so much is spent, by --price
    #[arg(long, value_name = "COST")]
    pub max_cost: Option<f64>,
}

/// An answer in the journal.
#[derive(Serialize, Deserialize)]
struct Kept {
    gen_answer_id: String,
    index: u32,
    completions: String,
}

impl ModelSettings {
    /// What the LLM worker's client is told.
    fn client(&self) -> WriterSettings {
        WriterSettings {
            writer: WriterKind::Openai,
            llm_url: self.llm_url.clone(),
            model: self.model.clone(),
            temperature: self.temperature,
            top_p: self.top_p,
            max_tokens: self.max_tokens,
            concurrency: self.concurrency.clone(),
            prompt: self.prompt.clone(),
            structured_prompt: String::new(),
            repair_prompt: String::new(),
            prompts_dir: self.prompts_dir.clone(),
            structured: Structured::Off,
            n: 1,
            rounds: 1,
            repair: 0,
            inputs: 0,
            api: self.api,
            stop: self.stop.clone(),
            extra_body: self.extra_body.clone(),
            llm_connect_timeout: 5,
            llm_first_byte_timeout: None,
            llm_timeout: self.llm_timeout,
            cache: self.cache.clone(),
            price: self.price.clone(),
            max_tokens_total: self.max_tokens_total,
            max_cost: self.max_cost,
        }
    }
}

/// Asks a model about every item, and keeps its answers in `out/completions.jsonl`; those that are there already are not
/// asked for again. An answer that the server refuses to give is missing.
///
/// # Errors
/// [`Failure::Usage`] for settings that make no sense and for a folder of another evaluation, [`Failure::Unavailable`]
/// for a server that is not there, [`Failure::Limit`] once enough is spent, [`Failure::Stopped`] after a signal.
pub async fn generate(
    items: &[Item],
    data: &str,
    settings: &ModelSettings,
    seed: u64,
    (out, resume): (&Path, bool),
    stop: &CancellationToken,
) -> Result<Vec<Completion>, Failure> {
    let question = Question::load(&settings.prompt, settings.prompts_dir.as_deref())?;
    if settings.llm_url.is_empty() && std::env::var("OPENAI_BASE_URL").unwrap_or_default().trim().is_empty() {
        let what =
            "nothing to score: give --completions FILE, or a model's server with --llm-url URL or OPENAI_BASE_URL";
        return Err(Failure::Usage(what.into()));
    }
    let client = settings.client();
    let budget = client.budget(Usage::default())?;
    let (server, sampling) = connect(&client, Patience::default(), &budget).await?;
    let identity = identity(settings, &question, &sampling, seed, data);
    let _lock = folder::lock(out)?;
    folder::claim(out, "generation.json", &identity, resume)?;
    let journal = out.join(".state/completions.jsonl");
    let mut kept: BTreeMap<(usize, u32), String> = BTreeMap::new();
    for answer in folder::read_journal::<Kept>(&journal)? {
        if let Some(at) = items.iter().position(|item| item.id == answer.gen_answer_id) {
            kept.insert((at, answer.index), answer.completions);
        }
    }
    let mut journal = OpenOptions::new().create(true).append(true).open(&journal).map_err(anyhow::Error::from)?;
    let mut progress = Progress::start("answers", items.len() * settings.n as usize, kept.len());
    let missing = |at: usize| (0..settings.n).filter(|index| !kept.contains_key(&(at, *index))).collect::<Vec<_>>();
    let asked: Vec<_> =
        (0..items.len()).map(|at| (at, missing(at))).filter(|(_, missing)| !missing.is_empty()).collect();
    let asker = Asker { server: &server, sampling: &sampling, question: &question, seed };
    let work = asked.into_iter().map(|(at, missing)| {
        let asker = &asker;
        async move { (at, asker.answers(&items[at], missing).await) }
    });
    let mut work = std::pin::pin!(stream::iter(work).buffer_unordered(client.concurrency().max(1)));
    loop {
        let next = tokio::select! {
            next = work.next() => next,
            () = stop.cancelled() => return Err(Failure::Stopped(folder::GO_ON)),
        };
        let Some((at, answers)) = next else { break };
        for (index, completions) in answers.map_err(|failure| limited(failure, &budget))? {
            let row = Kept { gen_answer_id: items[at].id.clone(), index, completions };
            let line = line(&row).map_err(anyhow::Error::from)?;
            journal.write_all(&line).context("writing the journal")?;
            progress.add(1);
            kept.insert((at, index), row.completions);
        }
    }
    drop(progress);
    let completion = |((at, _), completions): ((usize, u32), String)| Completion {
        gen_answer_id: items[at].id.clone(),
        completions,
    };
    let completions: Vec<Completion> = kept.into_iter().map(completion).collect();
    let mut text = Vec::new();
    for completion in &completions {
        serde_json::to_writer(&mut text, completion).map_err(anyhow::Error::from)?;
        text.push(b'\n');
    }
    folder::write_whole(&out.join("completions.jsonl"), &text)?;
    let total = budget.total();
    tracing::info!(
        completions = completions.len(),
        prompt_tokens = total.prompt_tokens,
        completion_tokens = total.completion_tokens,
        "the model has answered"
    );
    Ok(completions)
}

/// Everything that determines an answer.
fn identity(
    settings: &ModelSettings,
    question: &Question,
    sampling: &Sampling,
    seed: u64,
    data: &str,
) -> Map<String, Value> {
    let table = json!({
        "data": data,
        "model": sampling.model,
        "prompt": settings.prompt,
        "prompt_blake3": question.hash(),
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_tokens,
        "n": settings.n,
        "api": settings.api,
        "stop": settings.stop,
        "extra_body": settings.extra_body,
        "seed": seed,
    });
    match table {
        Value::Object(table) => table,
        _ => Map::new(),
    }
}

/// Whoever asks.
struct Asker<'a> {
    server: &'a Client,
    sampling: &'a Sampling,
    question: &'a Question,
    seed: u64,
}

impl Asker<'_> {
    /// These answers about an item, as far as the server gives them. Each has a seed of its own, so that none depends on
    /// which others are asked for.
    async fn answers(&self, item: &Item, indices: Vec<u32>) -> Result<Vec<(u32, String)>, Failure> {
        let question = self.question.about(item)?;
        let mut answers = Vec::new();
        for index in indices {
            let seed = request_seed(self.seed, &format!("{}/{index}", item.id));
            let request = Request::new(self.sampling, &question, seed, 1, None);
            match self.server.ask(&request).await {
                Ok(reply) => answers.extend(reply.answers.first().map(|answer| (index, text(answer)))),
                Err(CallError::Refused(words) | CallError::Service(StageError::Failed(words))) => {
                    tracing::warn!(item = item.id, index, words, "no answer: it counts as missing");
                }
                Err(CallError::Service(StageError::Unavailable(words))) => return Err(Failure::Unavailable(words)),
            }
        }
        Ok(answers)
    }
}

/// An answer as the published evaluation has it.
fn text(answer: &Answer) -> String {
    let mut text = without_thoughts(&answer.text);
    if !matches!(answer.finish_reason.as_str(), "stop" | "") {
        text.push_str(NOT_STOPPED);
    }
    text
}

/// What no token was left for is a service that is not there.
fn limited(failure: Failure, budget: &Budget) -> Failure {
    match (failure, budget.why()) {
        (Failure::Unavailable(_), Some(why)) => {
            Failure::Limit(format!("{why}; with a higher limit and --resume the evaluation goes on"))
        }
        (failure, _) => failure,
    }
}
