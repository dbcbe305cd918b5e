//! A test set in the published form, from samples: stable, unlike every other sample, and spread over lengths and
//! coverage.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use pipeline::{
    error::Failure,
    records::{Example, ExecutedFunction, Function, GeneratedInputs, Generation, Meta, Outcome, Sample, WriteMethod},
    shutdown::CancellationToken,
    stage::{Stage, StageError, Verdict},
};
use serde_json::Value;
use worker_exec::Executor;

use super::{
    alike::{Alike, function_of},
    lines,
    progress::Progress,
    row::{block, row},
    value,
};
use crate::{assemble::random::Random, output::read::read_samples};

/// Candidates that are executed for each item wanted.
const POOL: usize = 4;
/// Bands of length, and of coverage within each.
const BANDS: usize = 3;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Items.
    pub items: usize,
    /// Distinct inputs that an item holds out at the least.
    pub held_out: usize,
    /// Seed of the choice.
    pub seed: u64,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Samples of the data set.
    pub samples: usize,
    /// Further rows of functions that have one already, or that show no examples.
    pub further_rows: usize,
    /// Those with too few inputs to hold out.
    pub too_few_inputs: usize,
    /// Those that another sample is like.
    pub alike: usize,
    /// Those that were executed, and gave something else than the sample says, or something else the second time.
    pub unstable: usize,
    /// Those that were chosen.
    pub items: usize,
}

/// Reads samples: of a run's folder, or JSON Lines.
///
/// # Errors
/// It cannot be read, or holds no sample.
pub fn read_dataset(path: &Path) -> Result<Vec<Sample>, Failure> {
    let samples = if path.is_dir() { read_samples(path)? } else { lines::read("--from", path, "sample")?.0 };
    let wrong = |words: &str| Err(Failure::Usage(format!("--from {}: {words}", path.display())));
    if samples.is_empty() {
        return wrong("holds no sample");
    }
    if samples.iter().all(|sample| sample.examples.is_empty()) {
        return wrong("these rows hold no examples; give a folder that was written with --format parquet or jsonl");
    }
    Ok(samples)
}

/// Chooses items and words them as rows of a test set, in the order of the samples.
///
/// # Errors
/// There is no sandbox, or a signal.
pub async fn make_test(
    samples: &[Sample],
    wanted: Wanted,
    executor: &Arc<Executor>,
    stop: &CancellationToken,
) -> Result<(Vec<Value>, Found), Failure> {
    let mut found = Found { samples: samples.len(), ..Found::default() };
    let alike = Alike::of(samples);
    // Several rows of a function are one item: the first that shows examples. Others are told by the function's first row.
    let (mut first, mut seen, mut pool) = (HashMap::new(), HashSet::new(), Vec::new());
    for (at, sample) in samples.iter().enumerate() {
        let first = *first.entry(function_of(sample)).or_insert(at);
        if sample.task != "induction" || !seen.insert(first) {
            found.further_rows += 1;
            continue;
        }
        if held_out(sample) < wanted.held_out || sample.shown.is_empty() {
            found.too_few_inputs += 1;
        } else if alike.other(first, sample) {
            found.alike += 1;
        } else {
            pool.push(at);
        }
    }
    let mut random = Random::new(wanted.seed, "make-test");
    random.shuffle(&mut pool);
    pool.truncate(wanted.items.saturating_mul(POOL));
    let mut progress = Progress::start("candidates", pool.len(), 0);
    let executed = stream::iter(pool)
        .take_until(stop.cancelled())
        .map(|at| {
            let executor = Arc::clone(executor);
            async move { Ok::<_, StageError>((at, executor.process(inputs(&samples[at]), 0).await?)) }
        })
        .buffered(executor.concurrency())
        .inspect_ok(|_| progress.add(1))
        .try_collect::<Vec<_>>();
    let executed = executed.await.map_err(|error| match error {
        StageError::Unavailable(words) => Failure::Unavailable(words),
        error => Failure::Other(error.into()),
    })?;
    drop(progress);
    if stop.is_cancelled() {
        return Err(Failure::Cut);
    }
    let mut candidates = Vec::new();
    for (at, verdict) in executed {
        match verdict {
            Verdict::Pass(executed) if reproduced(&samples[at], &executed) => {
                candidates.push((at, length(&samples[at]), coverage(&executed)));
            }
            _ => found.unstable += 1,
        }
    }
    let mut chosen = spread(candidates, wanted.items);
    chosen.sort_unstable();
    found.items = chosen.len();
    Ok((chosen.into_iter().map(|at| row(&samples[at])).collect(), found))
}

