use std::{borrow::Cow, cell::OnceCell};

use pipeline::records::{Example, ExecutedFunction, Execution, Outcome, RaisedError};
use worker_exec::answer::PROCESS_ENDED;

use super::{beside, inputs::Inputs, literal, plain::is_plain};

/// Hexadecimal digits from which a number alone is taken for an address; `hex()` of everyday numbers is shorter.
const ADDRESS_DIGITS: usize = 9;

/// An example that the filters left: what was passed, what came back, and both in the form in which they compare.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    /// `repr` of the arguments as a dict.
    pub input: &'a str,
    /// `[name, source]` in order.
    pub arguments: &'a [(String, String)],
    pub result: Result<&'a str, &'a RaisedError>,
    /// Whether the output enters an assert.
    pub literal: bool,
    /// The outcome by value.
    pub outcome_key: Cow<'a, str>,
    /// Lines of the function that ran, where they were measured.
    pub lines: Option<&'a [u32]>,
    /// What [`Self::plain_arguments`] found.
    plain: OnceCell<bool>,
}

/// Why an example is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dropped {
    Limit,
    ProcessEnded,
    UndefinedInput,
    ImplicitError,
    Address,
    TooLong,
    Repeated,
}

impl Dropped {
    /// For the detail of a rejection.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "hit a limit",
            Self::ProcessEnded => "ended its process",
            Self::UndefinedInput => "input reads a name that the answer does not define",
            Self::ImplicitError => "TypeError or AttributeError",
            Self::Address => "holds a memory address",
            Self::TooLong => "output too long",
            Self::Repeated => "repeated input",
        }
    }
}

impl<'a> Case<'a> {
    /// The call as it ran; none if a limit ended it.
    pub fn of(execution: &'a Execution) -> Option<Self> {
        let result = match &execution.outcome {
            Outcome::Return(repr) => Ok(repr.as_str()),
            Outcome::Error(error) => Err(error),
            Outcome::Limit(_) => return None,
        };
        let outcome_key = match result {
            Ok(repr) => literal::canonical(repr),
            Err(raised) => Cow::Owned(format!("raises {}", raised.text())),
        };
        Some(Self {
            input: &execution.input,
            arguments: &execution.arguments,
            result,
            literal: execution.literal,
            outcome_key,
            lines: execution.lines.as_deref(),
            plain: OnceCell::new(),
        })
    }

    pub fn returns(&self) -> bool {
        self.result.is_ok()
    }

    pub fn explicit(&self) -> bool {
        matches!(&self.result, Err(raised) if raised.explicit)
    }

    /// Whether every argument's source stands alone, without an import.
    pub fn plain_arguments(&self) -> bool {
        *self.plain.get_or_init(|| self.arguments.iter().all(|(_, source)| is_plain(source)))
    }

    /// Whether a name stands somewhere in what is shown.
    pub fn mentions(&self, name: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let holds = |text: &str| text.split(|c: char| !is_word(c)).any(|word| word == name);
        holds(&self.keywords()) || holds(&self.outcome_key)
    }

    /// `a=1, b='x'`
    pub fn keywords(&self) -> String {
        let mut text = String::with_capacity(self.keywords_len());
        for (at, (name, source)) in self.arguments.iter().enumerate() {
            let parts = [if at > 0 { ", " } else { "" }, name, "=", source];
            parts.iter().for_each(|part| text.push_str(part));
        }
        text
    }

    /// Bytes of [`Self::keywords`], or a few more.
    pub fn keywords_len(&self) -> usize {
        self.arguments.iter().map(|(name, source)| name.len() + source.len() + 3).sum()
    }

    /// As a column of the sample.
    pub fn example(&self) -> Example {
        let (output, error) = match self.result {
            Ok(repr) => (Some(repr.to_owned()), None),
            Err(raised) => (None, Some(raised.text())),
        };
        Example { input: self.keywords(), output, error }
    }
}

/// Every example that did not hit a limit, as it ran.
pub(super) fn all(executed: &ExecutedFunction) -> Vec<Case<'_>> {
    executed.executions.iter().filter_map(Case::of).collect()
}

/// The examples that show behaviour: each input once, no address, no limit, no wrong input. And how many were dropped
/// for what.
pub(super) fn worth_showing(
    executed: &ExecutedFunction,
    max_output_chars: usize,
) -> (Vec<Case<'_>>, std::collections::BTreeMap<Dropped, usize>) {
    let (mut cases, mut dropped) = (Vec::new(), std::collections::BTreeMap::new());
    let mut inputs = Inputs::of(executed);
    let all: Vec<Option<Case>> = executed.executions.iter().map(Case::of).collect();
    let imported = all.iter().flatten().filter(|case| !case.plain_arguments()).map(Case::keywords);
    let mut runs_beside = beside::run(&executed.function, &imported.collect::<Vec<_>>()).into_iter();
    for case in all {
        let verdict = match case {
            None => Err(Dropped::Limit),
            Some(case) if !case.plain_arguments() && runs_beside.next() != Some(true) => Err(Dropped::UndefinedInput),
            Some(case) => judge(case, max_output_chars),
        };
        // Only an input that is used makes a later one a repetition.
        let verdict =
            verdict.and_then(|case| if inputs.is_new(case.input) { Ok(case) } else { Err(Dropped::Repeated) });
        match verdict {
            Ok(case) => cases.push(case),
            Err(why) => *dropped.entry(why).or_default() += 1,
        }
    }
    (cases, dropped)
}

fn judge(case: Case<'_>, max_output_chars: usize) -> Result<Case<'_>, Dropped> {
    let text = match case.result {
        // An exit or a signal is no exception: nothing that a caller could see.
        Err(raised) if raised.class == PROCESS_ENDED => return Err(Dropped::ProcessEnded),
        Err(raised) if !raised.explicit && matches!(raised.class.as_str(), "TypeError" | "AttributeError") => {
            return Err(Dropped::ImplicitError);
        }
        Err(raised) => &raised.message,
        Ok(repr) => repr,
    };
    if holds_address(text) || case.arguments.iter().any(|(_, source)| holds_address(source)) {
        return Err(Dropped::Address);
    }
    if text.chars().count() > max_output_chars {
        return Err(Dropped::TooLong);
    }
    Ok(case)
}

/// `<function f at 0x7f…>`, or a number in the form of an address.
fn holds_address(text: &str) -> bool {
    let bytes = text.as_bytes();
    // By the letter: it is rare, and a search for two would be set up for each value.
    memchr::memchr_iter(b'x', bytes).any(|x| {
        let digits = || bytes[x + 1..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        // The sandbox leaves `at 0x...` of an object's repr.
        bytes[..x].ends_with(b"0") && (digits() >= ADDRESS_DIGITS || bytes[..x - 1].ends_with(b" at "))
    })
}
