//! Why a function that would run is worth no model call: what it is, what it takes, and what it reads from outside.

use std::collections::HashMap;

use ruff_python_ast::{
    self as ast, Expr, Stmt,
    token::TokenKind,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextRange};

use super::{Bindings, Definition, Module, Needs, names::imported_name};
use crate::reason::Reason;

/// Parameters that only a framework or an instance can give.
const UNWRITABLE: &[&str] = &["self", "cls", "request"];

/// Builtins that read what is no argument. Network modules are on no list: none may be carried along, so that a function
/// that reads one is [`Reason::UndefinedGlobal`].
const OUTSIDE_BUILTINS: &[(&str, &str)] = &[
    ("__import__", "a module by name"),
    ("breakpoint", "input"),
    ("help", "input"),
    ("input", "input"),
    ("open", "files"),
];

/// Names of modules that may be carried along and that read what is no argument.
const OUTSIDE: &[(&str, &str)] = &[
    ("datetime.date.today", "the clock"),
    ("datetime.datetime.now", "the clock"),
    ("datetime.datetime.today", "the clock"),
    ("datetime.datetime.utcnow", "the clock"),
    ("random.SystemRandom", "randomness without a seed"),
    ("uuid.getnode", "the machine's address"),
    ("uuid.uuid1", "the clock"),
    ("uuid.uuid4", "randomness without a seed"),
];

/// What of `random` draws nothing itself.
const SEEDED: &[&str] = &["random.Random", "random.getstate", "random.seed", "random.setstate"];

/// The builtin among [`OUTSIDE_BUILTINS`] that `name` is.
pub(super) fn outside_builtin(name: &str) -> Option<&'static str> {
    OUTSIDE_BUILTINS.iter().find(|(builtin, _)| *builtin == name).map(|(builtin, _)| *builtin)
}

/// What the module-level imports of a module call its names: `dt` is `datetime.datetime` after
/// `from datetime import datetime as dt`. A name that anything else binds as well is none.
pub(super) fn imports<'m>(module: &'m Module) -> HashMap<&'m str, String> {
    let mut found = HashMap::new();
    for statement in &module.statements {
        match statement.node {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = imported_name(alias, true);
                    let whole = if alias.asname.is_some() { alias.name.as_str() } else { name };
                    found.insert(name, whole.to_owned());
                }
            }
            Stmt::ImportFrom(ast::StmtImportFrom { module: Some(from), level: 0, names, .. }) => {
                for alias in names {
                    found.insert(imported_name(alias, false), format!("{from}.{}", alias.name));
                }
            }
            _ => {}
        }
    }
    if !found.is_empty() {
        let other = |node: &Stmt| !matches!(node, Stmt::Import(_) | Stmt::ImportFrom(_));
        for name in module.statements.iter().filter(|statement| other(statement.node)).flat_map(|s| &s.names.binds) {
            found.remove(&**name);
        }
    }
    found
}

impl Bindings<'_> {
    /// The static screens that a function fails, each with what it is about, in the order of [`Reason`].
    pub fn screens(&self, definition: &Definition, needs: &Needs) -> Vec<(Reason, String)> {
        let Stmt::FunctionDef(def) = self.module.statements[definition.at].node else { return Vec::new() };
        let mut failed = Vec::new();
        if Yields::any(&def.body) {
            failed.push((Reason::Generator, "gives a generator".to_owned()));
        }
        let needed = def.parameters.iter_non_variadic_params().filter(|parameter| parameter.default().is_none());
        if let Some(name) = needed.map(|p| p.name().as_str()).find(|name| UNWRITABLE.contains(name)) {
            failed.push((Reason::UnwritableParameter, format!("takes `{name}`")));
        }
        if is_trivial(&def.body) {
            failed.push((Reason::TrivialBody, "does nothing with its arguments".to_owned()));
        }
        let carried = needs.carried.iter().chain([&definition.at]);
        if let Some(words) = carried.filter_map(|at| self.outside(*at)).next() {
            failed.push((Reason::ReadsOutside, words));
        }
        failed
    }

    /// What the statement reads that is no argument and no constant.
    fn outside(&self, at: usize) -> Option<String> {
        let statement = &self.module.statements[at];
        if let Some(name) = statement.names.outside {
            let what = OUTSIDE_BUILTINS.iter().find(|(builtin, _)| *builtin == name).map(|(_, what)| *what);
            return Some(format!("`{name}` reads {}", what.unwrap_or("what is outside")));
        }
        let risky = |name: &str| {
            let whole = self.imports.get(name)?;
            ["datetime", "random", "uuid"].into_iter().find(|module| whole.split('.').next() == Some(module))
        };
        if matches!(statement.node, Stmt::Import(_) | Stmt::ImportFrom(_))
            || !statement.names.free.iter().any(|name| risky(name).is_some())
        {
            return None;
        }
        let mut reads = Reads { bindings: self, at, outside: None, random: None, seeded: false };
        reads.visit_stmt(statement.node);
        reads.outside.or(reads.random.filter(|_| !reads.seeded))
    }
}

