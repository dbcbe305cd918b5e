//! From the evidence about a parameter to the shape of its values.

use std::collections::BTreeMap;

use pipeline::python::{Constant, Kind, ParameterUse, Part, Role, Use};

use super::{
    naming,
    shape::{Shape, Style, ints, texts},
    types::{self, Type},
};

/// Longest sequence that constant indices may ask for.
const MAX_INDEX: usize = 40;

/// The shape of a parameter's values; none if only an object that we cannot make would do.
pub(super) fn parameter(parameter: &ParameterUse) -> Option<Shape> {
    let said = parameter.annotation.as_deref().and_then(types::parse).filter(|kind| known(kind).is_some());
    let said = said.or_else(|| parameter.documented.as_deref().and_then(types::parse));
    let nullable = parameter.default.as_deref() == Some("None") || said.as_ref().is_some_and(|said| said.nullable);
    let nullable = nullable || parameter.used.roles.contains_key(&Role::MaybeNone);
    let shape = shape(&parameter.used, said.as_ref(), &parameter.name, 0)?;
    let inside = [Part::Element, Part::Key].into_iter().filter_map(|part| parameter.used.parts.get(&part));
    let names: Vec<String> =
        inside.flat_map(|used| used.names.clone()).filter(|name| *name != parameter.name).collect();
    let shape = if names.is_empty() { shape } else { Shape::Including(Box::new(shape), names) };
    Some(if nullable { Shape::Nullable(Box::new(shape)) } else { shape })
}

fn shape(used: &Use, said: Option<&Type>, name: &str, depth: usize) -> Option<Shape> {
    let suggested = naming::suggest(name).or_else(|| used.names.iter().find_map(|name| naming::suggest(name)));
    let kind = said.and_then(known).or_else(|| kind(used, suggested.as_ref().map(|(kind, _)| *kind)))?;
    let suggested = suggested.filter(|(suggested, _)| *suggested == kind).map(|(_, shape)| shape);
    let inner = said.map(|said| said.of.as_slice()).unwrap_or_default();
    Some(match kind {
        Kind::Int | Kind::Number => int(used, suggested),
        Kind::Float => float(used, suggested),
        Kind::Bool => Shape::Bool,
        Kind::Bytes => Shape::Bytes,
        Kind::Dict => dict(used, inner, depth)?,
        Kind::Set => Shape::Set(Box::new(element(used, inner.first(), name, depth)?)),
        Kind::Callable => Shape::Callable,
        Kind::Tuple if !inner.is_empty() && inner.iter().all(|one| one.name != "...") => {
            let items = inner.iter().zip(0..).map(|(said, at)| shape(&item(used, at), Some(said), "", depth + 1));
            Shape::Tuple(items.collect::<Option<_>>()?)
        }
        Kind::List | Kind::Tuple => sequence(used, inner, name, suggested, kind, depth)?,
        Kind::None | Kind::Object => return None,
        Kind::Str | Kind::Sequence | Kind::Iterable | Kind::Sized => text(used, suggested),
    })
}

/// The kind that a type's name stands for.
fn known(said: &Type) -> Option<Kind> {
    Some(match said.name.as_str() {
        "int" | "integer" | "long" => Kind::Int,
        "float" | "double" | "number" | "decimal" | "real" | "scalar" | "numeric" => Kind::Float,
        "bool" | "boolean" => Kind::Bool,
        "str" | "string" | "text" | "unicode" | "basestring" => Kind::Str,
        "bytes" => Kind::Bytes,
        "list" | "sequence" | "iterable" | "array" | "collection" | "mutablesequence" | "iterator" | "array-like" => {
            Kind::List
        }
        "tuple" => Kind::Tuple,
        "set" | "frozenset" => Kind::Set,
        "dict" | "dictionary" | "mapping" | "mutablemapping" | "defaultdict" | "ordereddict" => Kind::Dict,
        "callable" | "function" => Kind::Callable,
        _ => return None,
    })
}

