//! What one module-level statement reads and binds, and what stands inside it: one walk over its tree.

use std::{borrow::Cow, collections::BTreeSet};

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{TextRange, TextSize};

use super::{known, scope::Name, screens::outside_builtin, walk::Walk};

/// The facts of one module-level statement.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// Global names that it reads and neither binds itself nor finds among the builtins.
    pub free: BTreeSet<Name<'a>>,
    /// Those read while the statement runs, its own name and the builtins included.
    pub eager: BTreeSet<Name<'a>>,
    /// Names that it binds in the module, in whatever way.
    pub binds: BTreeSet<Name<'a>>,
    /// Whether there is a `return` anywhere inside.
    pub returns: bool,
    /// Whether there is an import anywhere inside.
    pub imports: bool,
    /// The first builtin that it reads and that reads from outside the program.
    pub outside: Option<&'static str>,
    /// Whether there is an annotation anywhere inside.
    pub annotated: bool,
    /// Where the docstrings of its functions and classes stand.
    pub docstrings: Vec<TextRange>,
}

/// Reads one module-level statement as if it stood alone.
///
/// # Errors
/// What CPython's symbol table refuses: the offset and the words.
pub(super) fn of(statement: &Stmt) -> Result<Names<'_>, (TextSize, String)> {
    let walk = Walk::over(statement)?;
    let own: BTreeSet<Name> = resolving(statement).map(Cow::Borrowed).collect();
    let mut free = walk.scopes.global_reads();
    let outside = free.iter().find_map(|name| outside_builtin(name));
    free.retain(|name| !own.contains(name) && !known::is_builtin(name));
    Ok(Names {
        free,
        outside,
        eager: walk.scopes.eager_reads(),
        binds: walk.scopes.bound(),
        returns: walk.returns,
        imports: walk.imports,
        annotated: walk.annotated,
        docstrings: walk.docstrings,
    })
}

/// Names that the statement binds if it is of a kind that can resolve a name: a definition, an import, or an assignment
/// to one plain name.
pub(super) fn resolving(statement: &Stmt) -> impl Iterator<Item = &str> {
    let (one, aliases): (Option<&str>, &[ast::Alias]) = match statement {
        Stmt::FunctionDef(def) => (Some(def.name.as_str()), &[]),
        Stmt::ClassDef(class) => (Some(class.name.as_str()), &[]),
        Stmt::Import(import) => (None, &import.names),
        Stmt::ImportFrom(import) => (None, &import.names),
        Stmt::Assign(ast::StmtAssign { targets, .. }) => match targets.as_slice() {
            [Expr::Name(name)] => (Some(name.id.as_str()), &[]),
            _ => (None, &[]),
        },
        Stmt::AnnAssign(ast::StmtAnnAssign { target, value: Some(_), .. }) => match &**target {
            Expr::Name(name) => (Some(name.id.as_str()), &[]),
            _ => (None, &[]),
        },
        _ => (None, &[]),
    };
    let package = matches!(statement, Stmt::Import(_));
    one.into_iter().chain(aliases.iter().map(move |alias| imported_name(alias, package)))
}

/// The name that `import a.b` (`package`) or `from m import a` binds.
pub(super) fn imported_name(alias: &ast::Alias, package: bool) -> &str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None if package => alias.name.split('.').next().unwrap_or_default(),
        None => alias.name.as_str(),
    }
}
