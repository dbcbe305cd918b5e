use pipeline::profile::Profile;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::phrases;

/// The files that samples and rejections are written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Parquet with typed columns, zstd
    #[default]
    Parquet,
    /// JSON Lines
    Jsonl,
}

impl Format {
    /// As in settings, identities and file extensions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Which functions become samples, and what the samples look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Samples")]
pub struct AssembleSettings {
    /// Filters and rendering: `strict`, or `reference` as published
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    pub profile: Profile,
    /// Format of the files in `data/` and `rejected/`
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
    /// Most examples that a prompt shows (at least 3; the reference profile shows up to 10 whatever this says)
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub shown: usize,
    /// Examples with a longer output (characters of its repr) are dropped under the strict profile
    #[arg(long, default_value_t = 1_000, value_name = "CHARS")]
    pub max_output_chars: usize,
    /// Filters of the profile to leave out, by the name of their reason (`identity`, `constant_output` …), separated by
    /// commas
    #[arg(long, value_delimiter = ',', value_name = "REASON,…")]
    pub skip_filters: Vec<String>,
}

impl Default for AssembleSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            format: Format::default(),
            shown: 8,
            max_output_chars: 1_000,
            skip_filters: Vec::new(),
        }
    }
}

impl AssembleSettings {
    /// Everything here that changes bytes of the output, as an object: part of the run's identity (DESIGN §4).
    pub fn identity(&self) -> Value {
        let mut skipped = self.skip_filters.clone();
        skipped.sort();
        json!({
            "profile": self.profile.as_str(),
            "format": self.format.as_str(),
            "shown": self.shown,
            "max_output_chars": self.max_output_chars,
            "skip_filters": skipped,
            "rendering_blake3": blake3::hash(phrases::SOURCE.as_bytes()).to_hex().as_str(),
        })
    }
}
