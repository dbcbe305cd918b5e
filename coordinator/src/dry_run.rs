//! `case2code run --dry-run`: what a run would do and cost. Reads the inputs, calls and writes nothing.

use std::collections::BTreeMap;

use pipeline::error::Failure;
use worker_llm::{budget::Usage, estimate::Estimate};

use crate::{collect::Collector, run::Run};

/// Prompts that are shown.
const SHOWN: u64 = 3;

impl Run {
    /// Collects and says what [`Self::run`] would do: the first prompts, the items, the calls, tokens and cost.
    ///
    /// # Errors
    /// An input that cannot be read, or a setting that is wrong.
    pub fn dry(&self) -> Result<String, Failure> {
        self.writer.check()?;
        self.writer.budget(Usage::default())?;
        let mut estimate = Estimate::new(&self.writer)?;
        let (mut functions, mut rejected) = (0u64, BTreeMap::<_, u64>::new());
        let mut text = String::new();
        for item in Collector::new(&self.inputs, &self.collect)? {
            match item?.outcome {
                Ok(function) => {
                    let prompt = estimate.add(&function)?;
                    if let Some(prompt) = prompt.filter(|_| functions < SHOWN) {
                        text.push_str(&format!("=== prompt for {}\n{}\n\n", function.id, prompt.trim_end()));
                    }
                    functions += 1;
                }
                Err(rejection) => *rejected.entry(rejection.reason).or_default() += 1,
            }
        }
        let items = functions + rejected.values().sum::<u64>();
        let shards = items.div_ceil(self.shared.shard_size.get());
        text.push_str(&format!("{items} items (shards: {shards}), of which {functions} functions\n"));
        for (reason, count) in &rejected {
            text.push_str(&format!("  {count:>7}  {}: {reason}\n", reason.stage()));
        }
        text.push_str(&estimate.describe());
        Ok(text)
    }
}
