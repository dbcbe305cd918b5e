//! Completions of a model and the item's own code, as the published evaluation runs them. Comparing is not done here:
//! what is expected never comes near a sandbox.

use std::time::Duration;

use pipeline::{
    records::{Called, EvaluationAnswer, EvaluationRequest, Manner, Once, Outcome, Place, Ran, Runs, Twice, weight},
    stage::StageError,
};

use crate::{
    answer::{Answer, Call, Cause, End},
    executor::{ATTEMPTS, Answered, Executor},
    job::Job,
    trial::{self, Finished},
};

/// The published script is stopped after so long.
const PUBLISHED_LIMIT: Duration = Duration::from_secs(10);
/// Longest answer of one process, as JSON: a queue carries it.
const MAX_ANSWER_BYTES: usize = 2 * weight::MAX_BYTES;

impl Executor {
    /// Runs a program of an evaluation.
    ///
    /// # Errors
    /// The sandbox, not the program.
    pub async fn evaluate(&self, request: &EvaluationRequest) -> Result<EvaluationAnswer, StageError> {
        let ran = match &request.runs {
            Runs::Once(order) => Ran::Once(self.once(request, order.clone()).await?),
            Runs::Twice => Ran::Twice(self.twice_over(request).await?),
        };
        Ok(EvaluationAnswer { ran, place: self.place() })
    }

    /// What programs of an evaluation run in.
    pub fn place(&self) -> Place {
        Place { sandbox: self.info(), timeout_s: self.cpu.as_secs_f64(), memory_limit_mib: self.memory_bytes >> 20 }
    }

    /// Runs a completion in one process.
    async fn once(&self, request: &EvaluationRequest, order: Option<Vec<usize>>) -> Result<Once, StageError> {
        let manner = request.manner;
        let job = Job { order, evaluation: manner == Manner::Published, ..self.plain(request) };
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
            tracing::warn!(id = request.function.id, error = last, "a sandbox broke; taking another");
        }
        Err(StageError::Failed(last))
    }

    /// Runs an item's own code twice, the second time with another hash seed, random seed, clock and order of the
    /// examples. A process that a call brings down costs that call only.
    async fn twice_over(&self, request: &EvaluationRequest) -> Result<Twice, StageError> {
        let evaluation = request.manner == Manner::Published;
        let job = Job { evaluation, canonical: true, ..self.plain(request) };
        let called = |calls: Vec<Finished>| calls.into_iter().map(called).collect();
        Ok(match self.twice(&request.function.id, &job, true).await? {
            Answered::Failed(_, detail) => Twice::Failed(detail),
            Answered::Called { second: Some(Err(detail)), .. } => Twice::Failed(detail),
            Answered::Called { first, second } => {
                let mut second = second.and_then(Result::ok).unwrap_or_default();
                second.sort_by_key(|call| call.index);
                Twice::Called(called(first), called(second))
            }
        })
    }

    fn plain<'a>(&self, request: &'a EvaluationRequest) -> Job<'a> {
        self.job(&request.function.name, &request.function.code, &request.examples)
    }

    fn ran(&self, answer: Answer, end: &End, manner: Manner) -> Once {
        let done = end.cause == Cause::Done && !answer.forged && answer.examples.is_some();
        let problem = match answer.failure {
            _ if done => None,
            Some(failure) => Some(failure),
            None if answer.forged => Some("the program wrote to the answers itself".to_owned()),
            None => Some(end.describe(self.memory_bytes)),
        };
        let finished = |Call { index, input, arguments, done }| {
            let done = done.unwrap_or_else(|| trial::nothing_but(end.outcome(self.memory_bytes)));
            called(Finished { index, input, arguments, done })
        };
        let in_time = done && manner == Manner::Published && Duration::from_micros(end.cpu_us) <= PUBLISHED_LIMIT;
        let once = Once {
            examples: answer.examples,
            calls: answer.calls.into_iter().map(finished).collect(),
            // What is no text ends the published evaluation's reading of it.
            printed: if in_time { String::from_utf8(answer.printed).ok() } else { None },
            problem,
        };
        within_limit(once)
    }
}

fn called(Finished { index, input, done, .. }: Finished) -> Called {
    Called { index, input, outcome: done.outcome, literal: done.literal }
}

/// An answer that no queue could carry ends where it becomes too long; what was printed goes before any call does.
fn within_limit(mut once: Once) -> Once {
    let size = |call: &Called| {
        let outcome = match &call.outcome {
            Outcome::Return(shown) => weight::of_text(shown),
            Outcome::Error(error) => weight::of_text(&error.class) + weight::of_text(&error.message),
            Outcome::Limit(_) => 0,
        };
        weight::of_text(&call.input) + outcome + 128
    };
    let mut left = MAX_ANSWER_BYTES;
    let mut fit = 0;
    for call in &once.calls {
        let Some(rest) = left.checked_sub(size(call)) else { break };
        (left, fit) = (rest, fit + 1);
    }
    if fit < once.calls.len() || once.printed.as_deref().is_some_and(|printed| weight::of_text(printed) > left) {
        once.calls.truncate(fit);
        once.printed = None;
        once.problem = Some(format!("output limit: its answer is longer than {MAX_ANSWER_BYTES} bytes"));
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_goes_before_a_call_does() {
        let call = |index, bytes| Called {
            index,
            input: String::new(),
            outcome: Outcome::Return("x".repeat(bytes)),
            literal: true,
        };
        let cases = [
            (vec![10], 10, (1, true)),
            (vec![10, 10], MAX_ANSWER_BYTES, (2, false)),
            (vec![MAX_ANSWER_BYTES - 200, 10], 10, (1, false)),
            (vec![10, MAX_ANSWER_BYTES], 10, (1, false)),
        ];
        for (calls, printed, wanted) in cases {
            let calls: Vec<_> = calls.into_iter().enumerate().map(|(at, bytes)| call(at, bytes)).collect();
            let once = within_limit(Once { calls, printed: Some("x".repeat(printed)), ..Once::default() });
            assert_eq!((once.calls.len(), once.printed.is_some()), wanted);
            assert_eq!(once.problem.is_some(), !wanted.1);
        }
    }
}
