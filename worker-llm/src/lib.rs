//! Writes example inputs for functions: with a model behind an OpenAI-compatible server, or with none.
//!
//! Modules, in the order in which the data meets them:
//!
//! - [`settings`]: what a user can set
//! - [`prompt`]: the question, rendered from a template
//! - [`client`]: the way to the server and back: limits, retries, outages
//! - [`writer`]: the stage: question, answer, block of examples
//! - [`mutate`]: more inputs from those that a model gave
//! - [`builtin`]: the writer that needs no model
//! - [`published`]: rows of published data sets, whose completions are paid for

pub mod builtin;
pub mod client;
pub mod mutate;
pub mod prompt;
pub mod published;
pub mod settings;
pub mod writer;

pub use writer::Writer;
