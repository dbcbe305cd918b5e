//! What an item measures by: which of its inputs can tell right from wrong, found by running its own code.

use pipeline::{
    error::Failure,
    records::{Called, Limit, Manner, Outcome, Twice},
};
use serde::{Deserialize, Serialize};

use super::{
    item::{Item, Output},
    programs::Programs,
    published::RAISED,
    value::Value,
};
use crate::assemble::published;

/// Names that the published script binds beside the program's: a function of such a name is lost to it.
const BOUND: [&str; 8] = ["r", "ex", "e", "examples", "sys", "copy", "json", "print"];

/// Why an input is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aside {
    /// The item's own code does not run.
    CodeFails,
    /// The item has no output for it, or one that cannot be read.
    NoOutput,
    /// The item's own code runs into a limit, or ends its process.
    Limit,
    /// The output tells where something stands in memory.
    Address,
    /// The item's own code gives something else when it is run again.
    Unstable,
    /// The item's own code gives something else than the item says.
    NotReproduced,
}

impl Aside {
    /// All, in the order in which they win.
    pub const ALL: [Self; 6] =
        [Self::CodeFails, Self::NoOutput, Self::Limit, Self::Address, Self::Unstable, Self::NotReproduced];

    /// As in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeFails => "code_fails",
            Self::NoOutput => "no_output",
            Self::Limit => "limit",
            Self::Address => "address",
            Self::Unstable => "unstable",
            Self::NotReproduced => "not_reproduced",
        }
    }

    /// For a reader.
    pub fn describe(self) -> &'static str {
        match self {
            Self::CodeFails => "the item's own code does not run",
            Self::NoOutput => "the item has no output for it that can be read",
            Self::Limit => "the item's own code runs into a limit or ends its process",
            Self::Address => "the output tells where something stands in memory",
            Self::Unstable => "the item's own code gives something else when it is run again",
            Self::NotReproduced => "the item's own code gives something else here than the item says",
        }
    }
}

/// What is expected of an input.
#[derive(Clone, Debug)]
pub enum Expected {
    /// A value; whether the item's own code gives it in exact builtin types.
    Value(Value, bool),
    /// An exception of this class.
    Error(String),
}

/// One of an item's inputs.
#[derive(Clone, Debug)]
pub struct Input {
    /// What is expected, or why nothing can be.
    pub expected: Result<Expected, Aside>,
    /// Whether the prompt shows it.
    pub shown: bool,
    /// Whether the prompt shows neither it nor an equal one.
    pub held_out: bool,
}

/// What an item measures by.
#[derive(Clone, Debug)]
pub struct Standard {
    /// In the order of the item's block.
    pub inputs: Vec<Input>,
    /// How completions are to be called for a verdict by value.
    pub manner: Manner,
    /// What the item's own code said of itself where it does not run.
    pub problem: Option<String>,
}

impl Standard {
    /// Runs the item's own code twice.
    ///
    /// # Errors
    /// Where programs run, not the item.
    pub async fn of(item: &Item, programs: &Programs, tolerance: f64) -> Result<Self, Failure> {
        let manner = if BOUND.contains(&item.func_name.as_str()) { Manner::Apart } else { Manner::Published };
        Ok(match programs.twice(item, manner).await? {
            Twice::Called(first, second) => Self::by(item, manner, &first, &second, tolerance),
            Twice::Failed(problem) => {
                let input = |at| {
                    let shown = item.choosed_example_idx.contains(&at);
                    Input { expected: Err(Aside::CodeFails), shown, held_out: !shown }
                };
                let inputs = (0..item.example_outputs.len()).map(input).collect();
                Self { inputs, manner, problem: Some(problem) }
            }
        })
    }

