//! A record on its way: its body and its address within the run. Delivery metadata travels here, never in the record.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::records::{
    EvaluationRequest, ExecutedFunction, Function, GeneratedInputs, Record, Rejection, RepairRequest,
};

/// Version of the records and headers. A message of another version is set aside on `.dead`.
pub const SCHEMA: u32 = 1;

/// What a message carries: the AMQP `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// [`Function`].
    Function,
    /// [`GeneratedInputs`].
    GeneratedInputs,
    /// [`RepairRequest`].
    RepairRequest,
    /// [`ExecutedFunction`].
    ExecutedFunction,
    /// [`EvaluationRequest`].
    EvaluationRequest,
    /// [`EvaluationAnswer`](crate::records::EvaluationAnswer).
    EvaluationAnswer,
    /// [`Rejection`].
    Rejection,
    /// [`RunOpen`].
    RunOpen,
    /// [`ShardClosed`].
    ShardClosed,
    /// [`RunClosed`].
    RunClosed,
}

impl RecordType {
    const NAMES: [(Self, &'static str); 10] = [
        (Self::Function, "function"),
        (Self::GeneratedInputs, "generated_inputs"),
        (Self::RepairRequest, "repair_request"),
        (Self::ExecutedFunction, "executed_function"),
        (Self::EvaluationRequest, "evaluation_request"),
        (Self::EvaluationAnswer, "evaluation_answer"),
        (Self::Rejection, "rejection"),
        (Self::RunOpen, "run_open"),
        (Self::ShardClosed, "shard_closed"),
        (Self::RunClosed, "run_closed"),
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        // Every variant stands in the table.
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names one run; minted once by `submit` or `run`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which item of which run a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The run.
    pub run_id: RunId,
    /// Seed of the run's randomness. It travels with each item, so that no worker can be started with another.
    pub seed: u64,
    /// The shard, from 0.
    pub shard: u64,
    /// The item's number in the whole run, from 0. Control messages carry 0.
    pub index: u64,
}

/// A record with its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What the body is.
    pub record_type: RecordType,
    /// Which item it is about.
    pub address: Address,
    /// How many attempts at the current stage have failed, from 0.
    pub attempt: u32,
    /// How many times it came back without an answer and is to be worked with nothing else in flight, from 0.
    pub alone: u32,
    /// JSON.
    pub body: Vec<u8>,
}

/// The body could not be read as the record that its type names.
#[derive(Debug, thiserror::Error)]
#[error("{record_type} of shard {shard}, item {index} does not read: {error}")]
pub struct DecodeError {
    record_type: RecordType,
    shard: u64,
    index: u64,
    error: serde_json::Error,
}

impl Message {
    /// Puts a record on its way.
    pub fn new<T: Serialize>(record_type: RecordType, address: Address, record: &T) -> Self {
        // Records are plain data with string keys, so serialising them cannot fail.
        let body = serde_json::to_vec(record).unwrap_or_default();
        Self { record_type, address, attempt: 0, alone: 0, body }
    }

    /// A record of the pipeline, whose type names itself.
    pub fn of<T: Record>(address: Address, record: &T) -> Self {
        Self::new(T::TYPE, address, record)
    }

    /// A rejection.
    pub fn rejection(address: Address, rejection: &Rejection) -> Self {
        Self::new(RecordType::Rejection, address, rejection)
    }

    /// Reads the body.
    pub fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_slice(&self.body).map_err(|error| DecodeError {
            record_type: self.record_type,
            shard: self.address.shard,
            index: self.address.index,
            error,
        })
    }

    /// The function that the body is about, whatever hop it is on; for rejections of records that no stage can work.
    pub fn function(&self) -> Option<Function> {
        match self.record_type {
            RecordType::Function => self.decode().ok(),
            RecordType::GeneratedInputs => self.decode::<GeneratedInputs>().ok().map(|record| record.function),
            RecordType::RepairRequest => self.decode::<RepairRequest>().ok().map(|record| record.inputs.function),
            RecordType::ExecutedFunction => self.decode::<ExecutedFunction>().ok().map(|record| record.function),
            RecordType::EvaluationRequest => self.decode::<EvaluationRequest>().ok().map(|record| record.function),
            _ => None,
        }
    }
}

/// Control message: a run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunOpen {
    /// The run.
    pub run_id: RunId,
    /// Seed of all randomness of ours.
    pub seed: u64,
    /// Items a shard.
    pub shard_size: u64,
    /// What changes bytes in the output.
    pub identity: serde_json::Value,
}

/// Control message: every item of a shard has been published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardClosed {
    /// The shard.
    pub shard: u64,
    /// Its first item.
    pub first: u64,
    /// How many items it has.
    pub count: u64,
}

/// Control message: every item of the run has been published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunClosed {
    /// How many shards there are.
    pub shards: u64,
    /// How many items.
    pub items: u64,
}
