//! What a docstring says about parameters: their types, and calls in examples.

use ruff_python_ast::{Expr, UnaryOp};
use ruff_python_parser::parse_expression;
use ruff_text_size::Ranged;

use super::super::depth;

/// Examples of one docstring that are read.
const MAX_CALLS: usize = 20;

/// Longest line of an example that is parsed, and its depth: examples are short.
const MAX_LINE: usize = 500;
const MAX_LINE_DEPTH: u32 = 40;

/// The type that the docstring gives for a parameter: `:type x: int`, `:param int x:`, `x (int): …`, `x : int`.
pub(super) fn type_of(docstring: &str, name: &str) -> Option<String> {
    docstring.lines().map(str::trim).find_map(|line| {
        let line = line.trim_start_matches(['-', '*', '@']).trim_start();
        if let Some(rest) = line.strip_prefix(":type ").or_else(|| line.strip_prefix("type ")) {
            let (of, kind) = rest.split_once(':')?;
            return (of.trim() == name).then(|| kind.trim().to_string());
        }
        if let Some(rest) = line.strip_prefix(":param ").or_else(|| line.strip_prefix("param ")) {
            let (kind, of) = rest.split_once(':')?.0.trim().rsplit_once(' ')?;
            return (of == name).then(|| kind.to_string());
        }
        let rest = line.trim_start_matches('`').strip_prefix(name)?.trim_start_matches('`').trim_start();
        let kind = match rest.strip_prefix('(') {
            Some(rest) => rest.split(')').next()?,
            None => rest.strip_prefix(':').or_else(|| rest.strip_prefix('-'))?,
        };
        Some(kind.trim().to_string()).filter(|kind| !kind.is_empty())
    })
}

/// Calls of `function` in `>>>` lines whose arguments are all literals, as `(parameter, source)` pairs.
pub(super) fn calls(docstring: &str, function: &str, parameters: &[&str]) -> Vec<Vec<(String, String)>> {
    let examples = docstring.lines().filter_map(|line| line.trim_start().strip_prefix(">>>"));
    examples.filter_map(|line| call(line.trim(), function, parameters)).take(MAX_CALLS).collect()
}

fn call(line: &str, function: &str, parameters: &[&str]) -> Option<Vec<(String, String)>> {
    if line.len() > MAX_LINE || depth::before_parsing(line).ok()? > MAX_LINE_DEPTH {
        return None;
    }
    let parsed = parse_expression(line).ok()?;
    let call = find(parsed.expr(), function)?;
    let mut arguments = Vec::new();
    for (at, argument) in call.arguments.args.iter().enumerate() {
        arguments.push(((*parameters.get(at)?).to_string(), literal(argument, line)?));
    }
    for keyword in &call.arguments.keywords {
        let name = keyword.arg.as_ref().filter(|name| parameters.contains(&name.as_str()))?;
        arguments.push((name.to_string(), literal(&keyword.value, line)?));
    }
    (!arguments.is_empty()).then_some(arguments)
}

/// The call of `function`: the expression itself, or the first argument of the call or comparison around it.
fn find<'e>(expr: &'e Expr, function: &str) -> Option<&'e ruff_python_ast::ExprCall> {
    match expr {
        Expr::Call(call) if call.func.as_name_expr().is_some_and(|name| name.id.as_str() == function) => Some(call),
        Expr::Call(call) => find(call.arguments.args.first()?, function),
        Expr::Compare(compare) => find(&compare.left, function),
        _ => None,
    }
}

fn literal(expr: &Expr, source: &str) -> Option<String> {
    is_literal(expr).then(|| source[expr.range()].to_string())
}

/// Whether `ast.literal_eval` would take it.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::BytesLiteral(_) => true,
        Expr::BooleanLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::UnaryOp(unary) => unary.operand.is_number_literal_expr() && unary.op == UnaryOp::USub,
        Expr::List(list) => list.elts.iter().all(is_literal),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_literal),
        Expr::Set(set) => set.elts.iter().all(is_literal),
        Expr::Dict(dict) => {
            dict.items.iter().all(|item| item.key.as_ref().is_some_and(is_literal) && is_literal(&item.value))
        }
        _ => false,
    }
}
