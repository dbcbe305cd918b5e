//! Raw code → functions: the first stage, and the only one that reads input files.
//!
//! Modules, in the order in which the data meets them:
//!
//! - [`CollectSettings`]: profile, columns, limits
//! - [`Input`]: the files that the arguments name, in a fixed order
//! - [`InputIdentity`]: what tells one input from another across restarts
//! - [`RawReader`]: files and lines → [`pipeline::records::RawCode`], with bounded memory
//! - [`functions_of`]: one piece of raw code → its functions, kept or turned down; pure
//! - [`Collector`]: all of it in order, numbered, without duplicates
//! - [`run_filter`] and [`explain`]: `case2code collect` and its `--explain`

mod candidates;
mod cap;
mod collector;
mod explain;
mod filter;
mod identity;
mod inputs;
mod lines;
mod place;
mod reader;
mod row;
mod seen;
mod settings;

pub use candidates::{Candidate, functions_of};
pub use collector::{Collector, Item};
pub use explain::explain;
pub use filter::run_filter;
pub use identity::InputIdentity;
pub use inputs::{Input, InputKind};
pub use place::Place;
pub use reader::{Raw, RawReader};
pub use settings::{CollectProfile, CollectSettings};
