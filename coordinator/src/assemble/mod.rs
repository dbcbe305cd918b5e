//! Executed functions → samples: filters, what is shown, and how it is worded.
//!
//! In the order of the data: a line becomes an executed function (`published` reads other people's rows), its
//! executions become `cases` that compare by value (`literal`, `quoted`), stand alone (`plain`, `beside`) and are no
//! repetitions (`inputs`), `answer` writes the program as the answer gives it, `reach` says which case reaches which of
//! its parts, `rules` turn functions down, `select` draws what is shown, and `render` writes prompt and answer with the
//! words of `wording`, for each kind of sample in `task`.

mod answer;
mod assembler;
mod beside;
mod cases;
mod filter;
mod inputs;
mod literal;
mod measures;
mod plain;
pub(crate) mod published;
mod published_row;
pub(crate) mod quoted;
pub(crate) mod random;
mod reach;
mod render;
mod rules;
mod select;
mod settings;
mod signature;
mod task;
mod wording;

pub use assembler::{Assembler, assemble};
pub use filter::run_filter;
pub use pipeline::profile::Profile;
pub use published::read_executed;
pub use published_row::examples_source;
pub use settings::{AnswerForm, AssembleSettings, Format, Names, Shown};
pub use task::Task;
