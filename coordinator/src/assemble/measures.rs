//! The figures of a function by which a reader picks samples.

use foldhash::{HashMap, HashMapExt as _};
use pipeline::records::{Function, Measures};

use super::{cases::Case, reach::Reach};

/// Digits after the point: enough for any share of a few dozen, and the same text everywhere.
const DIGITS: f64 = 10_000.0;

/// Of a function, by what its cases did.
pub(super) fn of(function: &Function, cases: &[Case], reach: &Reach) -> Measures {
    let mut outputs: HashMap<&str, usize> = HashMap::new();
    for case in cases.iter().filter(|case| case.returns()) {
        *outputs.entry(&case.outcome_key).or_default() += 1;
    }
    let returning: usize = outputs.values().sum();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Measures {
        parameters: function.parameters.clone(),
        lines: count(reach.statements()),
        branches: count(reach.branches()),
        coverage: reach.coverage().map(rounded),
        distinct_outputs: count(outputs.len()),
        top_output_share: share(outputs.values().copied().max().unwrap_or(0), returning),
        error_share: share(cases.len() - returning, cases.len()),
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { rounded(part as f64 / whole as f64) }
}

fn rounded(share: f64) -> f64 {
    (share * DIGITS).round() / DIGITS
}
