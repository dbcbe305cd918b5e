//! What a completion did, and whether that is right.

use pipeline::{
    error::Failure,
    records::{Manner, Once, Outcome, RaisedError},
};
use serde::{Deserialize, Serialize};
use worker_exec::answer::PROCESS_ENDED;

use super::{
    completion::NOT_STOPPED,
    item::Item,
    programs::Programs,
    published::{self, RAISED, Raw},
    standard::{Input, Standard, class},
    summary::Aside,
    value::{Value, without_addresses},
};
use crate::assemble::quoted::json_ascii;

/// A verdict by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clean {
    /// Right on every input that can tell.
    Correct,
    /// Wrong on one.
    Wrong,
    /// No input can tell.
    Unscoreable,
}

impl Clean {
    /// All, in the order in which tables show them.
    pub const ALL: [Self; 3] = [Self::Correct, Self::Wrong, Self::Unscoreable];

    /// As in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Wrong => "wrong",
            Self::Unscoreable => "unscoreable",
        }
    }
}

/// Where a completion first gives something else than its item says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Index of the example.
    pub example: usize,
    /// The line of the item.
    pub expected: String,
    /// What the completion did; null where it did not come so far.
    pub got: Option<Outcome>,
}

/// A row of `verdicts.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The item.
    pub gen_answer_id: String,
    /// Which completion of its item, from 0 on.
    pub index: usize,
    /// By the published rule.
    pub raw: Raw,
    /// By value, over all inputs that can tell.
    pub clean: Clean,
    /// By value, over those that the prompt shows.
    pub shown: Clean,
    /// By value, over those of which the prompt shows neither them nor equal ones.
    pub held_out: Clean,
    /// What it did on each example, in their order; null where it did not come so far. Empty where it was not run.
    pub outcomes: Vec<Option<Outcome>>,
    /// The first example that made it wrong: by value if it is wrong by value, else by the published rule.
    pub first_difference: Option<Difference>,
    /// Why it did not come to its end.
    pub problem: Option<String>,
}

/// What a program did, judged; the same for every completion of an item with the same program.
#[derive(Clone, Debug)]
pub struct Judged {
    raw: Raw,
    by_value: [Clean; 3],
    outcomes: Vec<Option<Outcome>>,
    first_difference: Option<Difference>,
    problem: Option<String>,
}

impl Judged {
    /// As a row.
    pub fn row(&self, id: &str, index: usize) -> Verdict {
        let [clean, shown, held_out] = self.by_value;
        Verdict {
            gen_answer_id: id.to_owned(),
            index,
            raw: self.raw,
            clean,
            shown,
            held_out,
            outcomes: self.outcomes.clone(),
            first_difference: self.first_difference.clone(),
            problem: self.problem.clone(),
        }
    }

    /// What was not run.
    pub fn unrun(standard: &Standard, raw: Raw) -> Self {
        let by_value = by_value(standard, |_| false);
        Self { raw, by_value, outcomes: Vec::new(), first_difference: None, problem: None }
    }

    /// An answer that there is none of.
    pub fn missing(aside: &Aside) -> Self {
        let clean = if aside.whole() { Clean::Unscoreable } else { Clean::Wrong };
        let [shown, held_out] = [aside.shown_scoreable, aside.held_out_scoreable]
            .map(|any| if any { Clean::Wrong } else { Clean::Unscoreable });
        let by_value = [clean, shown, held_out];
        Self { raw: Raw::Missing, by_value, outcomes: Vec::new(), first_difference: None, problem: None }
    }

    /// Runs the program of an answer, and judges it.
    ///
    /// # Errors
    /// Where programs run, not the program.
    pub async fn of(
        code: &str,
        item: &Item,
        standard: &Standard,
        programs: &Programs,
        tolerance: f64,
    ) -> Result<Self, Failure> {
        if code.contains(NOT_STOPPED) {
            return Ok(Self::unrun(standard, Raw::Truncated));
        }
        let ran = programs.once(item, code, Manner::Published, None).await?;
        let raw = raw(item, &ran);
        let mut apart = match standard.manner {
            Manner::Published => ran.clone(),
            Manner::Apart => programs.once(item, code, Manner::Apart, None).await?,
        };
        // Where it stopped in an input that tells nothing, the others are still to be asked.
        while let Some(stopped) = stopped_in(&apart)
            && standard.inputs.get(stopped).is_some_and(|input| input.expected.is_err())
        {
            let left: Vec<usize> = standard.scoreable().filter(|at| apart.call(*at).is_none()).collect();
            if left.is_empty() {
                break;
            }
            let more = programs.once(item, code, standard.manner, Some(left)).await?;
            let before = apart.calls.len();
            apart.calls.extend(more.calls);
            apart.problem = more.problem;
            if apart.calls.len() == before {
                break;
            }
        }
        Ok(Self::by(item, standard, raw, &ran, &apart, tolerance))
    }