/// The kind with most evidence.
fn kind(used: &Use, suggested: Option<Kind>) -> Option<Kind> {
    let mut scores: BTreeMap<Kind, u32> = BTreeMap::new();
    let mut vote = |kind: Kind, weight: u32| *scores.entry(kind).or_default() += weight;
    let element = used.parts.get(&Part::Element);
    let items = used.parts.keys().filter(|part| matches!(part, Part::Item(_))).count();
    for (kind, weight) in &used.kinds {
        let weight = weight * 10;
        match kind {
            Kind::Number => {
                vote(Kind::Int, weight);
                vote(Kind::Float, weight);
            }
            Kind::Sequence => [Kind::List, Kind::Str].into_iter().for_each(|kind| vote(kind, weight)),
            Kind::Iterable | Kind::Sized => {
                [Kind::List, Kind::Str].into_iter().for_each(|kind| vote(kind, weight));
                [Kind::Dict, Kind::Set].into_iter().for_each(|kind| vote(kind, weight / 2));
            }
            kind => vote(*kind, weight),
        }
    }
    for constant in &used.constants {
        vote(constant_kind(constant), 20 / u32::try_from(used.constants.len()).unwrap_or(20).min(20));
    }
    for role in used.roles.keys() {
        match role {
            Role::IntText => {
                // A number would come back as it is.
                vote(Kind::Str, 7);
                vote(Kind::Int, 6);
            }
            Role::FloatText => {
                vote(Kind::Str, 6);
                vote(Kind::Float, 12);
            }
            Role::Bound | Role::Index => vote(Kind::Int, 10),
            Role::Multiplied => [Kind::Int, Kind::Float].into_iter().for_each(|kind| vote(kind, 3)),
            Role::Ordered => vote(Kind::Int, 4),
            Role::Shown => [Kind::Str, Kind::Int].into_iter().for_each(|kind| vote(kind, 2)),
            Role::Added => [Kind::Str, Kind::Int].into_iter().for_each(|kind| vote(kind, 2)),
            Role::Container => [Kind::Str, Kind::List].into_iter().for_each(|kind| vote(kind, 8)),
            Role::Unpacked(_) => vote(Kind::Tuple, 12),
            Role::Json => vote(Kind::Str, 30),
            _ => {}
        }
    }
    if let Some(element) = element {
        let compound =
            [Part::Element, Part::Item(0), Part::Item(1)].iter().any(|part| element.parts.contains_key(part));
        let numeric = element.kinds.keys().any(|kind| matches!(kind, Kind::Int | Kind::Float | Kind::Number));
        let characters = texts(&element.constants);
        if compound || numeric || element.kinds.contains_key(&Kind::Dict) {
            vote(Kind::List, 15);
        }
        if !characters.is_empty() {
            let single = characters.iter().all(|text| text.chars().count() == 1);
            vote(if single { Kind::Str } else { Kind::List }, 12);
        }
        if element.kinds.contains_key(&Kind::Str) && !compound && characters.is_empty() {
            vote(Kind::List, 4);
        }
        if element.roles.contains_key(&Role::Character) {
            vote(Kind::Str, 10);
        }
        vote(Kind::List, 3);
    }
    if items > 0 {
        let numeric = used.parts.iter().filter(|(part, _)| matches!(part, Part::Item(_)));
        let numeric = numeric.flat_map(|(_, used)| used.kinds.keys());
        vote(Kind::List, if numeric.into_iter().any(|kind| !matches!(kind, Kind::Str)) { 12 } else { 2 });
    }
    if used.parts.keys().any(|part| matches!(part, Part::Entry(_))) {
        vote(Kind::Dict, 30);
    }
    if let Some(suggested) = suggested {
        vote(suggested, 11);
    }
    let best = scores.iter().max_by_key(|(kind, score)| (**score, std::cmp::Reverse(**kind)));
    match best {
        Some((kind, score)) if *score > 0 => Some(*kind),
        // A parameter that is only tested for truth, or only handed on.
        _ if !used.roles.contains_key(&Role::Truth) => Some(Kind::Int),
        _ => Some(Kind::Bool),
    }
}

fn constant_kind(constant: &Constant) -> Kind {
    match constant {
        Constant::Int(_) => Kind::Int,
        Constant::Float(_) => Kind::Float,
        Constant::Str(_) => Kind::Str,
        Constant::Bool(_) => Kind::Bool,
    }
}

fn int(used: &Use, suggested: Option<Shape>) -> Shape {
    let plays = |role| used.roles.contains_key(&role);
    let (mut low, mut high) = match suggested {
        Some(Shape::Int { low, high, .. }) => (low, high),
        _ => (0, 100),
    };
    if plays(Role::Bound) || plays(Role::Recursive) {
        (low, high) = (0, high.min(12));
    }
    if plays(Role::Index) {
        (low, high) = (0, 3);
    }
    if plays(Role::CodePoint) {
        (low, high) = (65, 122);
    }
    if plays(Role::Positive) {
        low = low.max(1);
    }
    let special = ints(&used.constants);
    let limit = if plays(Role::Bound) || plays(Role::Recursive) { 25 } else { i64::MAX };
    let special = special.into_iter().filter(|value| *value <= limit).collect();
    let unbounded = !plays(Role::Bound) && !plays(Role::Index) && !plays(Role::Recursive) && low == 0;
    if unbounded && used.kinds.contains_key(&Kind::Number) && !plays(Role::Positive) {
        low = -10;
    }
    Shape::Int { low, high, special, zero: !plays(Role::Divisor) && low <= 0 }
}

fn float(used: &Use, suggested: Option<Shape>) -> Shape {
    let (mut low, mut high) = match suggested {
        Some(Shape::Float { low, high, .. }) => (low, high),
        _ => (-10.0, 100.0),
    };
    if used.roles.contains_key(&Role::Bound) {
        (low, high) = (0.0, 8.0);
    }
    if used.roles.contains_key(&Role::Positive) {
        low = 0.5;
    }
    let special = used.constants.iter().filter_map(|constant| match constant {
        #[expect(clippy::cast_precision_loss, reason = "a boundary in a program is small")]
        Constant::Int(value) => Some(*value as f64),
        Constant::Float(value) => Some(*value),
        _ => None,
    });
    Shape::Float { low, high, special: special.collect(), zero: !used.roles.contains_key(&Role::Divisor) && low <= 0.0 }
}

