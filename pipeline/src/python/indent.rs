//! Indentation that mixes tabs and blanks: CPython refuses it where the depth of a block would depend on the width of a
//! tab; the parser takes a tab for eight columns and goes on.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::{Ranged, TextSize};

use super::span::Lines;

/// The first line whose indentation compares one way with tabs of eight columns and another way with tabs of one.
pub(super) fn inconsistent(source: &str, tokens: &Tokens, lines: &Lines) -> Option<TextSize> {
    if !source.contains('\t') {
        return None;
    }
    let mut blocks = vec![Width::default()];
    let mut starts_line = true;
    for token in tokens.iter() {
        match token.kind() {
            TokenKind::Newline => starts_line = true,
            TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::Indent | TokenKind::Dedent => {}
            TokenKind::EndOfFile => return None,
            _ if starts_line => {
                starts_line = false;
                let width = Width::of(lines.before(token.start()));
                while blocks.last().is_some_and(|block| block.wide > width.wide) {
                    blocks.pop();
                }
                let block = blocks.last().copied().unwrap_or_default();
                let agrees =
                    if block.wide == width.wide { block.narrow == width.narrow } else { block.narrow < width.narrow };
                if !agrees {
                    return Some(token.start());
                }
                if block.wide < width.wide {
                    blocks.push(width);
                }
            }
            _ => {}
        }
    }
    None
}

/// The columns of an indentation, with tabs up to the next multiple of eight and with tabs of one.
#[derive(Clone, Copy, Default)]
struct Width {
    wide: usize,
    narrow: usize,
}

impl Width {
    fn of(text: &str) -> Self {
        let mut width = Self::default();
        for byte in text.bytes() {
            match byte {
                b' ' => width = Self { wide: width.wide + 1, narrow: width.narrow + 1 },
                b'\t' => width = Self { wide: (width.wide / 8 + 1) * 8, narrow: width.narrow + 1 },
                b'\x0c' => width = Self::default(),
                // After a `;` on the same line, or a continuation: no indentation.
                _ => break,
            }
        }
        width
    }
}
