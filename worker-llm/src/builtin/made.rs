//! Values that no literal gives: functions, objects of the standard library; and bytes.

use super::{
    random::Random,
    shape::{Known, Shape},
    texts::{quote, quote_bytes, word},
};

/// Whether a value of the shape is more than a number or text: what a function gives is then one of these.
pub(super) fn compound(shape: &Shape) -> bool {
    match shape {
        Shape::Int { .. } | Shape::Float { .. } | Shape::Bool | Shape::Str { .. } => false,
        Shape::Nullable(shape) | Shape::Sized(shape, _) => compound(shape),
        _ => true,
    }
}

/// A function that makes something of its arguments, whatever they are.
pub(super) fn function(returned: Option<&Shape>, arguments: Option<usize>, random: &mut Random) -> String {
    let choices: &[&str] = match (arguments, returned) {
        (Some(0), _) => &["lambda: 1", "lambda: 'done'", "lambda: [1, 2]", "lambda: None"],
        (Some(1), Some(Shape::Bool)) => {
            &["lambda x: bool(x)", "lambda x: not x", "lambda x: str(x) > '5'", "lambda x: len(str(x)) > 1"]
        }
        (Some(1), Some(Shape::Int { .. } | Shape::Float { .. })) => {
            &["lambda x: x", "lambda x: x * 2", "lambda x: x * x", "lambda x: -x", "lambda x: x + 1"]
        }
        (Some(1), _) => &["lambda x: x", "lambda x: [x, x]", "lambda x: str(x)", "lambda x: x * 2", "lambda x: (x, 1)"],
        (Some(2), Some(Shape::Bool)) => &["lambda x, y: x == y", "lambda x, y: x > y", "lambda x, y: x < y"],
        (Some(2), Some(Shape::Int { .. } | Shape::Float { .. })) => {
            &["lambda x, y: x + y", "lambda x, y: x - y", "lambda x, y: x * y", "lambda x, y: max(x, y)"]
        }
        (Some(2), _) => &["lambda x, y: x", "lambda x, y: y", "lambda x, y: [x, y]", "lambda x, y: x + y"],
        _ => {
            &["lambda *args: args[0]", "lambda *args: args[-1]", "lambda *args: len(args)", "lambda *args: list(args)"]
        }
    };
    (*random.pick(choices)).into()
}

/// An object with attributes. An argument is to be evaluated wherever a sample goes, so it reads builtins only: an import
/// above the examples would be lost, and might hide a name of the program.
pub(super) const NAMESPACE: &str = "__import__('types').SimpleNamespace";

/// An object of the standard library.
pub(super) fn known(known: Known, random: &mut Random) -> String {
    let module = |name: &str| format!("__import__('{name}')");
    match known {
        Known::DateTime => {
            let (year, month, day) = (random.between(1995, 2030), random.between(1, 12), random.between(1, 28));
            let (hour, minute) = (random.between(0, 23), random.between(0, 59));
            format!("{}.datetime({year}, {month}, {day}, {hour}, {minute})", module("datetime"))
        }
        Known::Duration => {
            let (days, seconds) = (random.between(0, 40), random.between(1, 86_399));
            let days = if days > 0 { format!("days={days}, ") } else { String::new() };
            format!("{}.timedelta({days}seconds={seconds})", module("datetime"))
        }
        Known::TextFile => {
            let lines: String = (0..random.below(5)).map(|_| format!("{} {}\n", word(random), word(random))).collect();
            format!("{}.StringIO({})", module("io"), quote(&lines))
        }
        Known::BinaryFile => {
            let length = 1 + random.below(24);
            let bytes: Vec<u8> = (0..length).filter_map(|_| u8::try_from(random.below(256)).ok()).collect();
            format!("{}.BytesIO({})", module("io"), quote_bytes(&bytes))
        }
        Known::Match => {
            let (pattern, text) = (r"r'(\w+)(?:[-=: ](\w+))?'", format!("{}-{}", word(random), word(random)));
            format!("{}.search({pattern}, {})", module("re"), quote(&text))
        }
    }
}

/// Bytes that are compared with `special`, or hold, begin or end with what is asked for.
pub(super) fn bytes(
    special: &[Vec<u8>],
    inside: &[Vec<u8>],
    affixes: [&Vec<Vec<u8>>; 2],
    random: &mut Random,
) -> String {
    if !special.is_empty() && random.chance(50) {
        return quote_bytes(random.pick::<Vec<u8>>(special));
    }
    let [prefixes, suffixes] = affixes;
    let mut made = Vec::new();
    if !prefixes.is_empty() && random.chance(65) {
        made.extend(random.pick::<Vec<u8>>(prefixes));
    }
    made.extend(word(random).into_bytes());
    if !inside.is_empty() && random.chance(65) {
        made.extend(random.pick::<Vec<u8>>(inside));
        made.extend(word(random).into_bytes());
    }
    if !suffixes.is_empty() && random.chance(65) {
        made.extend(random.pick::<Vec<u8>>(suffixes));
    }
    quote_bytes(&made)
}
