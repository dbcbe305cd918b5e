//! Which calls run beside the function alone: the block of examples may have had imports and helpers that the answer
//! lacks.

use std::fmt::Write as _;

use pipeline::{python::with_module, records::Function};

/// Whether a call with each of these arguments (`a=1, b=date(2020, 1, 1)`) finds all its names.
pub(super) fn run(function: &Function, calls: &[String]) -> Vec<bool> {
    if calls.is_empty() {
        return Vec::new();
    }
    let alone = |call| together(function, std::slice::from_ref(call)).is_some_and(|runs| runs == [true]);
    // The program is read once for all of them, unless one of them cannot be read.
    together(function, calls).unwrap_or_else(|| calls.iter().map(alone).collect())
}

/// As [`run`]; none if they cannot be read as one module.
fn together(function: &Function, calls: &[String]) -> Option<Vec<bool>> {
    let name = |at: usize| format!("__call_{at}__");
    let mut source = function.program();
    for (at, keywords) in calls.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(source, "\n\ndef {}():\n    return dict({keywords})\n", name(at));
    }
    let read = with_module(&source, |module| {
        let (definitions, bindings) = (module.definitions(), module.bindings());
        let runs = |at| {
            let call = definitions.iter().find(|definition| definition.name == name(at))?;
            Some(bindings.needs(call, 1).missing.is_empty())
        };
        (0..calls.len()).map(runs).collect()
    });
    read.ok().flatten()
}
