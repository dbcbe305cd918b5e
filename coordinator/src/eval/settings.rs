//! What a user can set about scoring.

use clap::Args;
use pipeline::{error::Failure, settings::finite};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How an evaluation is scored.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Scoring")]
pub struct ScoreSettings {
    /// Which pass@k, separated by commas [default: 1, 2, 5, 10, 20, 50, 100 as far as there are completions, and all]
    #[arg(long, value_name = "K,…", value_delimiter = ',')]
    pub k: Vec<usize>,
    /// By value, floats may differ by so much: as a share of the larger one or, below 1, as such. The parts of
    /// complex numbers may not
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = finite)]
    pub float_tolerance: f64,
    /// Resamples of the items for the 95% confidence intervals
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub bootstrap: u32,
    /// Seed of all randomness of ours: the resamples, and the requests to a model
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

impl ScoreSettings {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// [`Failure::Usage`], naming the flag.
    pub fn check(&self) -> Result<(), Failure> {
        if !(0.0..1.0).contains(&self.float_tolerance) {
            let given = self.float_tolerance;
            return Err(Failure::Usage(format!("--float-tolerance {given}: must be from 0 to less than 1")));
        }
        if self.k.contains(&0) {
            return Err(Failure::Usage("--k 0: must be at least 1".into()));
        }
        Ok(())
    }

    /// The settings that change verdicts.
    pub fn identity(&self) -> Value {
        json!({ "float_tolerance": self.float_tolerance })
    }

    /// Which k, in order, where each item has so many completions.
    ///
    /// # Errors
    /// [`Failure::Usage`]: one that is larger.
    pub fn ks(&self, completions: usize) -> Result<Vec<usize>, Failure> {
        if self.k.is_empty() {
            let usual = [1, 2, 5, 10, 20, 50, 100].into_iter().filter(|k| *k < completions);
            return Ok(usual.chain([completions.max(1)]).collect());
        }
        let mut ks = self.k.clone();
        ks.sort_unstable();
        ks.dedup();
        match ks.iter().find(|k| **k > completions.max(1)) {
            Some(k) => Err(Failure::Usage(format!("--k {k}: no item has more than {completions} completions"))),
            None => Ok(ks),
        }
    }
}
