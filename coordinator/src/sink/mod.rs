//! The sink: outcomes in any order, twice or late, become sorted parts, each item once (DESIGN §4).
//!
//! - [`folder`]: the output folder: its lock, identity, and what is done
//! - [`journal`]: one append-only file per open shard
//! - [`shards`]: which shards are open, what they have seen, when one is complete
//! - [`verdicts`]: the outcomes of a shard → samples and rejections
//! - [`drain`]: the loop from the queue to the journals
//! - [`fleet`]: the sink of a fleet, over RabbitMQ

pub mod drain;
pub mod fleet;
pub mod folder;
pub mod journal;
pub mod shards;
pub mod verdicts;
