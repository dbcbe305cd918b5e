//! Raw code → functions: the first stage, and the only one that reads input files.
//!
//! Modules, in the order in which the data meets them:
//!
//! - [`CollectSettings`]: profile, columns, limits
//! - [`Input`]: the files that the arguments name, in a fixed order
//! - `objects`, `remote`: those that URLs name, and their bytes, by ranged requests on a thread of their own
//! - [`InputIdentity`]: what tells one input from another across restarts
//! - `rows`, `lines`, `table`: a file's rows, unpacked as they are read
//! - [`RawReader`]: files and rows → [`pipeline::records::RawCode`], with bounded memory; `row` has the columns, `chosen`
//!   which of them `--sample` takes
//! - `benchmarks`, `screening`: what functions are judged by
//! - `candidates`: one piece of raw code → its functions, kept or turned down; pure
//! - `parse`: all of that on every core, in order
//! - `excluded`, `seen`, `near`: what came in earlier runs, and earlier in this one
//! - [`Marks`]: where collecting stood, for a submission that goes on
//! - [`Collector`]: all of it in order, numbered, without duplicates
//! - [`run_filter`] and [`explain`]: `case2code collect` and its `--explain`

mod benchmarks;
mod candidates;
mod cap;
mod chosen;
mod collector;
mod excluded;
mod explain;
mod filter;
mod identity;
mod inputs;
mod lines;
mod marks;
mod near;
mod objects;
mod parse;
mod place;
mod reader;
mod remote;
mod row;
mod rows;
mod screening;
mod seen;
mod settings;
mod table;

pub use candidates::Candidate;
pub use collector::{Collector, Item};
pub use explain::explain;
pub use filter::run_filter;
pub use identity::InputIdentity;
pub use inputs::{Input, InputKind, Packing};
pub use marks::{Earlier, Mark, Marks};
pub use place::Place;
pub use reader::{Raw, RawReader};
pub use settings::{CollectProfile, CollectSettings, Screen};
