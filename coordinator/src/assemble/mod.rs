//! Executed functions → samples: filters, what is shown, and how it is worded.
//!
//! In the order of the data: a line becomes an executed function (`published` reads other people's rows), its
//! executions become `cases` that compare by value (`literal`, `quoted`), `rules` turn functions down, `select` draws
//! what is shown, and `render` (strict, with the words of `phrases`) or `reference` (as published) writes the prompt.

mod assembler;
mod cases;
mod filter;
mod literal;
mod phrases;
pub(crate) mod published;
pub(crate) mod quoted;
pub(crate) mod random;
mod reference;
mod render;
mod rules;
mod select;
mod settings;
mod signature;

pub use assembler::{Assembler, assemble};
pub use filter::run_filter;
pub use pipeline::profile::Profile;
pub use published::read_executed;
pub use settings::{AssembleSettings, Format};
