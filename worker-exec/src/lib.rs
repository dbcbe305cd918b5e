//! Runs functions on their example inputs in a sandbox.
