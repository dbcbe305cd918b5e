//! One function on all its inputs, through as many processes as it takes: a process that a call brings down costs that
//! call only.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use pipeline::{
    reason::Reason,
    records::{Limit, Outcome, weight},
};

use crate::{
    answer::{self, Answer, Argument, Call, Cause, Done, End},
    job::Job,
    session::Session,
};

/// A function takes no longer than this by the clock, however many of its inputs hang: the rest are `time`. Far below
/// the broker's consumer timeout of 30 minutes.
const FUNCTION_DEADLINE: Duration = Duration::from_secs(8 * 60);

/// After so many processes in a row that ended without finishing a single call, the rest is not tried: a program that
/// forges its number of examples would start as many as it likes. Hangs do not count, they have the deadline.
const MAX_FRUITLESS: u32 = 50;

/// What a function did.
pub enum Trial {
    /// One call for each index asked for, in that order.
    Called(Vec<Finished>),
    /// It never came to a call.
    Failed(Reason, String),
}

/// A call with its outcome.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Index into `examples`.
    pub index: usize,
    /// Repr of the keyword arguments; empty where even that hit a limit.
    pub input: String,
    /// Each of them.
    pub arguments: Vec<Argument>,
    /// What it did.
    pub done: Done,
}

/// Share of an input's CPU time that a function may use for all its inputs together before it is run carefully; most need
/// far less, and for one that hangs this is what the attempt costs.
const QUICK_SHARE: u32 = 8;
/// But at least so much, since most of it is not the function's.
const QUICK_LEAST: Duration = Duration::from_millis(100);

/// `job` with the time of a quick attempt: all inputs in one process that answers when it is done.
pub fn quick<'a>(job: &Job<'a>) -> Job<'a> {
    Job { cpu: (job.cpu / QUICK_SHARE).max(QUICK_LEAST).min(job.cpu), ..job.clone() }
}

/// What a quick attempt tells. None where it did not come to its end: then nothing of it is believed.
pub fn conclude(job: &Job<'_>, (answer, end): (Answer, End), memory_bytes: u64) -> Option<Trial> {
    if answer.locked_in && answer.failure.is_some() && !answer.forged {
        return Some(failed(&answer, &end, memory_bytes));
    }
    let count = answer.examples?;
    let order = job.order.clone().unwrap_or_else(|| (0..count).collect());
    let as_asked = answer.calls.iter().map(|call| call.index).eq(order);
    if end.cause != Cause::Done || !as_asked {
        return None;
    }
    let finished = |Call { index, input, arguments, done }| Some(Finished { index, input, arguments, done: done? });
    answer.calls.into_iter().map(finished).collect::<Option<_>>().map(Trial::Called)
}

/// Runs `job` in `session`, each answer sent as it is known and each step with its own limits, and again from the next
/// input on whenever a process ends in the middle.
///
/// # Errors
/// The sandbox is broken; nothing is said about the program.
pub async fn carefully(session: &mut Session, mut job: Job<'_>, memory_bytes: u64) -> anyhow::Result<Trial> {
    job.careful = true;
    let started = Instant::now();
    let mut finished = Vec::new();
    let mut fruitless = 0;
    // Steps that ran out of time by the clock and got their second chance: `None` is what comes before the calls.
    let mut given_again = HashSet::new();
    loop {
        let (answer, end) = session.run(&job).await?;
        // A careful process says so before it reads a byte of the program's.
        if !answer.locked_in {
            let problem = answer.not_set_up.unwrap_or_else(|| format!("it ended: {end:?}"));
            session.retired = Some(problem.clone());
            anyhow::bail!("a program could not be locked in: {problem}");
        }
        let Some(count) = answer.examples else {
            if end.cause == Cause::Wall && given_again.insert(None) {
                continue;
            }
            return Ok(failed(&answer, &end, memory_bytes));
        };
        let mut order = job.order.take().unwrap_or_else(|| (0..count).collect());
        let (mut cut, before) = (None, finished.len());
        for (expected, call) in order.iter().zip(answer.calls) {
            match call {
                Call { index, .. } if index != *expected => break,
                Call { done: None, .. } => cut = Some(call),
                Call { index, input, arguments, done: Some(done) } => {
                    finished.push(Finished { index, input, arguments, done });
                }
            }
        }
        order
            .drain(..order.iter().position(|index| !finished.iter().any(|f| f.index == *index)).unwrap_or(order.len()));
        if order.is_empty() {
            return Ok(Trial::Called(finished));
        }
        let any_finished = finished.len() > before;
        // It ended in this call, or while the repr of its input was taken.
        let index = order[0];
        if !(end.cause == Cause::Wall && given_again.insert(Some(index))) {
            let call = cut.unwrap_or(Call { index, ..Call::default() });
            finished.push(unfinished(call, end.outcome(memory_bytes)));
            order.remove(0);
        }
        match end.cause {
            _ if any_finished => fruitless = 0,
            Cause::Cpu | Cause::Wall => {}
            _ => fruitless += 1,
        }
        let rest = if finished.iter().map(size).sum::<usize>() > weight::MAX_BYTES {
            Some(Outcome::Limit(Limit::Output))
        } else if started.elapsed() > FUNCTION_DEADLINE {
            Some(Outcome::Limit(Limit::Time))
        } else if fruitless >= MAX_FRUITLESS {
            Some(answer::ended(format!("not tried: {fruitless} processes in a row ended without an answer")))
        } else {
            None
        };
        if let Some(outcome) = rest {
            let not_tried = |index| unfinished(Call { index, ..Call::default() }, outcome.clone());
            finished.extend(order.drain(..).map(not_tried));
        }
        if order.is_empty() {
            return Ok(Trial::Called(finished));
        }
        job.order = Some(order);
    }
}

/// Bytes of a call in the record. Inputs and outcomes of a function together are kept to [`weight::MAX_BYTES`]: when there
/// are more, the rest is `output`.
fn size(call: &Finished) -> usize {
    let text = weight::of_text;
    let arguments: usize = call.arguments.iter().map(|argument| text(&argument.name) + text(&argument.shown) + 8).sum();
    let outcome = match &call.done.outcome {
        Outcome::Return(shown) => text(shown),
        Outcome::Error(error) => text(&error.class) + text(&error.message),
        Outcome::Limit(_) => 0,
    };
    text(&call.input) + arguments + outcome + 64 + 6 * call.done.lines.len()
}

/// Why it never came to a call.
fn failed(answer: &Answer, end: &End, memory_bytes: u64) -> Trial {
    let reason = if answer.defined { Reason::ExamplesFailed } else { Reason::DefinitionFailed };
    let ended = || match answer.forged {
        true => "the program wrote to the answers itself".to_owned(),
        false => end.describe(memory_bytes),
    };
    Trial::Failed(reason, answer.failure.clone().unwrap_or_else(ended))
}

fn unfinished(call: Call, outcome: Outcome) -> Finished {
    Finished { index: call.index, input: call.input, arguments: call.arguments, done: nothing_but(outcome) }
}

/// An outcome of which nothing else is known.
pub(crate) fn nothing_but(outcome: Outcome) -> Done {
    Done { outcome, literal: false, canonical: String::new(), lines: Vec::new() }
}
