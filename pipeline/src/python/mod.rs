//! Python source, read with Astral's `ruff_python_parser`. Its API is unstable: nothing outside this module uses it.
//!
//! In the order of the data: bytes are decoded, their nesting is bounded, the module is parsed and cut into statements,
//! each statement's names are resolved, and a function is joined with the statements that it needs.

mod anatomy;
mod closure;
mod depth;
mod examples;
mod fingerprint;
mod indent;
mod known;
mod module;
mod names;
mod passages;
mod render;
mod retouch;
mod scope;
mod screens;
mod source;
mod span;
mod usage;
mod walk;

pub use anatomy::{Anatomy, Place};
pub use closure::{Bindings, Needs};
pub use examples::{Entry, ExamplesBlock, entries, examples_block, merged, more_examples_block};
pub use fingerprint::Fingerprint;
pub use module::{Definition, Module, SyntaxError, with_module};
pub use passages::{PASSAGE_WORDS, Passages, passages, words};
pub use render::rendered;
pub use retouch::Retouch;
pub use source::{Undecodable, decode, normalize};
pub use usage::{Constant, FunctionUses, Kind, ParameterUse, Part, Role, Use, parameter_uses};
