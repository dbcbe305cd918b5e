//! Branch stub: another branch brings the module.

/// Format of the parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Typed columns, zstd.
    #[default]
    Parquet,
    /// One JSON object a line.
    Jsonl,
}
