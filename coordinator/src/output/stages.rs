//! `OUT/stages/`: every record of a run as it came, so that nothing that was paid for is lost. `functions/` has what was
//! collected, `inputs/` what was written for it, `outcomes/` how each item ended: JSON Lines, zstd, one file a shard.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use pipeline::records::{ExecutedFunction, Function, GeneratedInputs};
use serde::{Deserialize, Serialize};

use super::parts::{replace, sync};
use crate::{assemble::examples_source, sink::journal::ItemOutcome};

/// Whether a run keeps its records.
#[derive(Clone, Copy, Debug, Default, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Samples")]
pub struct StageSettings {
    /// Do not keep every record of the run in `stages/`; `assemble DIR` and `show` need them
    #[arg(long)]
    pub no_stages: bool,
}

/// What the folder is called.
pub const FOLDER: &str = "stages";

/// Writes the three files of a shard, each in one step; `outcomes` are in the order of their items.
///
/// # Errors
/// The disk refuses; then each file is as it was or as it shall be, and the call can be repeated.
pub fn write(out: &Path, shard: u64, outcomes: &[ItemOutcome]) -> anyhow::Result<()> {
    let functions: Vec<Function> = outcomes.iter().filter_map(function).collect();
    let inputs: Vec<GeneratedInputs> = outcomes.iter().filter_map(inputs).collect();
    lines(out, "functions", shard, functions.iter())?;
    lines(out, "inputs", shard, inputs.iter())?;
    lines(out, "outcomes", shard, outcomes.iter())
}

/// The files of `outcomes/`, by shard.
///
/// # Errors
/// The folder cannot be read; one that is not there has none.
pub fn outcome_parts(out: &Path) -> anyhow::Result<Vec<(u64, PathBuf)>> {
    let folder = out.join(FOLDER).join("outcomes");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let shard = name.and_then(|name| name.strip_prefix("part-")?.strip_suffix(".jsonl.zst")?.parse::<u64>().ok());
        parts.extend(shard.map(|shard| (shard, path)));
    }
    parts.sort();
    Ok(parts)
}

/// The outcomes of one file, in order.
///
/// # Errors
/// It cannot be read, or a line of it is no outcome.
pub fn read(part: &Path) -> anyhow::Result<Vec<ItemOutcome>> {
    let reading = || format!("reading {}", part.display());
    let reader = BufReader::new(zstd::Decoder::new(File::open(part).with_context(reading)?).with_context(reading)?);
    reader
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let line = line.with_context(reading)?;
            let outcome = match serde_json::from_str(&line) {
                Ok(executed) => Ok(ItemOutcome::Executed(executed)),
                Err(_) => serde_json::from_str(&line).map(ItemOutcome::Rejected),
            };
            outcome.with_context(|| format!("{}:{}: no outcome", part.display(), at + 1))
        })
        .collect()
}

fn lines<T: Serialize>(out: &Path, stage: &str, shard: u64, records: impl Iterator<Item = T>) -> anyhow::Result<()> {
    let folder = out.join(FOLDER).join(stage);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let name = format!("part-{shard:05}.jsonl.zst");
    replace(&folder, &name, |file| {
        let mut packed = zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        let mut rows = false;
        for record in records {
            serde_json::to_writer(&mut packed, &record)?;
            packed.write_all(b"\n")?;
            rows = true;
        }
        packed.finish()?;
        Ok(rows)
    })
    .with_context(|| format!("writing {}", folder.join(&name).display()))?;
    sync(&folder)
}

/// What was collected of an item, if it was a function.
fn function(outcome: &ItemOutcome) -> Option<Function> {
    match outcome {
        ItemOutcome::Executed(executed) => Some(executed.function.clone()),
        ItemOutcome::Rejected(rejection) => serde_json::from_value(rejection.record.clone()).ok(),
    }
}

/// The inputs that an item ran with.
fn inputs(outcome: &ItemOutcome) -> Option<GeneratedInputs> {
    let ItemOutcome::Executed(executed) = outcome else { return None };
    let ExecutedFunction { function, generation, .. } = &**executed;
    Some(GeneratedInputs {
        function: function.clone(),
        examples: examples_source(executed),
        generation: generation.clone(),
        repairs_left: 0,
    })
}
