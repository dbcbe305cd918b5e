//! A parsed module: its statements in order, and what its top-level functions look like.

use ruff_python_ast::{Mod, PythonVersion, Stmt, token::TokenKind, token::Tokens};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};

use super::{
    depth, indent,
    names::{self, Names},
    span::Lines,
};
use crate::reason::Reason;

/// Newest syntax that is read: that of the newest Python that a sandbox runs.
const TARGET: PythonVersion = PythonVersion::PY313;

/// Depth of nesting up to which any thread's stack is enough; beyond it the walk gets [`DEEP_STACK_BYTES`].
const SHALLOW: u32 = 64;

/// Source up to which its depth is seen from the tree's own tokens, rather than by reading all of it once more before: the
/// parser grows its stack as it needs, and that cannot be much here.
const SHORT_BYTES: usize = 1 << 16;

/// Stack that dropping one level of a tree takes at most, in an unoptimized build.
const DROP_BYTES: usize = 1 << 12;

/// Stack for the deepest tree that [`depth`] lets through, with room for an unoptimized build.
const DEEP_STACK_BYTES: usize = 64 << 20;

/// Why source text is no module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Line, from 1, where it is known.
    pub line: Option<u32>,
    /// What is wrong there.
    pub message: String,
}

/// One statement of the module's body.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub node: &'a Stmt,
    /// As CPython counts it: the line of `def` or `class`, not that of a decorator.
    pub line: u32,
    pub names: Names<'a>,
}

/// A module with its statements analysed.
#[derive(Debug)]
pub struct Module<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: &'a Tokens,
    pub(super) lines: Lines<'a>,
    pub(super) statements: Vec<Statement<'a>>,
}

/// A top-level `def`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name that it binds.
    pub name: String,
    /// Line of `def`, from 1.
    pub line: u32,
    /// Parameter names in order, without `*args` and `**kwargs`.
    pub parameters: Vec<String>,
    /// Source with decorators and the comments that belong to it, ending in a newline.
    pub code: String,
    /// Why the `reference` profile turns it down, in order; empty if it keeps it.
    pub reasons: Vec<Reason>,
    /// Its place among the module's statements.
    pub(super) at: usize,
}

/// Parses `source` and hands the module to `work`; parsing, `work` and the tree's end share a stack that is deep enough.
/// Pure: no shared state, so that it can run on any number of threads.
///
/// # Errors
/// Source that Python cannot compile: by its grammar, or by the rules of its symbol table.
pub fn with_module<R>(source: &str, work: impl FnOnce(&Module) -> R) -> Result<R, SyntaxError> {
    let error = |at: usize, message: String| SyntaxError { line: Some(line_at(source, at)), message };
    if let Some(at) = source.find('\0') {
        return Err(error(at, "source contains a NUL byte".into()));
    }
    // Offsets are 32 bits wide in the syntax tree.
    if u32::try_from(source.len()).is_err() {
        return Err(error(0, "source is longer than 4 GiB".into()));
    }
    let too_deep = |words: &str| SyntaxError { line: None, message: words.into() };
    let parse = || parse_unchecked(source, ParseOptions::from(Mode::Module).with_target_version(TARGET));
    if source.len() > SHORT_BYTES {
        let depth = depth::before_parsing(source).map_err(too_deep)?;
        return with_stack(depth, || analysed(source, parse(), work));
    }
    let parsed = parse();
    match depth::of(parsed.tokens()) {
        Ok(depth) => with_stack(depth, || analysed(source, parsed, work)),
        Err(words) => {
            // It has no more levels than bytes.
            stacker::grow(SHORT_BYTES * DROP_BYTES, || drop(parsed));
            Err(too_deep(words))
        }
    }
}

fn with_stack<R>(depth: u32, work: impl FnOnce() -> R) -> R {
    if depth <= SHALLOW { work() } else { stacker::maybe_grow(DEEP_STACK_BYTES, DEEP_STACK_BYTES, work) }
}

