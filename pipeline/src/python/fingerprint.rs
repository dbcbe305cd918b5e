//! Equality of code up to comments, docstrings and layout.

use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

use super::Module;

/// A digest of code without comments, docstrings and layout: 128 bits, so that among 10^12 functions two different ones
/// share it with a chance of about 10^-15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

/// Of the statements at the given places of the module, in that order.
pub(super) fn of(module: &Module, statements: impl Iterator<Item = usize>) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    for at in statements {
        let statement = &module.statements[at];
        let mut docstrings = statement.names.docstrings.iter().copied().peekable();
        let mut after_docstring = false;
        for token in module.tokens.in_range(statement.node.range()) {
            while docstrings.next_if(|docstring| docstring.end() <= token.start()).is_some() {}
            if docstrings.peek().is_some_and(|docstring| docstring.contains_range(token.range())) {
                after_docstring = true;
                continue;
            }
            if matches!(token.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline) {
                continue;
            }
            if std::mem::take(&mut after_docstring) && token.kind() == TokenKind::Newline {
                continue;
            }
            match token.kind() {
                // Their text is layout; that they are there is not.
                TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent => {}
                _ => {
                    hasher.update(module.source[token.range()].as_bytes());
                }
            }
            hasher.update(&[0xff, token.kind() as u8]);
        }
        hasher.update(&[0xfe]);
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    Fingerprint(digest)
}