    fn by(item: &Item, manner: Manner, first: &[Called], second: &[Called], tolerance: f64) -> Self {
        let asked: Vec<Option<Value>> = first.iter().map(asked).collect();
        let shown: Vec<&Option<Value>> = item.choosed_example_idx.iter().filter_map(|at| asked.get(*at)).collect();
        let input = |call: &Called| {
            let again = second.iter().find(|again| again.index == call.index);
            let output = item.example_outputs.get(call.index);
            let is_shown = item.choosed_example_idx.contains(&call.index);
            let repeats = |other: &&Option<Value>| match (&asked[call.index], other) {
                (Some(one), Some(other)) => one.equals(other, 0.0),
                _ => false,
            };
            Input {
                expected: expected(call, again, output, tolerance),
                shown: is_shown,
                held_out: !is_shown && !shown.iter().any(repeats),
            }
        };
        Self { inputs: first.iter().map(input).collect(), manner, problem: None }
    }

    /// Indices of the inputs that can tell right from wrong.
    pub fn scoreable(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().enumerate().filter(|(_, input)| input.expected.is_ok()).map(|(at, _)| at)
    }
}

/// The value of a call's input; none where it has no value that a repr tells.
fn asked(call: &Called) -> Option<Value> {
    let value = Value::read(&call.input);
    (!call.input.is_empty() && !value.has_address()).then_some(value)
}

fn expected(call: &Called, again: Option<&Called>, output: Option<&Output>, tolerance: f64) -> Result<Expected, Aside> {
    let here = told(call).ok_or(Aside::Limit)?;
    let wanted = output.and_then(read).ok_or(Aside::NoOutput)?;
    if let Expected::Value(value, _) = &here
        && value.has_address()
    {
        return Err(Aside::Address);
    }
    match again.and_then(told) {
        Some(again) if same(&here, &again, 0.0) => {}
        _ => return Err(Aside::Unstable),
    }
    // The literal flag of what is published is not known.
    if same(&here, &wanted, tolerance) { Ok(here) } else { Err(Aside::NotReproduced) }
}

/// What a call of the item's own code gave; none for a limit and for the end of its process.
fn told(call: &Called) -> Option<Expected> {
    match &call.outcome {
        Outcome::Return(repr) => Some(Expected::Value(Value::read(repr), call.literal)),
        Outcome::Error(error) if error.class == worker_exec::answer::PROCESS_ENDED => None,
        Outcome::Error(error) => Some(Expected::Error(class(&error.class).to_owned())),
        Outcome::Limit(Limit::Time | Limit::Memory | Limit::Output) => None,
    }
}

/// What the item says.
fn read(output: &Output) -> Option<Expected> {
    if let Some(returned) = &output.returned {
        let repr = published::unpack(returned).ok()?;
        return Some(Expected::Value(Value::read(&repr), true));
    }
    let text = output.error.as_deref()?;
    // What the function printed stands before it.
    let raised = published::raised(&text[text.rfind(RAISED)?..]).ok()?;
    Some(Expected::Error(class(&raised.class).to_owned()))
}

fn same(a: &Expected, b: &Expected, tolerance: f64) -> bool {
    match (a, b) {
        (Expected::Value(a, _), Expected::Value(b, _)) => a.equals(b, tolerance),
        (Expected::Error(a), Expected::Error(b)) => a == b,
        _ => false,
    }
}

/// A class of the program's own, whatever its module is called.
pub(super) fn class(name: &str) -> &str {
    name.strip_prefix("__main__.").or_else(|| name.strip_prefix("program.")).unwrap_or(name)
}

impl Expected {
    /// Whether this outcome is what is expected.
    pub fn is(&self, outcome: &Outcome, literal: bool, tolerance: f64) -> bool {
        match (self, outcome) {
            // What only looks like builtin types has a repr of its own making.
            (Self::Value(_, true), Outcome::Return(_)) if !literal => false,
            (Self::Value(value, _), Outcome::Return(repr)) => value.equals(&Value::read(repr), tolerance),
            (Self::Error(wanted), Outcome::Error(error)) => class(&error.class) == wanted,
            _ => false,
        }
    }
}
