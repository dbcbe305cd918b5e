//! Runs functions on their example inputs in a sandbox.
//!
//! Modules, in the order in which a record meets them:
//!
//! - [`settings`]: which sandbox, and its limits
//! - [`executor`]: the stage: a function and its inputs in, its outcomes out
//! - [`job`]: what a program is told, and [`answer`]: what came back of it
//! - [`batch`]: quick attempts, several at a time
//! - [`evaluate`]: a completion of a model, and the code that it is measured by
//! - [`repair`]: which inputs go back to whoever wrote them
//! - [`trial`]: one function through as many processes as its inputs need
//! - [`lease`]: a sandbox of the pool, with patience
//! - [`pool`]: open sandboxes, one active program each
//! - [`session`]: one open sandbox: a job in, frames out
//! - [`sandbox`]: the two backends behind one trait
//! - [`metrics`]: what is counted of all this
//! - [`task`]: what a fleet asks of a worker
//! - [`survey`]: which isolation this machine can give

pub mod answer;
pub mod batch;
pub mod evaluate;
pub mod executor;
pub mod job;
pub mod lease;
pub mod metrics;
pub mod pool;
pub mod repair;
pub mod sandbox;
pub mod session;
pub mod settings;
pub mod survey;
pub mod task;
pub mod trial;

pub use executor::Executor;
pub use settings::ExecSettings;
