//! What every part of Case2Code Fleet shares: the records that travel, the contract of a stage, the queues between
//! stages, and the loop that joins them.
//!
//! Modules, in the order in which the data meets them:
//!
//! - [`records`]: one type per hop, from [`records::RawCode`] to [`records::Sample`], and [`records::Rejection`]
//! - [`reason`]: every reason for which an item can be turned down, in the order in which they win
//! - [`python`]: parsing of Python source, the only place that knows the parser
//! - [`message`]: a record on its way: body, address within the run, and delivery counts
//! - [`stage`]: what a stage is: a record in, a record or a rejection out
//! - [`queue`]: the queue contract, in memory and over RabbitMQ
//! - [`consume`]: the loop consume → work → publish → acknowledge
//! - [`filter`]: the same stages over JSON Lines instead of queues
//! - [`complaint`]: what many records would complain of at once, said once
//! - [`failpoint`]: where a test kills the process; nothing without the feature `failpoints`
//! - [`settings`]: flags, environment, file and defaults, resolved once
//! - [`telemetry`]: logs, metrics and the health endpoints
//! - [`shutdown`]: SIGTERM and SIGINT, once and twice
//! - [`error`]: failures that end a process, with their exit codes

pub mod complaint;
pub mod consume;
pub mod error;
pub mod failpoint;
pub mod filter;
pub mod message;
pub mod profile;
pub mod python;
pub mod queue;
pub mod reason;
pub mod records;
pub mod settings;
pub mod shutdown;
pub mod stage;
pub mod telemetry;
