//! The outcomes of a shard → its samples and rejections.

use pipeline::records::{ExecutedFunction, Generation, Rejection, Sample, WriteMethod};

use super::{journal::ItemOutcome, shards::ShardSummary};
use crate::assemble::{Assembler, assemble};

/// Outcomes that one thread takes at a time.
const CHUNK: usize = 128;

/// What a shard comes to.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Its figures.
    pub summary: ShardSummary,
    /// Its samples, in the order of its items.
    pub samples: Vec<Sample>,
    /// Its rejections, in the order of its items.
    pub rejections: Vec<Rejection>,
}

/// Passes a verdict on every outcome of a shard. The same outcomes give the same verdicts, on any number of cores.
pub fn of_shard(shard: u64, outcomes: Vec<ItemOutcome>, assembler: &Assembler) -> Verdicts {
    let mut verdicts = Verdicts { summary: ShardSummary { shard, ..ShardSummary::default() }, ..Verdicts::default() };
    let made = crate::parallel::in_order(chunks(outcomes), |chunk| {
        chunk.into_iter().map(|outcome| verdict(outcome, assembler)).collect::<Vec<_>>()
    });
    made.into_iter().flatten().for_each(|verdict| verdicts.add(verdict));
    verdicts
}

/// What became of one item, with what it cost and what made it.
struct Verdict {
    tokens: (u64, u64),
    maker: Option<String>,
    rows: Result<Vec<Sample>, Box<Rejection>>,
}

fn verdict(outcome: ItemOutcome, assembler: &Assembler) -> Verdict {
    match outcome {
        ItemOutcome::Rejected(rejection) => Verdict { tokens: (0, 0), maker: None, rows: Err(rejection) },
        ItemOutcome::Executed(executed) => {
            let Generation { prompt_tokens, completion_tokens, ref method, .. } = executed.generation;
            // A repair has a prompt of its own, by design.
            let maker = (method.write != WriteMethod::Repaired).then(|| maker(&executed));
            Verdict { tokens: (prompt_tokens, completion_tokens), maker, rows: assemble(*executed, assembler) }
        }
    }
}

impl Verdicts {
    fn add(&mut self, Verdict { tokens: (prompt, completion), maker, rows }: Verdict) {
        let summary = &mut self.summary;
        summary.items += 1;
        summary.prompt_tokens += prompt;
        summary.completion_tokens += completion;
        if let Some(maker) = maker {
            *summary.made_by.entry(maker).or_default() += 1;
        }
        match rows {
            Ok(rows) => {
                summary.accepted += 1;
                summary.samples += rows.len() as u64;
                self.samples.extend(rows);
            }
            Err(rejection) => {
                *summary.rejected.entry(rejection.reason).or_default() += 1;
                *summary.rejected_by_stage.entry(rejection.stage).or_default() += 1;
                self.rejections.push(*rejection);
            }
        }
    }
}

/// What made an outcome, in words.
fn maker(executed: &ExecutedFunction) -> String {
    let Generation { model, prompt, prompt_sha256, .. } = &executed.generation;
    let hash = prompt_sha256.get(..8).unwrap_or_default();
    format!("model {model}, prompt {prompt} {hash}, Python {}", executed.sandbox.python)
}

fn chunks(outcomes: Vec<ItemOutcome>) -> Vec<Vec<ItemOutcome>> {
    let mut rest = outcomes.into_iter();
    std::iter::from_fn(|| Some(rest.by_ref().take(CHUNK).collect::<Vec<_>>()).filter(|chunk| !chunk.is_empty()))
        .collect()
}
