//! Every reason for which an item can be turned down, each documented once, in the order in which they win.

use serde::{Deserialize, Serialize};

/// The stages that can turn an item down, in the order of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageName {
    /// Raw code → functions.
    Collect,
    /// Functions → example inputs.
    WriteInputs,
    /// Example inputs → outcomes.
    Execute,
    /// Outcomes → samples.
    Assemble,
}

impl StageName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Collect, Self::WriteInputs, Self::Execute, Self::Assemble];

    /// As in records, metrics and the name of the command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::WriteInputs => "write-inputs",
            Self::Execute => "execute",
            Self::Assemble => "assemble",
        }
    }
}

impl std::fmt::Display for StageName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $stage:ident $variant:ident $name:literal,)+) => {
        /// Why an item was turned down. The order is the order in which reasons win where several apply.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl Reason {
            /// All reasons, in order.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)+];

            /// As in records, metrics and reports.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The stage that uses it.
            pub fn stage(self) -> StageName {
                match self { $(Self::$variant => StageName::$stage,)+ }
            }

            /// What it means, for the report.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

reasons! {
    /// The line, row or file could not be read: not JSON, not UTF-8, a wrong type, no content.
    Collect Unreadable "unreadable",
    /// The line or file is longer than the limit, or the function needs more of its module than it may carry along.
    Collect TooLarge "too_large",
    /// The row's licence is none of those asked for.
    Collect License "license",
    /// Python cannot parse the source.
    Collect SyntaxError "syntax_error",
    /// The source has no top-level `def`.
    Collect NoFunction "no_function",
    /// No positional-or-keyword parameter.
    Collect NoArguments "no_arguments",
    /// No `return` statement anywhere inside.
    Collect NoReturn "no_return",
    /// An import statement anywhere inside.
    Collect ImportInside "import_inside",
    /// A `def` directly in the body.
    Collect NestedDef "nested_def",
    /// It reads a global name that nothing it carries along defines: it would fail on every input.
    Collect UndefinedGlobal "undefined_global",
    /// It is a generator: what a call gives is no value.
    Collect Generator "generator",
    /// A parameter without a default that nobody can write a value for: `self`, `cls`, `request`.
    Collect UnwritableParameter "unwritable_parameter",
    /// Its body is only `pass`, `raise NotImplementedError` or a constant that it gives back.
    Collect TrivialBody "trivial_body",
    /// It reads input, files, the clock, randomness without a seed or a module by name, or something it carries does.
    Collect ReadsOutside "reads_outside",
    /// Longer, with its context, than `--max-code-chars`.
    Collect TooLong "too_long",
    /// Fewer lines of code than `--min-lines`.
    Collect TooShort "too_short",
    /// It shares a passage of 13 words with a benchmark of `--decontaminate`, or is a renamed copy of a solution.
    Collect Contaminated "contaminated",
    /// The same code and context, up to comments, docstrings and layout, came earlier.
    Collect Duplicate "duplicate",
    /// Nearly the same code came earlier (`--near-duplicates`).
    Collect NearDuplicate "near_duplicate",

    /// The model answered with nothing.
    WriteInputs EmptyCompletion "empty_completion",
    /// The answer holds no Python that parses, not even in part.
    WriteInputs UnparsableCompletion "unparsable_completion",
    /// The answer's Python builds no list `examples` with an entry.
    WriteInputs NoExamples "no_examples",
    /// The server refused this request as such (HTTP 400, 413, 422): too long, mostly.
    WriteInputs RequestRefused "request_refused",
    /// The writer that needs no model can write nothing for a parameter.
    WriteInputs NoInputsInferred "no_inputs_inferred",

    /// Running the function's definition or its context raised.
    Execute DefinitionFailed "definition_failed",
    /// Building the list of examples raised, or hit a limit.
    Execute ExamplesFailed "examples_failed",
    /// The record crashed or hung the worker on every attempt.
    Execute Poison "poison",

    /// No example returned a value.
    Assemble NothingReturned "nothing_returned",
    /// A name that is not defined, or a failed import, in its own code on some input.
    Assemble UndefinedName "undefined_name",
    /// It assigns a global variable.
    Assemble GlobalState "global_state",
    /// A second execution under other conditions gave other outcomes.
    Assemble Unstable "unstable",
    /// Fewer than three distinct examples that return are left.
    Assemble TooFewExamples "too_few_examples",
    /// One output for all inputs.
    Assemble ConstantOutput "constant_output",
    /// Only `None` comes back.
    Assemble OnlyNone "only_none",
    /// Every input comes back unchanged.
    Assemble Identity "identity",
    /// The carried context is longer than the answer may be.
    Assemble ContextTooLong "context_too_long",
    /// The rendered prompt is longer than 32,768 characters.
    Assemble PromptTooLong "prompt_too_long",
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
