//! The list `examples` in a model's answer: the block of Python that builds it, and its entries where they are static.

mod entries;
mod fence;
mod merge;
mod salvage;

use ruff_python_ast::{
    Expr, Operator, Stmt,
    visitor::{self, Visitor},
};

pub use entries::{Entry, entries};
pub use merge::{merged, more_examples_block};

use super::{source::normalize, with_module};
use crate::reason::Reason;

/// Python that builds the list `examples`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExamplesBlock {
    /// The block, with the imports, helpers and loops that stand around the list, as written.
    pub source: String,
    /// Whether it was cut back to the last whole entry of a list that was cut short.
    pub salvaged: bool,
    /// Whether a fence ends it: else an answer that was cut short may have been meant to go on, even where it parses.
    pub closed: bool,
}

/// Finds the block in an answer: the first fenced block (or the whole text, where nothing is fenced) that parses and
/// builds the list, else the first that can be cut back to one that does.
///
/// # Errors
/// [`Reason::EmptyCompletion`], [`Reason::UnparsableCompletion`], or [`Reason::NoExamples`] where Python was found that
/// builds no such list.
pub fn examples_block(completion: &str) -> Result<ExamplesBlock, Reason> {
    let text = normalize(completion);
    if text.trim().is_empty() {
        return Err(Reason::EmptyCompletion);
    }
    let candidates = fence::candidates(&text);
    let mut reason = Reason::UnparsableCompletion;
    for block in &candidates {
        match builds(&block.source) {
            Some(true) => {
                let whole = if block.closed { None } else { salvage::without_fragment(&block.source) };
                let salvaged = whole.is_some();
                let source = finished(whole.unwrap_or(&block.source));
                return Ok(ExamplesBlock { source, salvaged, closed: block.closed });
            }
            Some(false) => reason = Reason::NoExamples,
            None => {}
        }
    }
    match candidates.iter().find_map(|block| salvage::cut(&block.source)) {
        Some(source) => Ok(ExamplesBlock { source: finished(&source), salvaged: true, closed: false }),
        None => Err(reason),
    }
}

/// Without blank lines around, with a newline at the end; indentation of the first line stays.
fn finished(block: &str) -> String {
    let code = block.trim_end();
    let blank = code.len() - code.trim_start().len();
    let start = code[..blank].rfind('\n').map_or(0, |newline| newline + 1);
    format!("{}\n", &code[start..])
}

/// Whether `source` builds a list `examples` that is not empty for sure; none if it does not parse.
fn builds(source: &str) -> Option<bool> {
    let verdict = with_module(source, |module| {
        let mut builder = Builder::default();
        for statement in &module.statements {
            builder.visit_stmt(statement.node);
        }
        builder.bound && builder.filled
    });
    verdict.ok()
}

/// What a module does to the name `examples`.
#[derive(Default)]
struct Builder {
    /// How many functions and classes enclose the statement: a binding in there is not the module's.
    enclosed: u32,
    bound: bool,
    filled: bool,
}

impl<'a> Visitor<'a> for Builder {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {
                self.enclosed += 1;
                visitor::walk_stmt(self, statement);
                self.enclosed -= 1;
                return;
            }
            Stmt::Assign(assign) if assign.targets.iter().any(is_examples) => self.bind(&assign.value),
            Stmt::AnnAssign(assign) if is_examples(&assign.target) => {
                if let Some(value) = &assign.value {
                    self.bind(value);
                }
            }
            Stmt::AugAssign(assign) if is_examples(&assign.target) && assign.op == Operator::Add => {
                self.filled |= may_hold_entries(&assign.value);
            }
            _ => {}
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Expr::Attribute(method) = &*call.func
            && is_examples(&method.value)
        {
            self.filled |= matches!(method.attr.as_str(), "append" | "extend" | "insert");
        }
        visitor::walk_expr(self, expression);
    }
}

impl Builder {
    fn bind(&mut self, value: &Expr) {
        if self.enclosed == 0 {
            let is_list = !matches!(value, Expr::Dict(_) | Expr::Set(_)) && !value.is_literal_expr();
            self.bound |= is_list;
            self.filled |= is_list && may_hold_entries(value);
        }
    }
}

fn is_examples(expression: &Expr) -> bool {
    matches!(expression, Expr::Name(name) if name.id.as_str() == "examples")
}

/// Whether a list may hold keyword-argument dicts: a display of nothing, or of numbers and strings only, cannot.
fn may_hold_entries(value: &Expr) -> bool {
    match value {
        Expr::List(list) => list.elts.iter().any(|entry| !entry.is_literal_expr()),
        Expr::Tuple(tuple) => tuple.elts.iter().any(|entry| !entry.is_literal_expr()),
        _ => true,
    }
}
