//! Everything around the workers: collection, the run in one process, the two ends of a fleet, the samples.
//!
//! Modules, in the order in which the data meets them:
//!
//! - [`collect`]: raw code → numbered items, each a function or a rejection
//! - [`feed`]: items → messages in shards
//! - [`submit`]: the feed of a fleet, with its cursor
//! - [`run`]: every stage in one process; [`dry_run`]: what it would do; [`spent`]: what it has spent
//! - [`sink`]: outcomes → journals → parts
//! - [`assemble`]: one executed function → samples or a rejection; [`parallel`]: on all cores
//! - [`output`]: parts, dataset card and report
//! - [`reassemble`]: the records of a run → samples, again
//! - [`show`]: one item, as a person reads it
//! - [`finish`]: what a finished run leaves
//! - [`eval`]: a model's answers to a test set, scored
//! - [`identity`]: which settings make a run what it is
//! - [`doctor`]: what this machine can do
//! - [`status`]: where everything of a fleet's run is, [`dead`]: what is nobody's, [`purge`]: its end
//! - [`metrics`]: what submit and sink count
//! - [`progress`]: the line on the terminal
//! - [`cli`]: the command line

pub mod assemble;
pub mod cli;
pub mod collect;
pub mod dead;
pub mod doctor;
pub mod dry_run;
pub mod eval;
pub mod feed;
pub mod finish;
pub mod identity;
pub mod metrics;
pub mod output;
pub mod parallel;
pub mod progress;
pub mod purge;
pub mod reassemble;
pub mod run;
pub mod show;
pub mod sink;
pub mod spent;
pub mod standing;
pub mod status;
pub mod submit;