fn text(used: &Use, suggested: Option<Shape>) -> Shape {
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
    let empty = empty && !matches!(style, Style::Digits | Style::Decimal | Style::Json | Style::Character);
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

/// How long a sequence must be for its constant indices.
fn longest_item(used: &Use) -> Option<usize> {
    let index = |part: &Part| match part {
        Part::Item(at) if *at >= 0 => usize::try_from(*at).ok().map(|at| at + 1),
        Part::Item(at) => usize::try_from(at.unsigned_abs()).ok(),
        _ => None,
    };
    used.parts.keys().filter_map(index).filter(|index| *index <= MAX_INDEX).max()
}

fn item(used: &Use, at: i64) -> Use {
    used.parts.get(&Part::Item(at)).cloned().unwrap_or_default()
}

/// All that is known of a sequence's elements, whichever their place.
fn element(used: &Use, said: Option<&Type>, name: &str, depth: usize) -> Option<Shape> {
    let mut all = used.parts.get(&Part::Element).cloned().unwrap_or_default();
    for (part, one) in &used.parts {
        if matches!(part, Part::Item(_) | Part::Key) {
            merge(&mut all, one);
        }
    }
    all.constants.extend(used.hints.iter().cloned());
    let nothing = all == Use::default();
    let suggested = naming::suggest(name).and_then(|(_, shape)| match shape {
        Shape::List { element, .. } | Shape::Set(element) => Some(*element),
        _ => None,
    });
    match (nothing && said.is_none(), suggested) {
        (true, Some(suggested)) => Some(suggested),
        (true, None) => Some(Shape::int(0, 20)),
        _ => {
            let singular = name.strip_suffix('s').filter(|name| name.len() > 2).unwrap_or("");
            shape(&all, said, singular, depth + 1)
        }
    }
}

fn merge(all: &mut Use, one: &Use) {
    for (kind, weight) in &one.kinds {
        *all.kinds.entry(*kind).or_default() += weight;
    }
    for (role, count) in &one.roles {
        *all.roles.entry(*role).or_default() += count;
    }
    all.constants.extend(one.constants.iter().cloned());
    all.hints.extend(one.hints.iter().cloned());
    for (part, theirs) in &one.parts {
        merge(all.parts.entry(part.clone()).or_default(), theirs);
    }
}

fn sequence(
    used: &Use,
    inner: &[Type],
    name: &str,
    suggested: Option<Shape>,
    kind: Kind,
    depth: usize,
) -> Option<Shape> {
    let unpacked = used.roles.keys().filter_map(|role| match role {
        Role::Unpacked(parts) => Some(*parts),
        _ => None,
    });
    let unpacked = unpacked.max();
    let longest = longest_item(used);
    let length = unpacked.or(longest);
    // Places of their own: a record rather than a list.
    if let Some(length) =
        length.filter(|length| inner.is_empty() && *length <= 8 && !used.parts.contains_key(&Part::Element))
    {
        let items: Option<Vec<Shape>> =
            (0..).take(length).map(|at| shape(&item(used, at), None, "", depth + 1)).collect();
        let items = items?;
        let same = items.windows(2).all(|pair| std::mem::discriminant(&pair[0]) == std::mem::discriminant(&pair[1]));
        if !same || kind == Kind::Tuple {
            return Some(Shape::Tuple(items));
        }
    }
    if let (Some(suggested), None, true) = (suggested, length, used.parts.is_empty() && inner.is_empty()) {
        return Some(suggested);
    }
    let element = element(used, inner.first(), name, depth)?;
    let least = length.unwrap_or(usize::from(used.roles.contains_key(&Role::NotEmpty)));
    Some(Shape::List {
        element: Box::new(element),
        min: least,
        exact: unpacked.is_some() || (depth > 0 && length.is_some()),
    })
}

fn dict(used: &Use, inner: &[Type], depth: usize) -> Option<Shape> {
    let mut entries = Vec::new();
    for (part, one) in &used.parts {
        if let Part::Entry(key) = part {
            entries.push((key.clone(), shape(one, None, key, depth + 1)?));
        }
    }
    for hint in texts(&used.hints) {
        if !entries.iter().any(|(key, _)| *key == hint) {
            entries.push((hint.clone(), shape(&Use::default(), None, &hint, depth + 1)?));
        }
    }
    let part = |part| used.parts.get(&part).cloned().unwrap_or_default();
    let (mut key, value) = (part(Part::Key), part(Part::Value));
    key.constants.extend(used.hints.iter().cloned());
    let open = entries.is_empty();
    let key = if key == Use::default() && inner.is_empty() {
        Shape::text(Style::Word)
    } else {
        shape(&key, inner.first(), "name", depth + 1)?
    };
    let value = shape(&value, inner.get(1), "", depth + 1)?;
    Some(Shape::Dict { entries, key: Box::new(key), value: Box::new(value), open })
}
