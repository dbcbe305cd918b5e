//! From the evidence about a parameter to the shape of its values.

use pipeline::python::{Constant, Kind, ParameterUse, Part, Role, Use};

use super::{
    compound::{dict, element, item, sequence},
    naming, objects,
    shape::{Shape, Style, bytes, ints},
    types::{self, Type},
    vote,
    wording::text,
};

/// Deepest part of an argument that is made: what is found in an object may be an object again.
const MAX_DEPTH: usize = 6;

/// Longest text or list that a compared length may ask for.
const MAX_LENGTH: i64 = 60;

/// The shape of a parameter's values; none if only an object that we cannot make would do.
pub(super) fn parameter(parameter: &ParameterUse) -> Option<Shape> {
    let said = parameter.annotation.as_deref().and_then(types::parse).filter(usable);
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

/// Whether a type says which values are wanted.
fn usable(said: &Type) -> bool {
    known(said).is_some() || !said.members.is_empty() || said.either.iter().any(usable)
}

/// The shape of a value of which this is known.
pub(super) fn shape(used: &Use, said: Option<&Type>, name: &str, depth: usize) -> Option<Shape> {
    if depth > MAX_DEPTH {
        return Some(Shape::int(0, 20));
    }
    let suggested = naming::suggest(name).or_else(|| used.names.iter().find_map(|name| naming::suggest(name)));
    if let Some(said) = said {
        if !said.members.is_empty() {
            return Some(Shape::OneOf(said.members.clone()));
        }
        let either = said.either.iter().filter(|one| usable(one));
        let either: Vec<Shape> = either.filter_map(|one| shape(used, Some(one), name, depth)).collect();
        if !either.is_empty() {
            return Some(Shape::either(either));
        }
    }
    if let Some(kind) = said.and_then(known) {
        return of_kind(kind, used, said, name, suggested, depth);
    }
    let plays = |role| used.roles.contains_key(&role);
    if plays(Role::Class) || objects::is_class(used) {
        return Some(Shape::classes());
    }
    if plays(Role::MaybeClass) {
        return Some(Shape::either(vec![Shape::classes(), Shape::classes(), Shape::int(0, 100)]));
    }
    let asked: Vec<Kind> = used.roles.keys().filter_map(asked).collect();
    if !asked.is_empty() {
        return asked_for(&asked, used, name, depth);
    }
    let kind = vote::kind(used, suggested.as_ref().map(|(kind, _)| *kind))?;
    of_kind(kind, used, None, name, suggested, depth)
}

fn asked(role: &Role) -> Option<Kind> {
    match role {
        Role::Instance(kind) if !matches!(kind, Kind::None | Kind::Object) => Some(*kind),
        _ => None,
    }
}

/// A value of one of the kinds that it is asked for, and now and then of another one.
fn asked_for(asked: &[Kind], used: &Use, name: &str, depth: usize) -> Option<Shape> {
    let mut rest = used.clone();
    rest.kinds.retain(|kind, _| !asked.contains(kind));
    let suggested = naming::suggest(name);
    let other = vote::kind(&rest, suggested.as_ref().map(|(kind, _)| *kind));
    // What is not asked for, but done with it, is done where the answer is no.
    let done = !rest.kinds.is_empty() && other.is_some_and(|other| !asked.contains(&other));
    let one = |kind| of_kind(kind, used, None, name, suggested.clone().filter(|(known, _)| *known == kind), depth);
    let mut shapes: Vec<Shape> = asked.iter().filter_map(|kind| one(*kind)).collect();
    if shapes.is_empty() {
        return None;
    }
    let other = match other {
        Some(other) if done => one(other),
        _ if asked.len() > 1 => None,
        _ if asked.iter().any(|kind| matches!(kind, Kind::Str | Kind::Bytes)) => Some(Shape::int(0, 100)),
        _ => Some(Shape::text(Style::Word)),
    };
    let share = if done || asked.len() > 1 { 1 } else { 4 };
    if let Some(other) = other {
        shapes = shapes.iter().cycle().take(shapes.len() * share).cloned().collect();
        shapes.push(other);
    }
    Some(Shape::either(shapes))
}

fn of_kind(
    kind: Kind,
    used: &Use,
    said: Option<&Type>,
    name: &str,
    suggested: Option<(Kind, Shape)>,
    depth: usize,
) -> Option<Shape> {
    let suggested = suggested.filter(|(suggested, _)| *suggested == kind).map(|(_, shape)| shape);
    let inner = said.map(|said| said.of.as_slice()).unwrap_or_default();
    let made = match kind {
        Kind::Int | Kind::Number => int(used, suggested),
        Kind::Float => float(used, suggested),
        Kind::Bool => Shape::Bool,
        Kind::Bytes => Shape::Bytes {
            special: bytes(&used.constants),
            inside: bytes(&used.hints),
            prefixes: bytes(&used.prefixes),
            suffixes: bytes(&used.suffixes),
        },
        Kind::Dict => dict(used, inner, depth)?,
        Kind::Set => Shape::Set(Box::new(element(used, inner.first(), name, depth)?)),
        Kind::Callable => objects::callable(used, depth)?,
        Kind::Tuple if !inner.is_empty() && inner.iter().all(|one| one.name != "...") => {
            let items = inner.iter().zip(0..).map(|(said, at)| shape(&item(used, at), Some(said), "", depth + 1));
            Shape::Tuple(items.collect::<Option<_>>()?)
        }
        Kind::List | Kind::Tuple => sequence(used, inner, name, suggested, kind, depth)?,
        Kind::Object => objects::object(used, depth)?,
        Kind::None => return None,
        Kind::Str | Kind::Sequence | Kind::Iterable | Kind::Sized => text(used, suggested),
    };
    let made = if used.roles.contains_key(&Role::Iterator) && matches!(made, Shape::List { .. }) {
        Shape::Iterator(Box::new(made))
    } else {
        made
    };
    let lengths = used.parts.get(&Part::Length).map(|length| ints(&length.constants)).unwrap_or_default();
    let lengths: Vec<usize> = lengths
        .into_iter()
        .filter(|length| (1..=MAX_LENGTH).contains(length))
        .filter_map(|length| usize::try_from(length).ok())
        .collect();
    let sized = matches!(made, Shape::List { exact: false, .. } | Shape::Str { .. } | Shape::Bytes { .. });
    Some(if sized && !lengths.is_empty() { Shape::Sized(Box::new(made), lengths) } else { made })
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
    let mut special: Vec<i64> = special;
    if special.is_empty() && plays(Role::Truth) && !plays(Role::Divisor) {
        special.push(0);
    }
    // The digits of a number are read: a few of them say more.
    let digits = plays(Role::Shown) || special.contains(&10);
    let wide = unbounded && high == 100 && !plays(Role::CodePoint);
    Shape::Int { low, high, special, zero: !plays(Role::Divisor) && low <= 0, digits: wide && digits, wide }
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
