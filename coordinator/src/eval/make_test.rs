//! A test set in the published form, from samples: stable, unlike every other sample, and spread over lengths and
//! coverage.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use pipeline::{
    error::Failure,
    python,
    records::{Example, ExecutedFunction, Function, GeneratedInputs, Generation, Meta, Outcome, Sample, WriteMethod},
    shutdown::CancellationToken,
    stage::{Stage, StageError, Verdict},
};
use serde_json::{Value, json};
use worker_exec::Executor;

use super::{lines, progress::Progress};
use crate::{
    assemble::{quoted::json_ascii, random::Random},
    output::read::read_samples,
};

/// Tokens of a shingle: short enough to find a function that was edited, long enough for boilerplate not to count.
const SHINGLE: usize = 8;
/// A shingle that more samples have is boilerplate.
const COMMON: usize = 200;
/// Share of a function's shingles that another sample may have.
const ALIKE: f64 = 0.5;
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
    match samples.is_empty() {
        true => Err(Failure::Usage(format!("--from {}: holds no sample", path.display()))),
        false => Ok(samples),
    }
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
    let (mut seen, mut pool) = (HashSet::new(), Vec::new());
    for (at, sample) in samples.iter().enumerate() {
        // Several rows of a function are one item.
        if sample.task != "induction" || !seen.insert((&sample.code, &sample.function_name)) {
            continue;
        }
        if held_out(sample) < wanted.held_out || sample.shown.is_empty() {
            found.too_few_inputs += 1;
        } else if alike.other(at, sample) {
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

/// Which samples are like which: what two have in common is found by shingles of tokens.
struct Alike {
    having: HashMap<u64, Vec<usize>>,
    behaviours: HashMap<blake3::Hash, usize>,
}

impl Alike {
    fn of(samples: &[Sample]) -> Self {
        let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut behaviours = HashMap::new();
        for (at, sample) in samples.iter().enumerate() {
            for shingle in shingles(sample) {
                having.entry(shingle).or_default().push(at);
            }
            *behaviours.entry(behaviour(sample)).or_default() += 1;
        }
        Self { having, behaviours }
    }

    /// Whether a sample of another function has half of this one's code, or does the same on the same inputs.
    fn other(&self, at: usize, sample: &Sample) -> bool {
        let own = shingles(sample);
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        let mut counted = 0;
        for shingle in &own {
            let others = self.having.get(shingle).map_or(&[][..], Vec::as_slice);
            if others.len() <= COMMON {
                counted += 1;
                others.iter().filter(|other| **other != at).for_each(|other| *shared.entry(*other).or_default() += 1);
            }
        }
        let most = shared.into_values().max().unwrap_or(0);
        // All of it boilerplate: there are many like it.
        counted == 0 || most as f64 >= ALIKE * counted as f64 || self.behaviours.get(&behaviour(sample)) > Some(&1)
    }
}

/// Hashes of all runs of tokens, the function's name aside.
fn shingles(sample: &Sample) -> HashSet<u64> {
    let mut tokens: Vec<&str> = Vec::new();
    let mut rest = sample.code.as_str();
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if word(first) { rest.find(|c| !word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, after) = rest.split_at(length);
        if !first.is_whitespace() && token != sample.function_name {
            tokens.push(token);
        }
        rest = after;
    }
    let hash = |run: &[&str]| {
        let mut hasher = blake3::Hasher::new();
        run.iter().for_each(|token| _ = hasher.update(token.as_bytes()).update(&[0]));
        let digest = hasher.finalize();
        digest.as_bytes().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    };
    if tokens.len() < SHINGLE { HashSet::from([hash(&tokens)]) } else { tokens.windows(SHINGLE).map(hash).collect() }
}

/// Inputs and what came of them.
fn behaviour(sample: &Sample) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for Example { input, output, error } in &sample.examples {
        for part in [Some(input), output.as_ref(), error.as_ref()] {
            hasher.update(part.map_or("", String::as_str).as_bytes()).update(&[0]);
        }
    }
    hasher.finalize()
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

/// The block that builds the examples.
fn block(sample: &Sample) -> String {
    let entries: Vec<_> = sample.examples.iter().map(|example| format!("    dict({}),\n", example.input)).collect();
    format!("examples = [\n{}]", entries.concat())
}

/// Whether every outcome is what the sample says, both times.
fn reproduced(sample: &Sample, executed: &ExecutedFunction) -> bool {
    let same = |(example, outcome): (&Example, &Outcome)| match (outcome, &example.output, &example.error) {
        (Outcome::Return(repr), Some(output), None) => {
            super::value::Value::read(repr).equals(&super::value::Value::read(output), 0.0)
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

/// The sample as a row in the published form.
fn row(sample: &Sample) -> Value {
    let block = block(sample);
    let parsed = python::entries(&block).unwrap_or_default();
    let shown = |at: &usize| {
        let line = match output(&sample.examples[*at]) {
            (true, json) => json,
            (false, json) => json.trim_start_matches("<|EXCEPTION|> ").to_owned(),
        };
        format!("Input: dict({}), Output: {line}\n", sample.examples[*at].input)
    };
    let shown_lines: String = sample.shown.iter().map(shown).collect();
    let prompt = format!(
        "Define a function that maps each input to its output.\n{shown_lines}\nFunction: {}\n",
        sample.function_name
    );
    let outputs = sample.examples.iter().map(|example| match output(example) {
        (true, json) => json!({ "return": json }),
        (false, json) => json!({ "error": json }),
    });
    let as_repr = |entry: &Option<python::Entry>| {
        let pairs = entry.iter().flatten().map(|(name, source)| format!("'{name}': {source}"));
        json_ascii(&format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")))
    };
    json!({
        "id": sample.id,
        "prompt": prompt,
        "func_name": sample.function_name,
        "example_str": block,
        "example_inputs": parsed.iter().map(as_repr).collect::<Vec<_>>(),
        "parsed_inputs": parsed.iter().map(|entry| json!(entry)).collect::<Vec<_>>(),
        "example_outputs": outputs.collect::<Vec<_>>(),
        "choosed_example_idx": sample.shown,
        "code": sample.code,
        "exec_code": sample.code,
        "exec_status": true,
        "output": format!("The function is:\n\n```python\n{}\n```", sample.code),
    })
}

/// The published line of an example, and whether it is a value.
fn output(example: &Example) -> (bool, String) {
    match (&example.output, &example.error) {
        (Some(repr), _) => (true, json_ascii(repr)),
        (None, error) => {
            let error = error.as_deref().unwrap_or_default();
            let (class, message) = error.split_once(": ").unwrap_or((error, ""));
            // The published script is its own main module.
            let class =
                class.strip_prefix("program.").map_or_else(|| class.to_owned(), |own| format!("__main__.{own}"));
            (false, format!("<|EXCEPTION|> {}", json_ascii(&format!("<class '{class}'>: {message}"))))
        }
    }
}
