//! How deep a syntax tree can become, bounded from its tokens: the tree is walked and dropped by recursion, and source
//! text from the internet may nest 50,000 levels.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_parser::{Mode, lexer};

/// CPython's own limits (3.11): brackets, indentation, and nested expressions.
const MAX_BRACKETS: usize = 200;
const MAX_INDENTS: u32 = 100;
const MAX_DEPTH: u32 = 3_000;

/// An upper bound for the depth of the tree that `source` would make, or which limit it passes (the lexer's positions
/// are not public, so no line is known).
pub(super) fn before_parsing(source: &str) -> Result<u32, &'static str> {
    let mut lexer = lexer::lex(source, Mode::Module);
    bound(std::iter::from_fn(|| Some(lexer.next_token())))
}

/// As [`before_parsing`], for a tree that is there.
pub(super) fn of(tokens: &Tokens) -> Result<u32, &'static str> {
    bound(tokens.iter().map(|token| token.kind()))
}

fn bound(tokens: impl Iterator<Item = TokenKind>) -> Result<u32, &'static str> {
    let (mut brackets, mut frame, mut total) = (Vec::<Frame>::new(), Frame::default(), 0u32);
    let (mut indents, mut deepest) = (0u32, 0u32);
    for kind in tokens {
        match kind {
            TokenKind::EndOfFile => break,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                frame.depth += 1;
                total += 1;
                brackets.push(std::mem::take(&mut frame));
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                total = total.saturating_sub(frame.depth);
                frame = brackets.pop().unwrap_or_default();
            }
            TokenKind::Newline => {
                brackets.clear();
                frame = Frame::default();
                total = 0;
            }
            TokenKind::Comma | TokenKind::Semi if frame.lambdas == 0 => {
                total = total.saturating_sub(frame.depth);
                frame.depth = 0;
            }
            TokenKind::Colon => frame.lambdas = frame.lambdas.saturating_sub(1),
            kind if nests(kind) => {
                frame.depth += 1;
                total += 1;
                frame.lambdas += u32::from(kind == TokenKind::Lambda);
            }
            _ => {}
        }
        deepest = deepest.max(total + indents);
        if brackets.len() > MAX_BRACKETS {
            return Err("too many nested parentheses");
        }
        if indents > MAX_INDENTS {
            return Err("too many levels of indentation");
        }
        if deepest > MAX_DEPTH {
            return Err("expression nested too deeply");
        }
    }
    Ok(deepest)
}

/// What one open bracket holds since its last comma.
#[derive(Default)]
struct Frame {
    /// Tokens that may each put one tree node above another.
    depth: u32,
    /// Lambdas whose colon is still to come: their commas separate parameters and end nothing.
    lambdas: u32,
}

/// Operators that chain to a tree as deep as they are many. Comparisons, `and` and `or` make one flat node.
fn nests(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::Dot | T::Plus | T::Minus | T::Star | T::Slash | T::DoubleSlash | T::Percent | T::At | T::DoubleStar
    ) || matches!(kind, T::Vbar | T::Amper | T::CircumFlex | T::Tilde | T::LeftShift | T::RightShift | T::ColonEqual)
        || matches!(kind, T::Not | T::Await | T::Lambda | T::If | T::Else | T::Yield)
}