    fn by(item: &Item, standard: &Standard, raw: Raw, ran: &Once, apart: &Once, tolerance: f64) -> Self {
        let right = |at: usize| {
            let expected = standard.inputs[at].expected.as_ref().ok();
            let call = apart.call(at);
            call.zip(expected).is_some_and(|(call, expected)| expected.is(&call.outcome, call.literal, tolerance))
        };
        let by_value = by_value(standard, right);
        let wrong = match by_value[0] {
            Clean::Wrong => standard.scoreable().find(|at| !right(*at)),
            _ if raw == Raw::Correct => None,
            _ => (0..item.example_outputs.len()).find(|at| !told(ran, *at, item.example_outputs[*at].line())),
        };
        let count = standard.inputs.len().max(ran.examples.unwrap_or(0));
        let outcome = |at| apart.call(at).map(|call| recorded(&call.outcome, standard.inputs.get(at)));
        let difference = |example: usize| Difference {
            example,
            expected: item.example_outputs.get(example).map(|output| output.line().to_owned()).unwrap_or_default(),
            got: outcome(example),
        };
        Self {
            raw,
            by_value,
            outcomes: (0..count).map(outcome).collect(),
            first_difference: wrong.map(difference),
            problem: ran.problem.as_deref().map(one_line),
        }
    }
}

/// In which example a limit or its own end stopped it.
fn stopped_in(once: &Once) -> Option<usize> {
    let last = once.calls.last().filter(|_| once.problem.is_some())?;
    let stopped = match &last.outcome {
        Outcome::Limit(_) => true,
        Outcome::Error(error) => error.class == PROCESS_ENDED,
        Outcome::Return(_) => false,
    };
    stopped.then_some(last.index)
}

/// Over all inputs that can tell, those that are shown, those that are held out.
fn by_value(standard: &Standard, right: impl Fn(usize) -> bool) -> [Clean; 3] {
    let of = |wanted: fn(&Input) -> bool| {
        let mut any = false;
        for at in standard.scoreable().filter(|at| wanted(&standard.inputs[*at])) {
            any = true;
            if !right(at) {
                return Clean::Wrong;
            }
        }
        if any { Clean::Correct } else { Clean::Unscoreable }
    };
    [of(|_| true), of(|input| input.shown), of(|input| input.held_out)]
}

/// By the published rule; but text that a program printed does not make right what its function did wrong.
fn raw(item: &Item, ran: &Once) -> Raw {
    let Some(printed) = &ran.printed else { return Raw::NoOutput };
    match published::verdict(printed, item.lines()) {
        Raw::Correct if !item.lines().enumerate().all(|(at, line)| told(ran, at, line)) => Raw::Wrong,
        raw => raw,
    }
}

/// Whether what we saw of a call is what the line says.
fn told(ran: &Once, at: usize, line: &str) -> bool {
    match ran.call(at).map(|call| &call.outcome) {
        Some(Outcome::Return(repr)) => json_ascii(repr) == line,
        Some(Outcome::Error(error)) => {
            let Some(raised) = line.rfind(RAISED).map(|at| line[at + RAISED.len()..].trim_start()) else {
                return false;
            };
            let whole = json_ascii(&format!("<class '{}'>: {}", error.class, error.message));
            // Long messages are cut, and what JSON writes as a lone surrogate reaches us in another form.
            let elsewise = error.message.len() >= 4096 || raised.contains("\\ud");
            raised == whole || (elsewise && raised.contains(class(&error.class)))
        }
        Some(Outcome::Limit(_)) | None => false,
    }
}

/// The outcome without what is another every time.
fn recorded(outcome: &Outcome, input: Option<&Input>) -> Outcome {
    match outcome {
        Outcome::Return(repr)
            if input.is_none_or(|input| input.expected.is_err()) || Value::read(repr).has_address() =>
        {
            Outcome::Return(without_addresses(repr))
        }
        Outcome::Error(error) => {
            let message = without_addresses(&error.message);
            Outcome::Error(RaisedError { message, ..error.clone() })
        }
        outcome => outcome.clone(),
    }
}

fn one_line(problem: &str) -> String {
    problem.split_whitespace().collect::<Vec<_>>().join(" ")
}
