//! The entries of `examples`, read off the source.

use ruff_python_ast::{Expr, Operator, Stmt, token::parenthesized_range};
use ruff_text_size::{Ranged, TextRange};

use super::is_examples;
use crate::python::{Module, with_module};

/// Name and source text of each argument of one entry.
pub type Entry = Vec<(String, String)>;

/// Name and source text of each argument of each entry, in order, across `examples = […]`, `examples += […]`, `append`
/// and `extend`. None in the place of an entry that is anything but `dict(name=…)` or a dict display with string keys.
/// None at all where other code touches the list: then only running the block tells.
pub fn entries(block: &str) -> Option<Vec<Option<Entry>>> {
    let found = with_module(block, |module| {
        let mut found = None;
        for statement in &module.statements {
            match statement.node {
                Stmt::Assign(assign) if matches!(&assign.targets[..], [target] if is_examples(target)) => {
                    found = Some(listed(module, &assign.value)?);
                }
                Stmt::AnnAssign(assign) if is_examples(&assign.target) => {
                    if let Some(value) = &assign.value {
                        found = Some(listed(module, value)?);
                    }
                }
                Stmt::AugAssign(assign) if is_examples(&assign.target) && assign.op == Operator::Add => {
                    found.as_mut()?.extend(listed(module, &assign.value)?);
                }
                other => {
                    if let Some(added) = added(module, other) {
                        found.as_mut()?.extend(added?);
                    } else if touches(module, other) {
                        return None;
                    }
                }
            }
        }
        found
    });
    found.ok().flatten()
}

/// What `examples.append(…)` or `examples.extend([…])` adds; none for any other statement.
fn added(module: &Module, statement: &Stmt) -> Option<Option<Vec<Option<Entry>>>> {
    let Stmt::Expr(statement) = statement else { return None };
    let Expr::Call(call) = &*statement.value else { return None };
    let Expr::Attribute(method) = &*call.func else { return None };
    let [argument] = &call.arguments.args[..] else { return None };
    match method.attr.as_str() {
        _ if !is_examples(&method.value) || !call.arguments.keywords.is_empty() => None,
        "append" => Some(Some(vec![entry_of(module, argument)])),
        "extend" => Some(listed(module, argument)),
        _ => None,
    }
}

fn listed(module: &Module, value: &Expr) -> Option<Vec<Option<Entry>>> {
    let entries = match value {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        _ => return None,
    };
    // What a star stands for is of any length: all that follows would be of the wrong index.
    let starred = entries.iter().any(Expr::is_starred_expr);
    (!starred).then(|| entries.iter().map(|entry| entry_of(module, entry)).collect())
}

pub(super) fn entry_of(module: &Module, entry: &Expr) -> Option<Vec<(String, String)>> {
    match entry {
        Expr::Call(call) => {
            let plain = matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "dict");
            if !plain || !call.arguments.args.is_empty() {
                return None;
            }
            let keywords = call.arguments.keywords.iter();
            keywords
                .map(|keyword| {
                    let name = keyword.arg.as_ref()?;
                    // From the name to the end, so that parentheses around the value stay.
                    let rest = &module.source[TextRange::new(name.end(), keyword.end())];
                    Some((name.to_string(), rest.trim_start().strip_prefix('=')?.trim().to_owned()))
                })
                .collect()
        }
        Expr::Dict(dict) => {
            let items = dict.items.iter();
            items
                .map(|item| {
                    let Some(Expr::StringLiteral(key)) = &item.key else { return None };
                    let bare = item.value.range();
                    let value = parenthesized_range((&item.value).into(), dict.into(), module.tokens);
                    Some((key.value.to_str().to_owned(), module.source[value.unwrap_or(bare)].to_owned()))
                })
                .collect()
        }
        _ => None,
    }
}

/// Whether a statement may have to do with the list, by whatever way it names it, or may make `dict` mean something else.
fn touches(module: &Module, statement: &Stmt) -> bool {
    let text = &module.source[statement.range()];
    let has = |name| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name);
    has("examples") || has("dict") && may_bind_dict(statement)
}

fn may_bind_dict(statement: &Stmt) -> bool {
    match statement {
        Stmt::FunctionDef(function) => function.name.as_str() == "dict",
        Stmt::ClassDef(class) => class.name.as_str() == "dict",
        Stmt::Assign(assign) => !matches!(&assign.targets[..], [Expr::Name(name)] if name.id.as_str() != "dict"),
        Stmt::Expr(_) => false,
        _ => true,
    }
}
