//! What a run is: the settings that change bytes in its output (DESIGN §4). Everything else may change between starts.

use std::num::NonZeroU64;

use pipeline::{error::Failure, message::SCHEMA};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use worker_exec::settings::ExecSettings;
use worker_llm::settings::WriterSettings;

use crate::{
    assemble::AssembleSettings,
    collect::{CollectSettings, InputIdentity},
};

/// Settings that several stages share.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct SharedSettings {
    /// Seed of all randomness of ours: request seeds, which examples are shown, how they are rendered
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Items a shard: the unit of output, of resume and of scale
    #[arg(long, default_value = "1000")]
    pub shard_size: NonZeroU64,
}

/// What collection makes of a run: known to `submit` and `run`.
///
/// # Errors
/// An input that cannot be read.
pub fn of_collection(
    inputs: &[std::path::PathBuf],
    collect: &CollectSettings,
    shared: &SharedSettings,
) -> Result<Map<String, Value>, Failure> {
    let mut identity = table(json!({
        "schema": SCHEMA,
        "seed": shared.seed,
        "shard_size": shared.shard_size,
        "inputs": InputIdentity::of(inputs)?,
    }));
    identity.extend(table(collect.identity()?));
    Ok(identity)
}

/// What the stages behind it make of a run: known to `run`, which holds all of them.
pub fn of_stages(writer: &WriterSettings, exec: &ExecSettings, assemble: &AssembleSettings) -> Map<String, Value> {
    let mut identity = table(writer.identity());
    identity.extend(table(exec.identity()));
    identity.extend(table(assemble.identity()));
    identity
}

fn table(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(table) => table,
        _ => Map::new(),
    }
}
