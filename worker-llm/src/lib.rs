//! Writes example inputs for functions.

pub mod builtin;
