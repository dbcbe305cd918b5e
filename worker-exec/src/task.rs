//! What a fleet asks of a worker: functions on their inputs, and programs of an evaluation.

use std::sync::Arc;

use pipeline::{
    message::{Address, DecodeError, Message, RecordType},
    reason::StageName,
    records::{EvaluationAnswer, EvaluationRequest, ExecutedFunction, Function, GeneratedInputs, Record},
    stage::{Input, Output, Stage, StageError, Verdict},
};

use crate::executor::Executor;

/// What a worker is given.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecTask {
    /// A function with its inputs.
    Execute(Box<GeneratedInputs>),
    /// A program of an evaluation.
    Evaluate(Box<EvaluationRequest>),
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecResult {
    /// Of a function.
    Executed(Box<ExecutedFunction>),
    /// Of a program of an evaluation.
    Evaluated(EvaluationAnswer),
}

/// The stage of a fleet worker.
pub struct FleetExecutor(pub Arc<Executor>);

impl Input for ExecTask {
    fn read(message: &Message) -> Option<Result<Self, DecodeError>> {
        match message.record_type {
            RecordType::GeneratedInputs => Some(message.decode().map(|inputs| Self::Execute(Box::new(inputs)))),
            RecordType::EvaluationRequest => Some(message.decode().map(|request| Self::Evaluate(Box::new(request)))),
            _ => None,
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Execute(inputs) => Record::id(&**inputs),
            Self::Evaluate(request) => Record::id(&**request),
        }
    }

    fn function(&self) -> &Function {
        match self {
            Self::Execute(inputs) => Record::function(&**inputs),
            Self::Evaluate(request) => Record::function(&**request),
        }
    }
}

impl Output for ExecResult {
    fn message(&self, address: Address) -> Message {
        match self {
            Self::Executed(executed) => Message::of(address, &**executed),
            Self::Evaluated(answer) => Message::new(RecordType::EvaluationAnswer, address, answer),
        }
    }
}

impl Stage for FleetExecutor {
    type Input = ExecTask;
    type Output = ExecResult;

    const NAME: StageName = StageName::Execute;

    async fn process(&self, task: ExecTask, seed: u64) -> Result<Verdict<ExecResult>, StageError> {
        match task {
            ExecTask::Execute(inputs) => {
                Ok(self.0.process(*inputs, seed).await?.map(|executed| ExecResult::Executed(Box::new(executed))))
            }
            ExecTask::Evaluate(request) => Ok(Verdict::Pass(ExecResult::Evaluated(self.0.evaluate(&request).await?))),
        }
    }
}
