//! Several blocks, from several rounds, as one.

use std::collections::BTreeSet;

use ruff_python_ast::{Expr, Operator, Stmt};
use ruff_text_size::Ranged;

use super::{ExamplesBlock, entries, entries::entry_of, examples_block, is_examples};
use crate::{
    python::{Module, with_module},
    reason::Reason,
};

/// As [`examples_block`], for the answer of a further round: it may go on with `examples += […]` alone.
///
/// # Errors
/// As there.
pub fn more_examples_block(completion: &str) -> Result<ExamplesBlock, Reason> {
    let whole = examples_block(completion);
    match whole {
        Err(_) if completion.contains("examples +=") => {
            examples_block(&completion.replacen("examples +=", "examples =", 1))
        }
        whole => whole,
    }
}

/// `first`, and behind it what `next` adds: its entries that `first` has not, and its other statements as they are.
/// None if it adds no entry, or if one of them does not parse.
pub fn merged(first: &str, next: &str) -> Option<String> {
    let known = entries(first).into_iter().flatten().flatten().map(|entry| key(&entry));
    let mut known: BTreeSet<String> = known.collect();
    let mut added = 0;
    let statements = with_module(next, |module| {
        let statements = module.statements.iter().map(|statement| match value_of(statement.node) {
            Some(Expr::List(list)) => {
                let mut fresh = Vec::new();
                for entry in &list.elts {
                    let text = &module.source[entry.range()];
                    let key = entry_of(module, entry).map_or_else(|| text.to_owned(), |entry| key(&entry));
                    if known.insert(key) {
                        fresh.push(format!("    {text},\n"));
                    }
                }
                added += fresh.len();
                if fresh.is_empty() { String::new() } else { format!("examples += [\n{}]\n", fresh.concat()) }
            }
            // Code makes the entries: which ones, only running it tells.
            Some(value) => {
                added += 1;
                format!("examples += {}\n", source_of(module, value))
            }
            None => format!("{}\n", source_of(module, statement.node)),
        });
        statements.collect::<String>()
    });
    let statements = statements.ok().filter(|_| added > 0)?;
    Some(format!("{}\n{statements}", first.trim_end()))
}

fn source_of<'a>(module: &Module<'a>, node: &impl Ranged) -> &'a str {
    &module.source[node.range()]
}

/// What a statement makes of `examples`, or adds to it; none for any other statement, and where the list is made from
/// itself.
fn value_of(statement: &Stmt) -> Option<&Expr> {
    match statement {
        Stmt::Assign(assign) if matches!(&assign.targets[..], [target] if is_examples(target)) => {
            (!mentions(&assign.value)).then_some(&assign.value)
        }
        Stmt::AnnAssign(assign) if is_examples(&assign.target) => {
            assign.value.as_deref().filter(|value| !mentions(value))
        }
        Stmt::AugAssign(assign) if is_examples(&assign.target) && assign.op == Operator::Add => Some(&assign.value),
        _ => None,
    }
}

/// Whether an expression that makes the list begins with the list: `examples + […]`.
fn mentions(value: &Expr) -> bool {
    match value {
        Expr::BinOp(sum) => mentions(&sum.left) || mentions(&sum.right),
        other => is_examples(other),
    }
}

/// What tells entries apart, whatever the order of their arguments.
fn key(entry: &[(String, String)]) -> String {
    let mut arguments: Vec<String> = entry.iter().map(|(name, value)| format!("{name}={value}")).collect();
    arguments.sort();
    arguments.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_become_one_block() {
        let cases = [
            // Repeats go, in either spelling.
            (
                "examples = [dict(a=1), dict(a=2)]\n",
                "examples = [\n    dict(a=2),\n    {'a': 1},\n    dict(a=3),  # new\n]\n",
                Some("examples = [dict(a=1), dict(a=2)]\nexamples += [\n    dict(a=3),\n]\n"),
            ),
            // What stands around stays.
            (
                "import math\nexamples = [dict(a=math.pi)]\n",
                "from fractions import Fraction\ndef half(n):\n    return n / 2\nexamples += [dict(a=half(3))]\n",
                Some(
                    "import math\nexamples = [dict(a=math.pi)]\nfrom fractions import Fraction\ndef half(n):\n    return \
                     n / 2\nexamples += [\n    dict(a=half(3)),\n]\n",
                ),
            ),
            (
                "examples = [dict(a=1)]\n",
                "examples = [dict(a=n) for n in range(3)]\n",
                Some("examples = [dict(a=1)]\nexamples += [dict(a=n) for n in range(3)]\n"),
            ),
            ("examples = [dict(a=1)]\n", "examples = [dict(a=1)]\n", None),
            ("examples = [dict(a=1)]\n", "examples = [dict(a=1", None),
        ];
        for (first, next, expected) in cases {
            assert_eq!(merged(first, next).as_deref(), expected, "{next}");
        }
    }

    #[test]
    fn a_further_round_may_only_add() {
        let block = more_examples_block("```python\nexamples += [dict(a=1)]\n```").map(|block| block.source);
        assert_eq!(block.as_deref(), Ok("examples = [dict(a=1)]\n"));
        assert_eq!(more_examples_block("examples -= 1"), Err(Reason::NoExamples));
    }
}
