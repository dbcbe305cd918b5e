//! Two evaluations of the same items side by side.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use pipeline::error::Failure;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    folder::read_json,
    published::Raw,
    verdict::{Clean, Verdict},
};

/// A completion, by its item and its place.
type Key = (String, usize);
/// Whether a row is right by one kind of verdict; none where it cannot tell.
type Right = fn(&Verdict) -> Option<bool>;

/// One kind of verdict in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// `raw`, `clean`, `shown` or `held_out`.
    pub kind: &'static str,
    /// Right in both.
    pub both: usize,
    /// Right in the first alone.
    pub first: usize,
    /// Right in the second alone.
    pub second: usize,
    /// Right in neither.
    pub neither: usize,
    /// Exact two-sided p of McNemar's test.
    pub p: f64,
    /// Those that are right in one alone: item, completion, whether in the second.
    pub changed: Vec<(String, usize, bool)>,
}

/// Two evaluations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Completions of the first that the second does not have.
    pub only_first: usize,
    /// The other way round.
    pub only_second: usize,
    /// What the two were made of or with, where that differs: the test set, limits, the sandbox. Whose answers were
    /// scored is not among it.
    pub differs: BTreeMap<String, [Value; 2]>,
    /// Each kind of verdict.
    pub paired: Vec<Paired>,
}

/// Compares the folders of two evaluations, completion by completion.
///
/// # Errors
/// [`Failure::Usage`]: one of them holds no finished evaluation, or they have nothing in common.
pub fn compare(first: &Path, second: &Path) -> Result<Comparison, Failure> {
    let (a, b) = (rows(first)?, rows(second)?);
    let common: Vec<(&Key, &Verdict, &Verdict)> =
        a.iter().filter_map(|(key, row)| Some((key, row, b.get(key)?))).collect();
    if common.is_empty() {
        let (first, second) = (first.display(), second.display());
        return Err(Failure::Usage(format!("{first} and {second} have no completion of the same item")));
    }
    fn by_value(clean: Clean) -> Option<bool> {
        (clean != Clean::Unscoreable).then_some(clean == Clean::Correct)
    }
    let kinds: [(&'static str, Right); 4] = [
        ("raw", |row| Some(row.raw == Raw::Correct)),
        ("clean", |row| by_value(row.clean)),
        ("shown", |row| by_value(row.shown)),
        ("held_out", |row| by_value(row.held_out)),
    ];
    Ok(Comparison {
        only_first: a.len() - common.len(),
        only_second: b.len() - common.len(),
        differs: differs(&identity(first)?, &identity(second)?),
        paired: kinds.into_iter().map(|(kind, right)| paired(kind, right, &common)).collect(),
    })
}

fn identity(folder: &Path) -> Result<Map<String, Value>, Failure> {
    let summary = read_json::<Value>(&folder.join("summary.json"))?;
    Ok(summary.and_then(|summary| summary["identity"].as_object().cloned()).unwrap_or_default())
}

fn differs(first: &Map<String, Value>, second: &Map<String, Value>) -> BTreeMap<String, [Value; 2]> {
    let value = |identity: &Map<String, Value>, name: &str| identity.get(name).cloned().unwrap_or_default();
    let names = first.keys().chain(second.keys()).filter(|name| *name != "completions");
    let both = names.map(|name| (name.clone(), [value(first, name), value(second, name)]));
    both.filter(|(_, [first, second])| first != second).collect()
}

fn paired(kind: &'static str, right: Right, common: &[(&Key, &Verdict, &Verdict)]) -> Paired {
    let mut counts = BTreeMap::from([((true, true), 0), ((true, false), 0), ((false, true), 0), ((false, false), 0)]);
    let mut changed = Vec::new();
    for ((id, index), a, b) in common {
        let Some(both) = right(a).zip(right(b)) else { continue };
        *counts.entry(both).or_default() += 1;
        if both.0 != both.1 {
            changed.push((id.clone(), *index, both.1));
        }
    }
    let count = |both| counts.get(&both).copied().unwrap_or(0);
    let (first, second) = (count((true, false)), count((false, true)));
    let (both, neither) = (count((true, true)), count((false, false)));
    Paired { kind, both, first, second, neither, p: mcnemar(first, second), changed }
}

fn rows(folder: &Path) -> Result<BTreeMap<Key, Verdict>, Failure> {
    let path = folder.join("verdicts.jsonl");
    if !path.exists() {
        return Err(Failure::Usage(format!("{}: no finished evaluation (no verdicts.jsonl)", folder.display())));
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::Usage(format!("{}: not what `eval` writes: {error}", path.display())))?;
    let row = |(at, line): (usize, &str)| {
        let row: Verdict = serde_json::from_str(line)
            .map_err(|error| Failure::Usage(format!("{}:{}: not a verdict: {error}", path.display(), at + 1)))?;
        Ok(((row.gen_answer_id.clone(), row.index), row))
    };
    text.lines().enumerate().map(row).collect()
}

/// The chance that, of so many pairs that differ, at least as large a share falls to one side if both sides are alike.
fn mcnemar(first: usize, second: usize) -> f64 {
    let (n, fewer) = (first + second, first.min(second));
    // Of 2^-n C(n, i), as logarithms: n may be large.
    let (mut term, mut sum) = (-(n as f64) * std::f64::consts::LN_2, 0.0);
    for i in 0..=fewer {
        sum += term.exp();
        term += ((n - i) as f64 / (i + 1) as f64).ln();
    }
    (2.0 * sum).min(1.0)
}

/// For a terminal.
pub fn table(comparison: &Comparison) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_table(&mut text, comparison);
    text
}

fn write_table(text: &mut String, comparison: &Comparison) -> std::fmt::Result {
    writeln!(
        text,
        "{:9} {:>7} {:>7} {:>7} {:>7} {:>12}",
        "right in", "both", "A only", "B only", "neither", "McNemar's p"
    )?;
    for Paired { kind, both, first, second, neither, p, .. } in &comparison.paired {
        let p = if *p < 1e-4 { format!("{p:.1e}") } else { format!("{p:.4}") };
        writeln!(text, "{kind:9} {both:7} {first:7} {second:7} {neither:7} {p:>12}")?;
    }
    for (name, [first, second]) in &comparison.differs {
        writeln!(text, "not alike: {name} is {first} in A, {second} in B")?;
    }
    for (count, has, other) in [(comparison.only_first, 'A', 'B'), (comparison.only_second, 'B', 'A')] {
        if count > 0 {
            writeln!(text, "left out: {count} completions of {has} that {other} does not have")?;
        }
    }
    let changed = comparison.paired.iter().filter(|paired| matches!(paired.kind, "raw" | "clean"));
    for Paired { kind, changed, .. } in changed.filter(|paired| !paired.changed.is_empty()) {
        writeln!(text, "\n{kind}: right in one alone")?;
        for (id, index, in_second) in changed {
            writeln!(text, "  {} only  {id} #{index}", if *in_second { 'B' } else { 'A' })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::mcnemar;

    #[test]
    fn p_is_that_of_the_sign_test() {
        for (first, second, wanted) in [(0, 0, 1.0), (0, 1, 1.0), (0, 6, 0.03125), (6, 0, 0.03125), (2, 8, 0.109_375)] {
            assert!((mcnemar(first, second) - wanted).abs() < 1e-12, "{first} {second}");
        }
        assert!(mcnemar(5000, 5000) > 0.99);
        assert!(mcnemar(100, 2000) < 1e-100);
    }
}
