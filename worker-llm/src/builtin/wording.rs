//! The style of a text from what is looked for in it.

use pipeline::python::{Part, Role, Use};

use super::{
    compound::{item, longest_item},
    shape::{Shape, Style, texts},
};

pub(super) fn text(used: &Use, suggested: Option<Shape>) -> Shape {
    let special = texts(&used.constants);
    let hints = texts(&used.hints);
    let empty =
        !used.roles.contains_key(&Role::NotEmpty) && !used.parts.keys().any(|part| matches!(part, Part::Item(_)));
    let plays = |role| used.roles.contains_key(&role);
    let named = match suggested {
        Some(Shape::Str { style, .. }) => style,
        _ => Style::Word,
    };
    let element = used.parts.get(&Part::Element);
    let character = |role| element.is_some_and(|element| element.roles.contains_key(&role));
    let alphabet: Vec<char> =
        element.into_iter().flat_map(|element| texts(&element.constants)).collect::<String>().chars().collect();
    let style = if plays(Role::Json) {
        Style::Json
    } else if plays(Role::Character) {
        Style::Character
    } else if let Some(pieces) = used.parts.get(&Part::Pieces) {
        pieces_style(pieces, &hints, &named)
    } else if plays(Role::IntText) || character(Role::IntText) {
        if alphabet.is_empty() { Style::Digits } else { Style::Alphabet(alphabet) }
    } else if plays(Role::FloatText) {
        Style::Decimal
    } else if !alphabet.is_empty() {
        Style::Alphabet(alphabet)
    } else if let Some(places) = places(used) {
        places
    } else if hints.is_empty() {
        named
    } else if !matches!(named, Style::Word | Style::Sentence) {
        Style::With(Box::new(named), hints)
    } else {
        Style::Around(hints)
    };
    let style =
        longest_item(used).filter(|least| *least > 4 && style == Style::Word).map_or(style, |_| Style::Sentence);
    let style = if plays(Role::Stripped) { Style::Padded(Box::new(style)) } else { style };
    let (prefixes, suffixes) = (texts(&used.prefixes), texts(&used.suffixes));
    let style = if prefixes.is_empty() && suffixes.is_empty() {
        style
    } else {
        Style::Affixed { style: Box::new(style), prefixes, suffixes }
    };
    // One of several known texts is seldom none at all.
    let empty =
        empty && special.len() < 3 && !matches!(style, Style::Digits | Style::Decimal | Style::Json | Style::Character);
    Shape::Str { style, special, empty }
}

/// The style of a text whose characters are read one by one, some of them as digits: `e4`.
fn places(used: &Use) -> Option<Style> {
    let digit = |at| item(used, at).roles.contains_key(&Role::IntText);
    let length = i64::try_from(longest_item(used)?).ok()?;
    let digits: Vec<bool> = (0..length).map(digit).collect();
    digits.contains(&true).then_some(Style::Places(digits))
}

fn pieces_style(pieces: &Use, hints: &[String], named: &Style) -> Style {
    let separator = hints.iter().find(|hint| !hint.is_empty()).cloned();
    let all = pieces.parts.values();
    let reads = |role| all.clone().any(|part| part.roles.contains_key(&role));
    let unpacked = pieces.roles.keys().find_map(|role| match role {
        Role::Unpacked(parts) => Some(*parts),
        _ => None,
    });
    let piece = if reads(Role::IntText) {
        Style::Digits
    } else if reads(Role::FloatText) {
        Style::Decimal
    } else {
        Style::Word
    };
    if separator.is_none() && piece == Style::Word && unpacked.is_none() {
        return if matches!(named, Style::Word) { Style::Sentence } else { named.clone() };
    }
    let least = unpacked.or_else(|| longest_item(pieces)).unwrap_or(1);
    Style::Pieces {
        piece: Box::new(piece),
        separator: separator.unwrap_or_else(|| " ".into()),
        least,
        exact: unpacked.is_some(),
    }
}
