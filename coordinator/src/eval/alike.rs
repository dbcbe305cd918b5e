//! Samples that are like other samples: an item that stands almost so in the training data measures memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use pipeline::records::{Example, Sample};

/// Tokens of a shingle: short enough to find a function that was edited, long enough for boilerplate not to count.
const SHINGLE: usize = 8;
/// A shingle that more samples have is boilerplate.
const COMMON: usize = 200;
/// Share of a function's shingles that another sample may have.
const ALIKE: f64 = 0.5;

/// Which samples are like which: what two have in common is found by shingles of tokens.
pub(super) struct Alike {
    having: HashMap<u64, Vec<usize>>,
    behaviours: HashMap<blake3::Hash, usize>,
}

/// What several rows of one function have in common.
pub(super) fn function_of(sample: &Sample) -> (&str, &str) {
    (&sample.code, &sample.function_name)
}

impl Alike {
    /// Of all samples; several rows of a function count as one.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
        let (mut behaviours, mut seen) = (HashMap::new(), HashSet::new());
        for (at, sample) in samples.iter().enumerate().filter(|(_, sample)| seen.insert(function_of(sample))) {
            for shingle in shingles(sample) {
                having.entry(shingle).or_default().push(at);
            }
            *behaviours.entry(behaviour(sample)).or_default() += 1;
        }
        Self { having, behaviours }
    }

    /// Whether a sample of another function has half of this one's code, or does the same on the same inputs.
    pub(super) fn other(&self, at: usize, sample: &Sample) -> bool {
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
