use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Record;
use crate::reason::{Reason, StageName};

/// An item that did not become a sample, and why. Its `record` is whole, so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// The function's id; for a row or file that could not be read `path:line`.
    pub id: String,
    /// The stage that turned it down.
    pub stage: StageName,
    /// Why.
    pub reason: Reason,
    /// One line for a reader: no times, addresses, hosts or temporary paths.
    pub detail: String,
    /// The [`super::Function`]; for `collect` the raw row.
    pub record: Value,
}

impl Rejection {
    /// Turns down the function that `record` is about.
    pub fn of(record: &impl Record, reason: Reason, detail: impl Into<String>) -> Self {
        Self::new(record.id(), reason, detail, record.function())
    }

    /// Turns down `record`, whatever it is, under `id`.
    pub fn new(id: impl Into<String>, reason: Reason, detail: impl Into<String>, record: &impl Serialize) -> Self {
        // A record of ours is plain data with string keys: turning it into a JSON value cannot fail.
        let record = serde_json::to_value(record).unwrap_or(Value::Null);
        Self { id: id.into(), stage: reason.stage(), reason, detail: detail.into(), record }
    }
}