impl Module<'_> {
    /// Lines that hold code: blank ones, comments and docstrings are none.
    pub fn code_lines(&self, definition: &Definition) -> usize {
        let statement = &self.statements[definition.at];
        let docstring = |token: TextRange| statement.names.docstrings.iter().any(|range| range.contains_range(token));
        let mut lines: Vec<u32> = self
            .tokens
            .in_range(statement.node.range())
            .iter()
            .filter(|token| !matches!(token.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline))
            .filter(|token| !matches!(token.kind(), TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent))
            .filter(|token| !docstring(token.range()))
            .map(|token| self.lines.number(token.start()))
            .collect();
        lines.dedup();
        lines.len()
    }
}

/// Whether the body is only `pass`, `...`, a docstring, `raise NotImplementedError` or a constant given back.
fn is_trivial(body: &[Stmt]) -> bool {
    body.iter().all(|statement| match statement {
        Stmt::Pass(_) => true,
        Stmt::Expr(expression) => is_constant(&expression.value),
        Stmt::Return(back) => back.value.as_deref().is_none_or(is_constant),
        Stmt::Raise(raise) => {
            let raised = raise.exc.as_deref().map(|raised| match raised {
                Expr::Call(call) => &*call.func,
                raised => raised,
            });
            matches!(raised, Some(Expr::Name(name)) if name.id.as_str() == "NotImplementedError")
        }
        _ => false,
    })
}

fn is_constant(expression: &Expr) -> bool {
    match expression {
        Expr::UnaryOp(operation) => is_constant(&operation.operand),
        Expr::List(list) => list.elts.iter().all(is_constant),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_constant),
        Expr::Set(set) => set.elts.iter().all(is_constant),
        Expr::Dict(dict) => {
            dict.items.iter().all(|item| item.key.as_ref().is_some_and(is_constant) && is_constant(&item.value))
        }
        other => other.is_literal_expr(),
    }
}

/// Looks for a `yield` of a function's own, or a generator that it gives back.
struct Yields(bool);

impl Yields {
    fn any(body: &[Stmt]) -> bool {
        let mut yields = Self(false);
        yields.visit_body(body);
        yields.0
    }
}

impl<'a> Visitor<'a> for Yields {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::Return(ast::StmtReturn { value: Some(value), .. }) if value.is_generator_expr() => self.0 = true,
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Yield(_) | Expr::YieldFrom(_) => self.0 = true,
            Expr::Lambda(_) => {}
            _ => visitor::walk_expr(self, expression),
        }
    }
}

/// Looks for names of modules that read from outside.
struct Reads<'b, 'm> {
    bindings: &'b Bindings<'m>,
    at: usize,
    outside: Option<String>,
    random: Option<String>,
    seeded: bool,
}

impl Reads<'_, '_> {
    /// What `a.b.c` is called by the modules it comes from, if `a` is a global that an import binds.
    fn whole(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Name(name) => {
                let free = &self.bindings.module.statements[self.at].names.free;
                free.contains(name.id.as_str()).then(|| self.bindings.imports.get(name.id.as_str()).cloned()).flatten()
            }
            Expr::Attribute(attribute) => Some(format!("{}.{}", self.whole(&attribute.value)?, attribute.attr)),
            _ => None,
        }
    }

    fn note(&mut self, whole: &str) {
        if let Some((name, what)) = OUTSIDE.iter().find(|(name, _)| whole == *name) {
            self.outside.get_or_insert_with(|| format!("`{name}` reads {what}"));
        } else if whole.starts_with("random.") && !SEEDED.iter().any(|name| whole.starts_with(name)) {
            self.random.get_or_insert_with(|| format!("`{whole}` reads randomness without a seed"));
        }
    }
}

impl<'a> Visitor<'a> for Reads<'_, '_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Some(whole) = self.whole(&call.func)
        {
            match (whole.as_str(), call.arguments.is_empty()) {
                ("random.seed", false) => self.seeded = true,
                ("random.Random", true) => {
                    self.outside.get_or_insert_with(|| "`random.Random()` reads randomness without a seed".to_owned());
                }
                _ => {}
            }
        }
        match self.whole(expression) {
            Some(whole) => self.note(&whole),
            None => visitor::walk_expr(self, expression),
        }
    }
}
