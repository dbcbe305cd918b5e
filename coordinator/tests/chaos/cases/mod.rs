//! What is done to a fleet. Each case is a name, what is done, and what must have been seen.

mod broker;
mod cluster;
mod disk;
mod ends;
mod network;
mod pauses;
mod processes;
mod records;
mod services;

use super::scene::Case;

/// All cases, in the order of the issue that asked for them.
pub fn all() -> Vec<Case> {
    [
        processes::CASES,
        pauses::CASES,
        ends::CASES,
        broker::CASES,
        network::CASES,
        cluster::CASES,
        records::CASES,
        disk::CASES,
        services::CASES,
    ]
    .concat()
}
