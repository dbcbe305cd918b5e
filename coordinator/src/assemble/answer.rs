//! The program as an answer gives it.

use pipeline::{
    python::{Anatomy, Retouch, with_module},
    records::Function,
};

use super::{
    cases::Case,
    settings::{AnswerForm, Names},
};

/// Names that a masked function may take; the first that its program does not use.
const MASKS: [&str; 4] = ["func", "target", "mystery", "unnamed_function"];

/// Statements of a program that are looked at for what they define.
const MAX_STATEMENTS: usize = 10_000;

/// A function's program, read once.
pub(super) struct Answer {
    /// Context and function as the answer has them.
    pub text: String,
    /// Context and function as they were, but for the name.
    pub source: String,
    /// The function's name in both.
    pub name: String,
    /// The parts of the function.
    pub anatomy: Anatomy,
    /// Names that it reads and nothing in it defines; the block of examples may have defined them.
    pub missing: Vec<String>,
    /// Globals that the program assigns when it is called.
    pub assigned_globals: Vec<String>,
}

impl Answer {
    /// Reads the program of `function` and writes it in `form`. A name that stands in the values of `cases`, or whose
    /// uses cannot be told from other words, is kept.
    pub fn of(function: &Function, cases: &[Case], form: AnswerForm, docstrings: bool, names: Names) -> Self {
        let program = function.program();
        let mask = (names == Names::Mask && !cases.iter().any(|case| case.mentions(&function.name)))
            .then(|| masked(&program, &function.name))
            .flatten();
        let (source, name) = mask.unwrap_or_else(|| (program, function.name.clone()));
        let retouch = Retouch {
            comments: form != AnswerForm::Source,
            docstrings: form != AnswerForm::Source && !docstrings,
            annotations: form == AnswerForm::Bare,
        };
        let first_line = 1 + newlines(&source).saturating_sub(newlines(&function.code));
        let read = with_module(&source, |module| {
            let anatomy = module.anatomy(&name, first_line).unwrap_or_default();
            let definition = module.definitions().into_iter().rfind(|definition| definition.name == name);
            let unresolved = definition.map(|it| module.bindings().needs(&it, MAX_STATEMENTS).missing);
            let missing = unresolved.into_iter().flatten().filter(|name| !module.binds(name)).collect::<Vec<_>>();
            (module.retouched(retouch), anatomy, missing, module.assigned_globals())
        });
        // Whatever ran parses; should the two parsers differ on something, the source itself is the answer.
        let (text, anatomy, missing, assigned_globals) =
            read.unwrap_or_else(|_| (source.clone(), Anatomy::default(), Vec::new(), Vec::new()));
        Self { text, source, name, anatomy, missing, assigned_globals }
    }
}

fn masked(program: &str, name: &str) -> Option<(String, String)> {
    with_module(program, |module| MASKS.iter().find_map(|mask| Some((module.renamed(name, mask)?, (*mask).to_owned()))))
        .ok()
        .flatten()
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}