/// Distinct inputs that the prompt does not show.
fn held_out(sample: &Sample) -> usize {
    let input = |at: &usize| sample.examples.get(*at).map(|example| example.input.as_str());
    let shown: HashSet<&str> = sample.shown.iter().filter_map(input).collect();
    let all: HashSet<&str> = sample.examples.iter().map(|example| example.input.as_str()).collect();
    all.difference(&shown).count()
}

/// The sample as what a sandbox executes.
fn inputs(sample: &Sample) -> GeneratedInputs {
    let function = Function {
        id: sample.id.clone(),
        name: sample.function_name.clone(),
        parameters: Vec::new(),
        code: sample.code.clone(),
        context: String::new(),
        meta: Meta::new(),
    };
    let generation = Generation {
        model: String::new(),
        prompt: String::new(),
        prompt_sha256: String::new(),
        temperature: 0.0,
        top_p: 1.0,
        seed: None,
        prompt_tokens: 0,
        completion_tokens: 0,
        finish_reason: String::new(),
        completion: String::new(),
        method: WriteMethod::Plain.into(),
    };
    GeneratedInputs { function, examples: block(sample), generation, repairs_left: 0 }
}

/// Whether every outcome is what the sample says, both times.
fn reproduced(sample: &Sample, executed: &ExecutedFunction) -> bool {
    let same = |(example, outcome): (&Example, &Outcome)| match (outcome, &example.output, &example.error) {
        (Outcome::Return(repr), Some(output), None) => {
            value::Value::read(repr).equals(&value::Value::read(output), 0.0)
        }
        (Outcome::Error(error), None, Some(text)) => text.split(':').next() == Some(error.class.as_str()),
        _ => false,
    };
    let outcomes = executed.executions.iter().map(|execution| &execution.outcome);
    executed.stable == Some(true)
        && executed.executions.len() == sample.examples.len()
        && sample.examples.iter().zip(outcomes).all(same)
}

/// Lines with something on them.
fn length(sample: &Sample) -> usize {
    sample.code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Share of those lines that any example runs, in thousandths.
fn coverage(executed: &ExecutedFunction) -> usize {
    let ran: HashSet<u32> = executed.executions.iter().filter_map(|e| e.lines.as_ref()).flatten().copied().collect();
    let all = executed.function.code.lines().filter(|line| !line.trim().is_empty()).count();
    ran.len() * 1000 / all.max(1)
}

/// So many, as evenly as can be over bands of length, and of coverage within each.
fn spread(mut candidates: Vec<(usize, usize, usize)>, wanted: usize) -> Vec<usize> {
    candidates.sort_by_key(|(at, length, _)| (*length, *at));
    let mut cells: Vec<Vec<usize>> = Vec::new();
    for band in bands(&candidates) {
        let mut band = band.to_vec();
        band.sort_by_key(|(at, _, coverage)| (*coverage, *at));
        cells.extend(bands(&band).map(|cell| cell.iter().map(|(at, _, _)| *at).collect()));
    }
    let (mut chosen, mut round) = (Vec::new(), 0);
    while chosen.len() < wanted && cells.iter().any(|cell| round < cell.len()) {
        let next = cells.iter().filter_map(|cell| cell.get(round).copied());
        chosen.extend(next.take(wanted - chosen.len()));
        round += 1;
    }
    chosen
}

fn bands<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    (0..BANDS).map(|band| &all[band * all.len() / BANDS..(band + 1) * all.len() / BANDS])
}
