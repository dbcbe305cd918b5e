//! Writes example inputs for functions: with a model behind an OpenAI-compatible server, or with none.
//!
//! Modules, in the order in which the data meets them:
//!
//! - [`settings`]: what a user can set
//! - [`prompt`]: the question, rendered from a template
//! - [`client`]: the way to the servers and back: limits, retries, outages
//! - [`budget`]: what is spent, and when that is enough; [`cache`]: answers that were paid for once
//! - [`answer`]: an answer, and the block of examples in it; [`structured`]: JSON under a schema, as Python
//! - [`draft`]: the blocks of several rounds as one
//! - [`estimate`]: what all of it would ask and cost, without asking
//! - [`model`]: one function and a model: rounds, tries, repair
//! - [`writer`]: the stage: who writes, and what is added; [`metrics`]: what it counts
//! - [`mutate`]: more inputs from those that a model gave
//! - [`builtin`]: the writer that needs no model
//! - [`published`]: rows of published data sets, whose completions are paid for

pub mod answer;
pub mod budget;
pub mod builtin;
pub mod cache;
pub mod client;
pub mod draft;
pub mod estimate;
pub mod metrics;
pub mod model;
pub mod mutate;
pub mod prompt;
pub mod published;
pub mod settings;
pub mod structured;
pub mod writer;

pub use writer::{WayBack, Writer};
