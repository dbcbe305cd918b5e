use serde::{Deserialize, Serialize};

/// What a sample asks for. The paper's is induction; the other two come from the same execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Examples in, program out
    #[default]
    Induction,
    /// Program and input in, output out
    Deduction,
    /// Program and output in, input out
    Abduction,
}

impl Task {
    /// As in the column `task`, and in ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Induction => "induction",
            Self::Deduction => "deduction",
            Self::Abduction => "abduction",
        }
    }
}
