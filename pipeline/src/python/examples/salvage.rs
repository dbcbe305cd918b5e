//! What is whole in a block that was cut short.

use ruff_python_ast::{PythonVersion, token::TokenKind};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

use super::{super::depth, builds};
use crate::python::with_module;

/// How many places are tried, from the last: the first nearly always does, and each costs one parse.
const TRIES: usize = 16;

/// Stack for the deepest tree that [`depth::bound`] lets through.
const STACK_BYTES: usize = 64 << 20;

/// Where a block can be cut so that whole statements and entries stay.
struct Place {
    end: usize,
    /// Within the list, which is then to be closed.
    in_list: bool,
}

/// `source` up to its last whole entry or statement before the first error, if that builds the list. Prose in front of
/// the list is left out where nothing else parses.
pub(super) fn cut(source: &str) -> Option<String> {
    let whole = cut_from(source);
    if whole.is_some() {
        return whole;
    }
    let starts = |at: usize| at == 0 || source.as_bytes()[at - 1] == b'\n';
    let at = source.match_indices("examples").map(|(at, _)| at).find(|at| starts(*at) && is_opening(&source[*at..]))?;
    (at > 0)
        .then(|| &source[at..])
        .and_then(|rest| if builds(rest) == Some(true) { Some(rest.into()) } else { cut_from(rest) })
}

/// `source` without the last statement, where that may be the first half of one: `exam`, of `examples += …`, parses but
/// fails when it runs. What a bracket or a line break ends is whole. None if there is nothing to leave out.
pub(super) fn without_fragment(source: &str) -> Option<&str> {
    if source.ends_with([']', ')', '}', '\n']) {
        return None;
    }
    let last = with_module(source, |module| module.statements.last().map(|last| last.node.range()));
    let last = last.ok().flatten().filter(|last| last.end().to_usize() == source.trim_end().len())?;
    let before = &source[..last.start().to_usize()];
    (builds(before) == Some(true)).then_some(before)
}

/// Whether a line assigns to `examples`.
fn is_opening(line: &str) -> bool {
    line.trim_start_matches("examples").trim_start().starts_with(['=', ':']) && !line.starts_with("examples:\n")
}

fn cut_from(source: &str) -> Option<String> {
    let places = places(source)?;
    places.iter().rev().take(TRIES).find_map(|place| {
        let kept = &source[..place.end];
        let closed = if place.in_list { format!("{kept},\n]\n") } else { kept.to_owned() };
        (builds(&closed) == Some(true)).then_some(closed)
    })
}

/// The places before the first error, in order; none if the text is too deep to be looked at.
fn places(source: &str) -> Option<Vec<Place>> {
    if u32::try_from(source.len()).is_err() || depth::before_parsing(source).is_err() {
        return None;
    }
    // The broken tree is dropped in here too, by recursion.
    stacker::maybe_grow(STACK_BYTES, STACK_BYTES, || {
        let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY313);
        let parsed = parse_unchecked(source, options);
        let error = parsed.errors().iter().map(|error| error.location.start().to_usize()).min();
        let tokens: Vec<_> = parsed.tokens().iter().map(|token| (token.kind(), token.end().to_usize())).collect();
        Some(of_tokens(&tokens, error.unwrap_or(source.len())))
    })
}

/// Ends of logical lines outside brackets, and of entries of a list display that is assigned or added.
fn of_tokens(tokens: &[(TokenKind, usize)], error: usize) -> Vec<Place> {
    let (mut places, mut depth, mut list) = (Vec::new(), 0u32, false);
    let mut before = TokenKind::Newline;
    let significant =
        tokens.iter().filter(|(kind, _)| !matches!(kind, TokenKind::NonLogicalNewline | TokenKind::Comment));
    let mut significant = significant.peekable();
    while let Some((kind, end)) = significant.next() {
        if *end > error {
            break;
        }
        match kind {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                list |=
                    depth == 0 && *kind == TokenKind::Lsqb && matches!(before, TokenKind::Equal | TokenKind::PlusEqual);
                depth += 1;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                depth = depth.saturating_sub(1);
                list &= depth > 0;
                let follows = significant.peek().map(|(next, _)| *next);
                // Not the element of a comprehension, nor the first half of an expression.
                let ends = matches!(follows, None | Some(TokenKind::Comma | TokenKind::Rsqb | TokenKind::Newline))
                    || follows == Some(TokenKind::EndOfFile);
                if list && depth == 1 && ends {
                    places.push(Place { end: *end, in_list: true });
                }
            }
            TokenKind::Newline if depth == 0 => places.push(Place { end: *end, in_list: false }),
            _ => {}
        }
        before = *kind;
    }
    places
}
