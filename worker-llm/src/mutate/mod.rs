//! More inputs from good ones: where a model gave fewer than are wanted, changes of its own fill up.
//!
//! `literal` reads the values; `change` gives others of the same type; `words` are those that the function looks for.

mod change;
pub(crate) mod literal;
mod words;

use std::collections::BTreeSet;

use pipeline::python;

pub use self::words::Words;
use self::{change::Donors, literal::Literal};
use crate::builtin::Random;

/// Tries for each input that is wanted: a single bool has two values.
const TRIES: usize = 30;

/// Bytes that are added at the most: copies of a long input are long, too.
const MAX_ADDED_BYTES: usize = 256 << 10;

/// Inputs that were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutated {
    /// `examples += […]`, to stand behind the block.
    pub source: String,
    /// How many there are in it.
    pub added: usize,
}

/// Distinct inputs that fill a block up to `wanted` ones: each is an entry of the block with some arguments changed.
/// Where `words` has some for a parameter, some of the values come from there. Types stay, and so do the keys of dicts that look like records and the lengths of tuples and of rows. The same
/// arguments give the same source.
///
/// None where nothing is missing, or where nothing can be added: no entry is made of literals and names parameters
/// only, or other code touches the list.
pub fn mutate(block: &str, parameters: &[String], words: &Words, wanted: usize, seed: u64) -> Option<Mutated> {
    let entries = python::entries(block)?;
    let mut known = BTreeSet::new();
    let mut good: Vec<Vec<(String, Literal)>> = Vec::new();
    for (nth, entry) in entries.iter().enumerate() {
        let read = entry.as_ref().filter(|entry| !entry.is_empty()).and_then(|entry| {
            let named = entry.iter().all(|(name, _)| parameters.contains(name));
            let read = entry.iter().map(|(name, source)| Some((name.clone(), Literal::parse(source)?)));
            if named { read.collect::<Option<Vec<_>>>() } else { None }
        });
        match read {
            Some(entry) => {
                if known.insert(key(&entry)) {
                    good.push(entry);
                }
            }
            // An input of its own, of which nothing is known.
            None => {
                known.insert(format!("#{nth}"));
            }
        }
    }
    let missing = wanted.checked_sub(known.len()).filter(|missing| *missing > 0 && !good.is_empty())?;
    let donors = Donors::of(&good);
    let mut random = Random::new(seed);
    let (mut added, mut bytes) = (Vec::new(), 0);
    for nth in 0..missing.saturating_mul(TRIES) {
        if added.len() >= missing || bytes >= MAX_ADDED_BYTES {
            break;
        }
        // In turn, so that no entry has all the offspring.
        let mut entry = good[nth % good.len()].clone();
        let first = random.below(entry.len());
        for (at, (name, value)) in entry.iter_mut().enumerate() {
            if at == first || random.chance(40) {
                let worded = if random.chance(40) { words.with(name, value, &mut random) } else { None };
                *value = worded.unwrap_or_else(|| donors.another(name, value, &mut random));
            }
        }
        if known.insert(key(&entry)) {
            let arguments =
                entry.iter().map(|(name, value)| format!("{}: {}", crate::builtin::quote(name), value.source()));
            let line = format!("    {{{}}},\n", arguments.collect::<Vec<_>>().join(", "));
            bytes += line.len();
            added.push(line);
        }
    }
    let source = format!("examples += [\n{}]\n", added.concat());
    (!added.is_empty()).then_some(Mutated { source, added: added.len() })
}

/// What tells inputs apart, whatever the order and the spelling of their arguments.
fn key(entry: &[(String, Literal)]) -> String {
    let mut arguments: Vec<String> = entry.iter().map(|(name, value)| format!("{name}={}", value.source())).collect();
    arguments.sort();
    arguments.join(", ")
}