fn analysed<R>(source: &str, parsed: Parsed<Mod>, work: impl FnOnce(&Module) -> R) -> Result<R, SyntaxError> {
    let error = |at: usize, message: String| SyntaxError { line: Some(line_at(source, at)), message };
    let parsed = parsed.try_into_module().ok_or_else(|| error(0, "no module".into()))?;
    if let Some(first) = parsed.errors().first() {
        return Err(error(first.location.start().to_usize(), first.error.to_string()));
    }
    if let Some(first) = parsed.unsupported_syntax_errors().first() {
        return Err(error(first.range.start().to_usize(), first.to_string()));
    }
    let module = Module::new(source, parsed.suite(), parsed.tokens());
    module.map(|module| work(&module)).map_err(|(at, message)| error(at.to_usize(), message))
}

impl<'a> Module<'a> {
    fn new(source: &'a str, body: &'a [Stmt], tokens: &'a Tokens) -> Result<Self, (TextSize, String)> {
        let lines = Lines::new(source);
        if let Some(at) = indent::inconsistent(source, tokens, &lines) {
            return Err((at, "inconsistent use of tabs and spaces in indentation".into()));
        }
        let mut statements = Vec::with_capacity(body.len());
        for node in body {
            statements.push(Statement { node, line: lines.number(keyword(node, tokens)), names: names::of(node)? });
        }
        Ok(Self { source, tokens, lines, statements })
    }

    /// Its top-level functions, in order; `async def` is none.
    pub fn definitions(&self) -> Vec<Definition> {
        let all = self.statements.iter().enumerate();
        all.filter_map(|(at, statement)| self.definition(at, statement)).collect()
    }

    fn definition(&self, at: usize, statement: &Statement) -> Option<Definition> {
        let Stmt::FunctionDef(def) = statement.node else { return None };
        if def.is_async {
            return None;
        }
        let nested = def.body.iter().any(|inner| matches!(inner, Stmt::FunctionDef(inner) if !inner.is_async));
        let reasons = [
            (def.parameters.args.is_empty(), Reason::NoArguments),
            (!statement.names.returns, Reason::NoReturn),
            (statement.names.imports, Reason::ImportInside),
            (nested, Reason::NestedDef),
        ];
        Some(Definition {
            name: def.name.to_string(),
            line: statement.line,
            parameters: def.parameters.iter_non_variadic_params().map(|p| p.name().to_string()).collect(),
            code: self.text(at),
            reasons: reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, reason)| reason).collect(),
            at,
        })
    }

    /// The source of a statement as written, with the comments that belong to it, ending in a newline.
    pub(super) fn text(&self, at: usize) -> String {
        let before = at.checked_sub(1).map_or(0, |before| self.statements[before].node.end().to_usize());
        let node = self.statements[at].node;
        let compound = matches!(node, Stmt::FunctionDef(_) | Stmt::ClassDef(_));
        let range = self.lines.with_comments(before, node.range(), compound);
        format!("{}\n", self.source[range].trim_end())
    }
}

/// Where `def`, `async def` or `class` stands below its decorators; else where the statement starts.
fn keyword(node: &Stmt, tokens: &Tokens) -> TextSize {
    let decorators = match node {
        Stmt::FunctionDef(def) => &def.decorator_list,
        Stmt::ClassDef(class) => &class.decorator_list,
        _ => return node.start(),
    };
    let Some(last) = decorators.last() else { return node.start() };
    let mut after = tokens.after(last.end()).iter();
    let keyword = after.find(|token| matches!(token.kind(), TokenKind::Def | TokenKind::Async | TokenKind::Class));
    keyword.map_or(node.start(), Ranged::start)
}

fn line_at(source: &str, offset: usize) -> u32 {
    let newlines = source.as_bytes()[..offset.min(source.len())].iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(newlines + 1).unwrap_or(u32::MAX)
}
