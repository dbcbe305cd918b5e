use std::{borrow::Cow, cell::OnceCell};

use foldhash::HashSetExt as _;
use pipeline::{
    python::with_module,
    records::{Example, ExecutedFunction, Execution, Function, Outcome},
};
use worker_exec::answer::PROCESS_ENDED;

use super::literal;

/// Hexadecimal digits from which a number alone is taken for an address; `hex()` of everyday numbers is shorter.
const ADDRESS_DIGITS: usize = 9;

/// An example that the filters left: what was passed, what came back, and both in the form in which they compare.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// `repr` of the arguments as a dict.
    pub input: String,
    /// `[name, source]` in order.
    pub arguments: Vec<(String, String)>,
    pub result: Result<String, Raised>,
    /// Whether the output enters an assert.
    pub literal: bool,
    /// The outcome by value.
    pub outcome_key: String,
    /// Lines of the function that ran, where they were measured.
    pub lines: Option<Vec<u32>>,
    /// What [`Self::plain_arguments`] found.
    plain: OnceCell<bool>,
}

#[derive(Clone, Debug)]
pub(super) struct Raised {
    pub class: String,
    pub message: String,
    pub explicit: bool,
}

impl Raised {
    /// `ValueError: message`, or the type alone; one line.
    pub fn text(&self) -> String {
        if self.message.is_empty() { self.class.clone() } else { format!("{}: {}", self.class, self.message) }
    }
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

impl Case {
    /// The call as it ran; none if a limit ended it.
    pub fn of(execution: &Execution) -> Option<Self> {
        let result = match &execution.outcome {
            Outcome::Return(repr) => Ok(repr.clone()),
            Outcome::Error(error) => {
                Err(Raised { class: error.class.clone(), message: error.message.clone(), explicit: error.explicit })
            }
            Outcome::Limit(_) => return None,
        };
        let outcome_key = match &result {
            Ok(repr) => literal::canonical(repr),
            Err(raised) => format!("raises {}", raised.text()),
        };
        Some(Self {
            input: execution.input.clone(),
            arguments: execution.arguments.clone(),
            result,
            literal: execution.literal,
            outcome_key,
            lines: execution.lines.clone(),
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
        *self.plain.get_or_init(|| self.arguments.iter().all(|(_, source)| literal::is_plain(source)))
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
        let (output, error) = match &self.result {
            Ok(repr) => (Some(repr.clone()), None),
            Err(raised) => (None, Some(raised.text())),
        };
        Example { input: self.keywords(), output, error }
    }
}

/// Every example that did not hit a limit, as it ran.
pub(super) fn all(executed: &ExecutedFunction) -> Vec<Case> {
    executed.executions.iter().filter_map(Case::of).collect()
}

/// The examples that show behaviour: each input once, no address, no limit, no wrong input. And how many were dropped
/// for what.
pub(super) fn worth_showing(
    executed: &ExecutedFunction,
    max_output_chars: usize,
) -> (Vec<Case>, std::collections::BTreeMap<Dropped, usize>) {
    let (mut cases, mut dropped) = (Vec::new(), std::collections::BTreeMap::new());
    let mut seen = foldhash::HashSet::new();
    let in_order =
        executed.executions.iter().all(|execution| follows(&execution.arguments, &executed.function.parameters));
    for execution in &executed.executions {
        let verdict = match Case::of(execution) {
            None => Err(Dropped::Limit),
            Some(case) => judge(case, &executed.function, max_output_chars),
        };
        // Only an input that is used makes a later one a repetition.
        let verdict = verdict.and_then(|case| {
            if seen.insert(input_key(&execution.input, in_order)) { Ok(case) } else { Err(Dropped::Repeated) }
        });
        match verdict {
            Ok(case) => cases.push(case),
            Err(why) => *dropped.entry(why).or_default() += 1,
        }
    }
    (cases, dropped)
}

/// Whether arguments stand in the order of the parameters.
fn follows(arguments: &[(String, String)], parameters: &[String]) -> bool {
    let mut rest = parameters.iter();
    arguments.iter().all(|(name, _)| rest.any(|parameter| parameter == name))
}

/// One text for equal inputs. Where all inputs of a function have their arguments in one order, and no set or dict among
/// them, that is the text itself.
fn input_key(input: &str, in_order: bool) -> Cow<'_, str> {
    let plain = in_order && input.strip_prefix('{').is_some_and(|inside| !inside.contains('{'));
    if plain { Cow::Borrowed(input) } else { Cow::Owned(literal::canonical(input)) }
}

fn judge(case: Case, function: &Function, max_output_chars: usize) -> Result<Case, Dropped> {
    if !case.plain_arguments() && !defines(function, &case.keywords()) {
        return Err(Dropped::UndefinedInput);
    }
    let text = match &case.result {
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

/// Whether a call with these arguments runs beside the function alone. The block of examples may have had imports and
/// helpers that the answer lacks.
fn defines(function: &Function, keywords: &str) -> bool {
    const CALL: &str = "__call__";
    let source = format!("{}\n\ndef {CALL}():\n    return dict({keywords})\n", function.program());
    let defined = with_module(&source, |module| {
        let definitions = module.definitions();
        let call = definitions.iter().find(|definition| definition.name == CALL)?;
        Some(module.bindings().needs(call, 1).missing.is_empty())
    });
    matches!(defined, Ok(Some(true)))
}

/// `<function f at 0x7f…>`, or a number in the form of an address.
fn holds_address(text: &str) -> bool {
    memchr::memmem::find_iter(text.as_bytes(), "0x").any(|at| {
        let digits = text[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        // The sandbox leaves `at 0x...` of an object's repr.
        digits >= ADDRESS_DIGITS || text[..at].ends_with(" at ")
    })
}
