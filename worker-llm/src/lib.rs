//! Writes example inputs for functions.
