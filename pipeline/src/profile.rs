//! What a run holds to be good: as we see it, or as published.

use serde::{Deserialize, Serialize};

/// What is held to be a good sample, and how it is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// What is true and worth training on
    #[default]
    Strict,
    /// As published: any example that returns will do, values are shown as strings inside strings
    Reference,
}

impl Profile {
    /// As in settings and identities.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Reference => "reference",
        }
    }
}

/// The profile alone, for stages that need nothing else of `assemble`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ProfileArg {
    /// `reference` writes inputs as published: no repair, no added inputs
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    pub profile: Profile,
}
