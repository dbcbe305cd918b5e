//! Evaluation: `eval`.

use std::path::PathBuf;

use clap::Args;
use pipeline::{error::Failure, shutdown::CancellationToken};
use serde_json::Map;
use worker_exec::settings::ExecSettings;

use super::{Resolver, commands::print};
use crate::eval::{
    completion::read_completions, evaluation::Evaluation, item::read_items, settings::ScoreSettings, table,
};

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Test set in the published form (JSON Lines: id, prompt, func_name, example_str, example_outputs, code)
    #[arg(long, value_name = "TEST")]
    data: PathBuf,
    /// Folder for verdicts.jsonl, summary.json and report.html
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Answers to score (JSON Lines: gen_answer_id, completions)
    #[arg(long, value_name = "FILE")]
    completions: PathBuf,
    /// Go on with what the folder holds
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    score: ScoreSettings,
    #[command(flatten)]
    exec: ExecSettings,
}

impl EvalArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>, stop: CancellationToken) -> Result<(), Failure> {
        let (score, exec) = (resolver.get(&self.score)?, resolver.get(&self.exec)?);
        let (items, data) = read_items(&self.data)?;
        let (completions, answers) = read_completions(&self.completions)?;
        let mut origin = Map::new();
        origin.insert("data".into(), data.into());
        origin.insert("completions".into(), answers.into());
        let evaluation = Evaluation { items, completions, score, exec, origin };
        let summary = evaluation.run(&self.out, self.resume, &stop).await?;
        print(&table::table(&summary))
    }
}
