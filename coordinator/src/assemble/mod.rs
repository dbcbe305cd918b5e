//! stub
#![allow(missing_docs, unused)]
use pipeline::{error::Failure, filter::*, records::*, stage::Verdict};
use serde::{Deserialize, Serialize};
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    Parquet,
    Jsonl,
}
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct AssembleSettings {
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
}
impl AssembleSettings {
    pub fn identity(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
pub struct Assembler;
impl Assembler {
    pub fn new(_: &AssembleSettings, _seed: u64) -> Result<Self, Failure> {
        Ok(Self)
    }
}
pub fn assemble(_e: ExecutedFunction, _a: &Assembler) -> Verdict<Vec<Sample>> {
    Verdict::Pass(vec![])
}
pub async fn run_filter(
    input: impl tokio::io::AsyncBufRead + Send + Unpin,
    source: &str,
    assembler: Assembler,
    output: impl tokio::io::AsyncWrite + Send + Unpin,
    rejected: RejectionWriter,
) -> Result<Counts, Failure> {
    todo!()
}
