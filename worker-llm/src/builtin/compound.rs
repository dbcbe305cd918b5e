//! Shapes with parts: lists, records, dicts.

use pipeline::python::{Kind, Part, Role, Use};

use super::{
    guess::shape,
    naming,
    shape::{Shape, Style, texts},
    types::Type,
};

/// Longest sequence that constant indices may ask for.
const MAX_INDEX: usize = 40;

/// How long a sequence must be for its constant indices.
pub(super) fn longest_item(used: &Use) -> Option<usize> {
    let index = |part: &Part| match part {
        Part::Item(at) if *at >= 0 => usize::try_from(*at).ok().map(|at| at + 1),
        Part::Item(at) => usize::try_from(at.unsigned_abs()).ok(),
        _ => None,
    };
    used.parts.keys().filter_map(index).filter(|index| *index <= MAX_INDEX).max()
}

pub(super) fn item(used: &Use, at: i64) -> Use {
    used.parts.get(&Part::Item(at)).cloned().unwrap_or_default()
}

/// All that is known of a sequence's elements, whichever their place.
pub(super) fn element(used: &Use, said: Option<&Type>, name: &str, depth: usize) -> Option<Shape> {
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
    all.prefixes.extend(one.prefixes.iter().cloned());
    all.suffixes.extend(one.suffixes.iter().cloned());
    for (part, theirs) in &one.parts {
        merge(all.parts.entry(part.clone()).or_default(), theirs);
    }
}

pub(super) fn sequence(
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
    if let (Some(suggested), None, true) =
        (suggested, length, used.parts.keys().all(|part| *part == Part::Length) && inner.is_empty())
    {
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

pub(super) fn dict(used: &Use, inner: &[Type], depth: usize) -> Option<Shape> {
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
