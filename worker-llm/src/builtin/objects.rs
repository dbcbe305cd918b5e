//! Objects that are known by what is read of them: attributes, methods, or a class of the standard library.

use pipeline::python::{Kind, Part, Role, Use};

use super::{
    guess::shape,
    shape::{Known, Shape},
};

/// Most attributes of one object.
const MAX_ATTRIBUTES: usize = 20;

/// Attributes by which a class of the standard library is known: it is taken if it has all that are read.
const KNOWN: [(Known, &[&str]); 5] = [
    (
        Known::DateTime,
        &[
            "year",
            "month",
            "day",
            "hour",
            "minute",
            "second",
            "microsecond",
            "tzinfo",
            "strftime",
            "isoformat",
            "weekday",
            "isoweekday",
            "timestamp",
            "date",
            "time",
            "replace",
            "timetuple",
            "toordinal",
            "isocalendar",
        ],
    ),
    (Known::Duration, &["days", "seconds", "microseconds", "total_seconds"]),
    (
        Known::TextFile,
        &["read", "readline", "readlines", "seek", "tell", "close", "write", "writelines", "getvalue", "flush"],
    ),
    (Known::Match, &["group", "groups", "span", "start", "end", "groupdict", "string", "lastindex"]),
    (Known::BinaryFile, &["getbuffer", "readinto"]),
];

/// An object with what is read of the value; none if nothing is.
pub(super) fn object(used: &Use, depth: usize) -> Option<Shape> {
    let read: Vec<(&str, &Use)> = attributes(used).take(MAX_ATTRIBUTES).collect();
    if read.is_empty() {
        return None;
    }
    let has_all = |names: &[&str]| read.iter().all(|(name, _)| names.contains(name));
    let plain_only = read.len() == 1 && matches!(read[0].0, "start" | "end" | "date" | "time" | "string" | "seconds");
    if let Some((known, _)) = KNOWN.iter().find(|(_, names)| has_all(names)).filter(|_| !plain_only) {
        return Some(Shape::Known(if *known == Known::TextFile && binary(used) { Known::BinaryFile } else { *known }));
    }
    let made = read.into_iter().filter(|(name, _)| !name.starts_with("__"));
    let made = made.map(|(name, used)| Some((name.to_string(), shape(used, None, name, depth + 1)?)));
    made.collect::<Option<Vec<_>>>().filter(|made| !made.is_empty()).map(Shape::Object)
}

/// A function, with what is done with the values that it gives.
pub(super) fn callable(used: &Use, depth: usize) -> Option<Shape> {
    let arguments = used.roles.keys().find_map(|role| match role {
        Role::Called(arguments) => Some(*arguments),
        _ => None,
    });
    let returned = match used.parts.get(&Part::Returned) {
        Some(returned) if *returned != Use::default() => Some(Box::new(shape(returned, None, "", depth + 1)?)),
        _ => None,
    };
    Some(Shape::Callable { returned, arguments })
}

/// Whether only a class has what is read of the value.
pub(super) fn is_class(used: &Use) -> bool {
    let mut read = attributes(used).peekable();
    read.peek().is_some()
        && read.all(|(name, _)| {
            matches!(name, "__name__" | "__qualname__" | "__module__" | "__mro__" | "__bases__" | "__subclasses__")
        })
}

fn attributes(used: &Use) -> impl Iterator<Item = (&str, &Use)> {
    used.parts.iter().filter_map(|(part, used)| match part {
        Part::Attribute(name) => Some((name.as_str(), used)),
        _ => None,
    })
}

/// Whether what is read of a file is bytes.
fn binary(used: &Use) -> bool {
    let read = attributes(used).filter_map(|(_, method)| method.parts.get(&Part::Returned));
    read.into_iter().any(|read| read.kinds.contains_key(&Kind::Bytes))
}
