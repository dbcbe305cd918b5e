//! The writer that needs no model.

use pipeline::{
    reason::Reason,
    records::{Function, GeneratedInputs, Rejection},
    stage::Verdict,
};

/// Writes inputs for `function` from what its source says about its parameters.
pub fn write(function: &Function, _seed: u64) -> Verdict<GeneratedInputs> {
    Rejection::of(function, Reason::NoInputsInferred, "the builtin writer infers nothing yet").into()
}
