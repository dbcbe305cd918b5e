//! Source rendered from its syntax tree: no comments, one layout.

use ruff_python_ast::comparable::ComparableStmt;
use ruff_python_codegen::{Generator, Indentation};
use ruff_source_file::LineEnding;

use super::with_module;

/// `code` with four blanks a level and without comments; docstrings stay. None where that, parsed again, is not the same
/// tree (the renderer is not ours), or `code` does not parse.
pub fn rendered(code: &str) -> Option<String> {
    let indentation = Indentation::default();
    with_module(code, |module| {
        let render = |node| format!("{}\n", Generator::new(&indentation, LineEnding::Lf).stmt(node));
        let text: String = module.statements.iter().map(|statement| render(statement.node)).collect();
        let same = with_module(&text, |again| {
            let nodes = module.statements.iter().zip(&again.statements);
            module.statements.len() == again.statements.len()
                && nodes
                    .into_iter()
                    .all(|(one, other)| ComparableStmt::from(one.node) == ComparableStmt::from(other.node))
        });
        same.is_ok_and(|same| same).then_some(text)
    })
    .ok()
    .flatten()
}
