//! Evaluation: `eval`, `compare`, `make-test`.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use pipeline::{error::Failure, queue::rabbitmq::BrokerSettings, shutdown::CancellationToken, telemetry::Telemetry};
use serde_json::Map;
use worker_exec::{Executor, settings::ExecSettings};

use super::{Resolver, commands::print, filters::SeedArg};
use crate::eval::{
    compare,
    completion::{Completion, read_completions},
    evaluation::Evaluation,
    fleet::{self, Fleet, FleetSettings},
    folder,
    generate::{ModelSettings, generate},
    item::read_items,
    make_test::{self, Wanted, make_test},
    programs::Programs,
    settings::ScoreSettings,
    table,
};

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Test set in the published form (JSON Lines: id, prompt, func_name, example_str, example_outputs, code)
    #[arg(long, value_name = "TEST")]
    data: PathBuf,
    /// Folder for verdicts.jsonl, summary.json and report.html
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Answers to score (JSON Lines: gen_answer_id, completions); without it a model is asked
    #[arg(long, value_name = "FILE")]
    completions: Option<PathBuf>,
    /// Go on with what the folder holds
    #[arg(long)]
    resume: bool,
    /// Score the first N items alone
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_items: Option<u64>,
    #[command(flatten)]
    score: ScoreSettings,
    #[command(flatten)]
    model: ModelSettings,
    #[command(flatten)]
    broker: BrokerSettings,
    #[command(flatten)]
    fleet: FleetSettings,
    #[command(flatten)]
    exec: ExecSettings,
}

/// Flags of whoever runs programs.
const OF_WORKERS: [&str; 9] = [
    "sandbox",
    "python",
    "sandbox_image",
    "runtime",
    "slots",
    "sandbox_programs",
    "timeout",
    "memory_limit",
    "stability",
];

impl EvalArgs {
    /// The broker, where programs run in a fleet.
    pub(crate) fn broker(&self, resolver: &Resolver<'_>) -> Result<Option<BrokerSettings>, Failure> {
        let broker = resolver.get(&self.broker)?;
        if broker.run.is_none() {
            return Ok(None);
        }
        match OF_WORKERS.into_iter().find(|flag| resolver.is_on_the_command_line(flag)) {
            None => Ok(Some(broker)),
            Some(flag) => {
                let flag = flag.replace('_', "-");
                Err(Failure::Usage(format!("--{flag} is the workers' with --run: give it to worker-exec")))
            }
        }
    }

    pub(crate) async fn run(
        &self,
        resolver: &Resolver<'_>,
        telemetry: &Telemetry,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let (score, exec, broker) = (resolver.get(&self.score)?, resolver.get(&self.exec)?, self.broker(resolver)?);
        score.check()?;
        exec.check()?;
        folder::is_free(&self.out, self.resume)?;
        let (mut items, data) = read_items(&self.data)?;
        items.truncate(self.max_items.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)));
        let (completions, answers) = match &self.completions {
            Some(file) => read_completions(file)?,
            None => {
                let (model, folder) = (resolver.get(&self.model)?, (self.out.as_path(), self.resume));
                let completions = generate(&items, &data, &model, score.seed, folder, &stop).await?;
                let hash = hash(&completions);
                (completions, hash)
            }
        };
        let mut origin = Map::new();
        origin.insert("data".into(), data.into());
        origin.insert("items".into(), items.len().into());
        origin.insert("completions".into(), answers.into());
        let evaluation = Evaluation { items, completions, score, origin };
        let programs = match &broker {
            Some(broker) => {
                let fleet = Fleet::open(broker, &resolver.get(&self.fleet)?, &self.out, telemetry, &stop).await?;
                Programs::Fleet(Box::new(fleet))
            }
            None => Programs::here(&exec, telemetry, &stop).await?,
        };
        let summary = evaluation.run(&programs, &self.out, self.resume, &stop).await;
        programs.shutdown(summary.is_ok()).await;
        for name in fleet::names_taken(&self.out) {
            tracing::warn!(run = name, "this evaluation still has the name; `case2code purge` gives it free");
        }
        print(&table::table(&summary?))
    }
}

fn hash(completions: &[Completion]) -> String {
    let mut hash = blake3::Hasher::new();
    for Completion { gen_answer_id, completions } in completions {
        for text in [gen_answer_id, completions] {
            hash.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
    }
    hash.finalize().to_hex().to_string()
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Folder of an evaluation
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Folder of another one on the same test set
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Print JSON instead
    #[arg(long)]
    json: bool,
}

impl CompareArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let comparison = compare::compare(&self.first, &self.second)?;
        if self.json {
            return print(&format!("{}\n", serde_json::to_string_pretty(&comparison).map_err(anyhow::Error::from)?));
        }
        let names = format!("A  {}\nB  {}\n\n", self.first.display(), self.second.display());
        print(&(names + &compare::table(&comparison)))
    }
}

#[derive(Debug, Args)]
pub(crate) struct MakeTestArgs {
    /// File to write (JSON Lines, in the published form)
    #[arg(id = "test", value_name = "OUT")]
    out: PathBuf,
    /// Samples: the output folder of a run, or JSON Lines
    #[arg(long, value_name = "DATASET")]
    from: PathBuf,
    /// Items
    #[arg(id = "items", long = "n", value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    items: u64,
    /// Distinct inputs that an item holds out at the least
    #[arg(long, value_name = "N", default_value_t = 3)]
    held_out: usize,
    #[command(flatten)]
    seed: SeedArg,
    #[command(flatten)]
    exec: ExecSettings,
}

impl MakeTestArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>, stop: CancellationToken) -> Result<(), Failure> {
        let (exec, seed) = (resolver.get(&self.exec)?, resolver.get(&self.seed)?.seed);
        let wrong = |words: &dyn std::fmt::Display| Failure::Usage(format!("{}: {words}", self.out.display()));
        if self.out.exists() {
            return Err(wrong(&"is there already; give another name, or remove it"));
        }
        let samples = make_test::read_dataset(&self.from)?;
        // Whether an outcome is stable is what it is executed for.
        let executor = Arc::new(Executor::start(&ExecSettings { stability: true, ..exec }).await?);
        let items = usize::try_from(self.items).unwrap_or(usize::MAX);
        let wanted = Wanted { items, held_out: self.held_out, seed };
        let made = make_test(&samples, wanted, &executor, &stop).await;
        executor.shutdown().await;
        let (rows, found) = made?;
        let make_test::Found { samples, further_rows, too_few_inputs, alike, unstable, items } = found;
        if items < self.items as usize {
            tracing::warn!(wanted = self.items, items, "fewer items than wanted");
        }
        if items > 0 {
            let mut text = String::new();
            rows.iter().for_each(|row| text.extend([row.to_string().as_str(), "\n"]));
            folder::write_whole(&self.out, text.as_bytes()).map_err(|error| wrong(&format!("{error:#}")))?;
        }
        print(&format!(
            "{items} items of {samples} samples; left out: {further_rows} further rows of a function, {too_few_inputs} with fewer than {} inputs to hold out, {alike} \
             like another sample, {unstable} that do not give again what the sample says\n\
             leave the samples of these ids out of training\n",
            self.held_out
        ))?;
        match items {
            0 => Err(Failure::Usage("no sample can be an item of a test set: the counts above say why".into())),
            _ => Ok(()),
        }
    }
}
