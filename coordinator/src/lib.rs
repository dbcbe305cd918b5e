//! Branch stub: the lead's lib.rs replaces this.
pub mod assemble;
pub mod collect;
pub mod output;
