//! The filters, one small function each, in the order in which their reasons win.

use std::collections::BTreeMap;

use pipeline::{
    profile::Profile,
    reason::Reason,
    records::{ExecutedFunction, Outcome},
};

use super::{
    answer::Answer,
    cases::{Case, Dropped},
    literal,
};

/// What a rule looks at.
pub(super) struct Candidate<'a> {
    pub executed: &'a ExecutedFunction,
    /// Its program.
    pub answer: &'a Answer,
    /// The examples left by the profile.
    pub cases: &'a [Case<'a>],
    /// Those that were dropped, by cause.
    pub dropped: &'a BTreeMap<Dropped, usize>,
}

/// A named filter: the detail of the rejection where it applies.
pub(super) struct Rule {
    /// Its name in settings, records and counters.
    pub reason: Reason,
    check: fn(&Candidate<'_>) -> Option<String>,
}

/// The strict profile, in order. The prompt's length is checked when it is rendered.
const STRICT: [Rule; 9] = [
    Rule { reason: Reason::NothingReturned, check: nothing_returned },
    Rule { reason: Reason::UndefinedName, check: undefined_name },
    Rule { reason: Reason::GlobalState, check: global_state },
    Rule { reason: Reason::Unstable, check: unstable },
    Rule { reason: Reason::TooFewExamples, check: too_few_examples },
    Rule { reason: Reason::ConstantOutput, check: constant_output },
    Rule { reason: Reason::OnlyNone, check: only_none },
    Rule { reason: Reason::Identity, check: identity },
    Rule { reason: Reason::ContextTooLong, check: context_too_long },
];

/// The published filter.
const REFERENCE: [Rule; 1] = [Rule { reason: Reason::NothingReturned, check: nothing_returned }];

/// Fewest distinct examples of a strict sample.
pub(super) const MIN_EXAMPLES: usize = 3;
const MAX_CONTEXT_LINES: usize = 40;
const MAX_CONTEXT_RATIO: usize = 3;

/// The rules of a profile.
pub(super) fn of(profile: Profile) -> &'static [Rule] {
    match profile {
        Profile::Strict => &STRICT,
        Profile::Reference => &REFERENCE,
    }
}

impl Rule {
    /// Why the candidate is turned down, if it is.
    pub fn check(&self, candidate: &Candidate<'_>) -> Option<String> {
        (self.check)(candidate)
    }
}

impl Candidate<'_> {
    pub fn outputs(&self) -> impl Iterator<Item = &Case<'_>> {
        self.cases.iter().filter(|case| case.returns())
    }

    fn explicit_errors(&self) -> usize {
        self.cases.iter().filter(|case| case.explicit()).count()
    }
}

/// Looks at what was executed, before examples are dropped: a long output is an output.
fn nothing_returned(candidate: &Candidate<'_>) -> Option<String> {
    let executions = &candidate.executed.executions;
    let none = !executions.iter().any(|execution| matches!(execution.outcome, Outcome::Return(_)));
    none.then(|| format!("none of {} examples returned a value", executions.len()))
}

/// A name that only the block of examples defined is as undefined: the answer runs without it.
fn undefined_name(candidate: &Candidate<'_>) -> Option<String> {
    if let Some(name) = candidate.answer.missing.first() {
        return Some(format!("the answer reads `{name}`, which nothing in it defines"));
    }
    candidate.executed.executions.iter().find_map(|execution| match &execution.outcome {
        Outcome::Error(error)
            if !error.explicit
                && matches!(error.class.as_str(), "NameError" | "ImportError" | "ModuleNotFoundError") =>
        {
            Some(format!("{}: {}", error.class, error.message))
        }
        _ => None,
    })
}

fn global_state(candidate: &Candidate<'_>) -> Option<String> {
    let names = &candidate.answer.assigned_globals;
    (!names.is_empty()).then(|| format!("assigns the global `{}`", names.join("`, `")))
}

fn unstable(candidate: &Candidate<'_>) -> Option<String> {
    let unstable = candidate.executed.stable == Some(false);
    unstable.then(|| "a second execution under other conditions gave other outcomes".to_owned())
}

/// Errors that the function raises itself are behaviour, and count.
fn too_few_examples(candidate: &Candidate<'_>) -> Option<String> {
    let returning = candidate.outputs().count();
    let explicit = candidate.explicit_errors();
    if returning > 0 && returning + explicit >= MIN_EXAMPLES {
        return None;
    }
    let mut detail = format!("{returning} distinct examples return and {explicit} raise on purpose; 3 are needed");
    for (why, count) in candidate.dropped {
        detail.push_str(&format!("; {count} dropped: {}", why.as_str()));
    }
    Some(detail)
}

fn constant_output(candidate: &Candidate<'_>) -> Option<String> {
    let mut outputs = candidate.outputs();
    let first = outputs.next()?;
    let constant = outputs.all(|case| case.outcome_key == first.outcome_key) && candidate.explicit_errors() == 0;
    constant.then(|| format!("all {} outputs are the same", candidate.outputs().count()))
}

fn only_none(candidate: &Candidate<'_>) -> Option<String> {
    let none = candidate.outputs().all(|case| case.outcome_key == "None");
    none.then(|| format!("all {} outputs are None", candidate.outputs().count()))
}

/// The same parameter comes back in every example that returns.
fn identity(candidate: &Candidate<'_>) -> Option<String> {
    let parameters = candidate.outputs().map(|case| case.arguments.len()).min()?;
    let unchanged =
        |at: usize| candidate.outputs().all(|case| literal::canonical(&case.arguments[at].1) == case.outcome_key);
    let at = (0..parameters).find(|at| unchanged(*at))?;
    let name = &candidate.outputs().next()?.arguments[at].0;
    Some(format!("`{name}` comes back unchanged in all {} examples", candidate.outputs().count()))
}

fn context_too_long(candidate: &Candidate<'_>) -> Option<String> {
    let function = &candidate.executed.function;
    let (context, code) = (function.context.trim().lines().count(), function.code.trim().lines().count());
    let too_long = context > MAX_CONTEXT_LINES || context > MAX_CONTEXT_RATIO * code;
    too_long.then(|| format!("{context} lines of context for {code} lines of code"))
}
