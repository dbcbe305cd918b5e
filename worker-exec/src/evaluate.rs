//! Completions of a model and the item's own code, as the published evaluation runs them. Comparing is not done here:
//! what is expected never comes near a sandbox.

use std::time::Duration;

use pipeline::{records::Outcome, stage::StageError};

use crate::{
    answer::{Answer, Call, Cause, End},
    executor::{ATTEMPTS, Answered, Executor},
    job::Job,
    trial::{self, Finished},
};

/// Code with the examples that it is called on.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The function that is called.
    pub name: &'a str,
    /// Source that is to define it.
    pub code: &'a str,
    /// The block that builds `examples`.
    pub examples: &'a str,
}

/// How its functions are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As the published script does: one module, its names and those of the script in one scope.
    Published,
    /// As everywhere else here: nothing but the program can rebind the program's names.
    Apart,
}

/// What one process of a completion did.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Length of the list `examples`, where it came to the calls.
    pub examples: Option<usize>,
    /// The calls in the order in which they began. In the one in whose middle the process ended, what ended it.
    pub calls: Vec<Finished>,
    /// Everything that was printed, if it came to its end in the published manner.
    pub printed: Option<Vec<u8>>,
    /// Why it did not come to its end.
    pub problem: Option<String>,
    /// CPU time of all of it.
    pub cpu: Duration,
}

/// The item's own code, executed twice.
#[derive(Clone, Debug)]
pub enum Twice {
    /// Why it came to no call, the first time or the second.
    Failed(String),
    /// The calls of both, each in the order of the examples.
    Called(Vec<Finished>, Vec<Finished>),
}

impl Executor {
    /// Runs a completion in one process on all examples, or on those of `order`.
    ///
    /// # Errors
    /// The sandbox, not the completion.
    pub async fn evaluate(
        &self,
        program: Program<'_>,
        manner: Manner,
        order: Option<Vec<usize>>,
    ) -> Result<Ran, StageError> {
        let job = Job { order, evaluation: manner == Manner::Published, ..self.plain(program) };
        let quick = self.batches.attempt(&[trial::quick(&job)]).await?;
        let mut last = String::new();
        if let Some((answer, end)) = quick.unwrap_or_default().pop()
            && answer.locked_in
            && (end.cause == Cause::Done || answer.failure.is_some() && !answer.forged)
        {
            return Ok(self.ran(answer, &end, manner));
        }
        let careful = Job { careful: true, ..job };
        let mut hung = false;
        for attempt in 0..ATTEMPTS {
            let mut lease = if attempt == 0 { self.leases.get().await? } else { self.leases.get_sound().await? };
            match lease.run(&careful).await {
                Ok((answer, end)) if answer.locked_in => {
                    // A limit by the clock is believed the second time.
                    if end.cause == Cause::Wall && !std::mem::replace(&mut hung, true) {
                        continue;
                    }
                    return Ok(self.ran(answer, &end, manner));
                }
                Ok((answer, end)) => {
                    last = answer.not_set_up.unwrap_or_else(|| format!("it ended: {end:?}"));
                    lease.retired = Some(last.clone());
                }
                Err(error) => last = format!("{error:#}"),
            }
            tracing::warn!(name = program.name, error = last, "a sandbox broke; taking another");
        }
        Err(StageError::Failed(last))
    }

    /// Runs an item's own code twice, the second time with another hash seed, random seed, clock and order of the
    /// examples. A process that a call brings down costs that call only.
    ///
    /// # Errors
    /// The sandbox, not the code.
    pub async fn twice_over(&self, id: &str, program: Program<'_>, manner: Manner) -> Result<Twice, StageError> {
        let job = Job { evaluation: manner == Manner::Published, canonical: true, ..self.plain(program) };
        Ok(match self.twice(id, &job, true).await? {
            Answered::Failed(_, detail) => Twice::Failed(detail),
            Answered::Called { second: Some(Err(detail)), .. } => Twice::Failed(detail),
            Answered::Called { first, second } => {
                let mut second = second.and_then(Result::ok).unwrap_or_default();
                second.sort_by_key(|call| call.index);
                Twice::Called(first, second)
            }
        })
    }

    fn plain<'a>(&self, program: Program<'a>) -> Job<'a> {
        self.job(program.name, program.code, program.examples)
    }

    fn ran(&self, answer: Answer, end: &End, manner: Manner) -> Ran {
        let done = end.cause == Cause::Done && !answer.forged && answer.examples.is_some();
        let problem = match answer.failure {
            _ if done => None,
            Some(failure) => Some(failure),
            None if answer.forged => Some("the program wrote to the answers itself".to_owned()),
            None => Some(end.describe(self.memory_bytes)),
        };
        let cut = |Call { index, input, arguments, done }| {
            let done = done.unwrap_or_else(|| trial::nothing_but(end.outcome(self.memory_bytes)));
            Finished { index, input, arguments, done }
        };
        Ran {
            examples: answer.examples,
            calls: answer.calls.into_iter().map(cut).collect(),
            printed: (done && manner == Manner::Published).then_some(answer.printed),
            problem,
            cpu: Duration::from_micros(end.cpu_us),
        }
    }
}

impl Ran {
    /// The outcome of this example, if it came to it.
    pub fn call(&self, index: usize) -> Option<&Finished> {
        self.calls.iter().find(|call| call.index == index)
    }

    /// In which example a limit or its own end stopped it.
    pub fn stopped_in(&self) -> Option<usize> {
        let last = self.calls.last().filter(|_| self.problem.is_some())?;
        let stopped = match &last.done.outcome {
            Outcome::Limit(_) => true,
            Outcome::Error(error) => error.class == crate::answer::PROCESS_ENDED,
            Outcome::Return(_) => false,
        };
        stopped.then_some(last.index)
    }
}
