//! Python literals of a shape, one after another, different ones each time.

use super::{
    made,
    random::Random,
    shape::{Shape, Style},
    texts::{CHARACTERS, quote, text, word},
};

/// What the values of one entry share.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Elements that a list has if nothing else decides: lists that belong together are then as long as one another.
    pub length: usize,
    /// Whether edge cases are wanted: empty, zero, negative.
    pub edge: bool,
    /// How deep within the argument.
    pub depth: usize,
    /// Counts entries and parameters: what is to happen in some of ten entries happens for sure.
    pub turn: usize,
    /// Whether values are drawn from few, so that they meet.
    pub tight: bool,
}

/// One value, as Python source.
pub(super) fn write(shape: &Shape, entry: Entry, others: &[(String, String)], random: &mut Random) -> String {
    let inner = Entry { depth: entry.depth + 1, edge: false, length: 2 + random.below(3), ..entry };
    match shape {
        Shape::Nullable(_) if entry.depth == 0 && entry.turn % 6 == 2 => "None".into(),
        Shape::Nullable(_) if entry.depth > 0 && random.chance(15) => "None".into(),
        Shape::Nullable(shape) => write(shape, entry, others, random),
        Shape::Including(shape, names) => {
            let known = others.iter().find(|(name, _)| names.contains(name)).map(|(_, value)| value.as_str());
            let written = write(shape, entry, others, random);
            match known {
                Some(known) if random.chance(65) => including(shape, &written, known),
                _ => written,
            }
        }
        Shape::Bool => if random.chance(50) { "True" } else { "False" }.into(),
        Shape::Bytes { special, inside, prefixes, suffixes } => {
            if entry.edge && random.chance(50) {
                return "b''".into();
            }
            made::bytes(special, inside, [prefixes, suffixes], random)
        }
        Shape::Callable { returned, arguments } => match (returned, arguments) {
            (Some(returned), arguments) if *arguments == Some(0) || entry.depth > 0 || made::compound(returned) => {
                let value = write(returned, inner, others, random);
                if *arguments == Some(0) {
                    format!("lambda: {value}")
                } else {
                    format!("lambda *args, **kwargs: {value}")
                }
            }
            (returned, arguments) => made::function(returned.as_deref(), *arguments, random),
        },
        Shape::Object(attributes) => {
            let attributes =
                attributes.iter().map(|(name, shape)| format!("{name}={}", write(shape, inner, others, random)));
            format!("{}({})", made::NAMESPACE, attributes.collect::<Vec<_>>().join(", "))
        }
        Shape::Known(known) => made::known(*known, random),
        Shape::OneOf(members) if members.is_empty() => "None".into(),
        Shape::OneOf(members) if entry.depth == 0 => members[(entry.turn + random.below(2)) % members.len()].clone(),
        Shape::OneOf(members) => random.pick(members).clone(),
        Shape::Either(shapes) if shapes.is_empty() => "None".into(),
        Shape::Either(shapes) if entry.depth == 0 => {
            // Each has its turn.
            write(&shapes[entry.turn % shapes.len()], entry, others, random)
        }
        Shape::Either(shapes) => {
            let shape = random.pick(shapes);
            write(shape, entry, others, random)
        }
        Shape::Sized(shape, lengths) => {
            if random.chance(35) {
                return write(shape, entry, others, random);
            }
            let longer = *random.pick::<usize>(&[0, 1, 1, 1, 2]);
            let length = (random.pick::<usize>(lengths) + longer).saturating_sub(1).max(1);
            sized(shape, length, entry, others, random)
        }
        Shape::Iterator(shape) => format!("iter({})", write(shape, entry, others, random)),
        Shape::Int { low, high, special, zero, wide, digits } => {
            if entry.depth == 0 && special.is_empty() && *digits && random.chance(25) {
                return random.pick(&[11, 121, 1223, 505, 4488, 7, 135, 99, 2112, 100]).to_string();
            }
            if entry.depth == 0 && *wide && random.chance(10) {
                return random.between(100, 9999).to_string();
            }
            int(*low, *high, special, *zero, entry, random).to_string()
        }
        Shape::Float { low, high, special, zero } => float(*low, *high, special, *zero, entry, random),
        // Text that is no number: code that reads one often says so.
        Shape::Str { style: Style::Digits | Style::Decimal, special, .. } if entry.edge && special.is_empty() => {
            quote(&word(random))
        }
        Shape::Str { style, special, empty } => {
            if *empty && entry.edge && random.chance(60) {
                return "''".into();
            }
            if matches!(style, Style::Word | Style::Sentence) && special.is_empty() {
                // What pads short texts, and what strips, does nothing to others.
                if entry.edge && random.chance(50) {
                    return quote(random.pick::<&str>(&CHARACTERS));
                }
                if random.chance(if entry.edge { 50 } else { 5 }) {
                    return quote(&format!(" {} ", word(random)));
                }
            }
            let affixed = matches!(style, Style::Affixed { .. });
            if !special.is_empty() && !affixed && entry.depth == 0 && entry.turn % 5 != 4 {
                // Each of them once before any comes again.
                let nth = entry.turn / 5 * 4 + entry.turn % 5;
                return quote(&special[nth % special.len()]);
            }
            if !special.is_empty() && random.chance(if affixed || entry.depth == 0 { 35 } else { 80 }) {
                return quote(random.pick::<String>(special));
            }
            if entry.tight && entry.depth > 0 && matches!(style, Style::Word) && special.is_empty() {
                return quote(random.pick::<&str>(&["apple", "cat", "blue"]));
            }
            quote(&text(style, random))
        }
        Shape::List { element, min, exact } => {
            let length = length(*min, *exact, entry, random);
            let mut elements: Vec<String> = (0..length).map(|_| write(element, inner, others, random)).collect();
            // Repeated elements are what counting and deduplicating code is about.
            if elements.len() > 2 && random.chance(25) {
                let from: Vec<String> = elements[..2].to_vec();
                for element in &mut elements {
                    element.clone_from(random.pick(&from));
                }
            } else if elements.len() > 2 && random.chance(30) {
                let (from, to) = (random.below(elements.len()), random.below(elements.len()));
                elements[to] = elements[from].clone();
            }
            format!("[{}]", elements.join(", "))
        }
        Shape::Tuple(items) => {
            let items: Vec<String> = items.iter().map(|item| write(item, inner, others, random)).collect();
            if items.len() == 1 { format!("({},)", items[0]) } else { format!("({})", items.join(", ")) }
        }
        Shape::Set(element) => {
            let mut elements = Vec::new();
            for _ in 0..length(0, false, entry, random) {
                let element = hashable(element, inner, random);
                if !elements.contains(&element) {
                    elements.push(element);
                }
            }
            if elements.is_empty() { "set()".into() } else { format!("{{{}}}", elements.join(", ")) }
        }
        Shape::Dict { entries, key, value, open } => {
            let mut written: Vec<(String, String)> =
                entries.iter().map(|(key, value)| (quote(key), write(value, inner, others, random))).collect();
            // Keys that are read with `get` may be missing.
            if entry.edge && written.len() > 1 {
                written.remove(random.below(written.len()));
            }
            if *open {
                for _ in 0..length(0, false, entry, random).min(4) {
                    let key = hashable(key, inner, random);
                    if !written.iter().any(|(known, _)| *known == key) {
                        written.push((key, write(value, inner, others, random)));
                    }
                }
            }
            let written: Vec<String> = written.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", written.join(", "))
        }
    }
}

/// A value of the shape that is as long as it is said.
fn sized(shape: &Shape, length: usize, entry: Entry, others: &[(String, String)], random: &mut Random) -> String {
    match shape {
        Shape::List { element, min, .. } => {
            let exactly = Shape::List { element: element.clone(), min: length.max(*min), exact: true };
            write(&exactly, Entry { edge: false, ..entry }, others, random)
        }
        Shape::Str { style, .. } => {
            let mut made = text(style, random);
            while made.chars().count() < length {
                let more = text(style, random);
                made.push_str(if more.is_empty() { "x" } else { &more });
            }
            // What it is to end with stays at its end.
            let keep = made.chars().rev().take(length / 2).collect::<Vec<_>>();
            let before = made.chars().take(length - keep.len());
            quote(&before.chain(keep.into_iter().rev()).collect::<String>())
        }
        Shape::Bytes { .. } => {
            let bytes: Vec<u8> = (0..length).filter_map(|_| u8::try_from(random.below(256)).ok()).collect();
            super::texts::quote_bytes(&bytes)
        }
        shape => write(shape, entry, others, random),
    }
}

/// `written` with the value `known` in it, at the end.
fn including(shape: &Shape, written: &str, known: &str) -> String {
    let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
    let before = if inner.is_empty() { String::new() } else { format!("{inner}, ") };
    let key = known.starts_with(['\'', '-']) || known.starts_with(|first: char| first.is_ascii_digit());
    match shape {
        Shape::List { exact: false, .. } => format!("[{before}{known}]"),
        Shape::Set(_) if key && !inner.ends_with('(') => format!("{{{before}{known}}}"),
        Shape::Dict { value, open: true, .. } if key => {
            let entry = Entry { length: 2, edge: false, depth: 1, turn: 0, tight: false };
            let value = write(value, entry, &[], &mut Random::new(written.len() as u64));
            format!("{{{before}{known}: {value}}}")
        }
        Shape::Str { .. } if known.starts_with('\'') && known.len() > 2 => {
            format!("'{inner}{}'", &known[1..known.len() - 1])
        }
        _ => written.to_string(),
    }
}

/// An element that can be a key: lists become tuples.
fn hashable(shape: &Shape, entry: Entry, random: &mut Random) -> String {
    match shape {
        Shape::List { element, .. } => {
            let (one, two) = (hashable(element, entry, random), hashable(element, entry, random));
            format!("({one}, {two})")
        }
        Shape::Dict { .. } | Shape::Set(_) => quote(&word(random)),
        Shape::Nullable(shape) | Shape::Sized(shape, _) | Shape::Iterator(shape) => hashable(shape, entry, random),
        Shape::Either(shapes) => shapes.first().map_or_else(|| quote("a"), |shape| hashable(shape, entry, random)),
        Shape::Tuple(items) => {
            let items: Vec<String> = items.iter().map(|item| hashable(item, entry, random)).collect();
            if items.len() == 1 { format!("({},)", items[0]) } else { format!("({})", items.join(", ")) }
        }
        Shape::Object(_) => quote(&word(random)),
        shape => write(shape, entry, &[], random),
    }
}

fn length(min: usize, exact: bool, entry: Entry, random: &mut Random) -> usize {
    if exact {
        return min;
    }
    if entry.edge && min == 0 && entry.depth == 0 {
        return random.below(2);
    }
    if min <= 1 { entry.length.max(min) } else { min + random.below(3) }
}

fn int(low: i64, high: i64, special: &[i64], zero: bool, entry: Entry, random: &mut Random) -> i64 {
    if entry.depth == 0 && !special.is_empty() && entry.turn.is_multiple_of(2) {
        // Each of them once before any comes again, and then the numbers beside them.
        let nth = entry.turn / 2;
        let beside = [0, -1, 1][nth / special.len() % 3];
        return special[nth % special.len()].saturating_add(beside);
    }
    if entry.depth == 0 && special.contains(&0) && low <= 0 && entry.turn % 10 == 7 {
        return random.between(-30, -2);
    }
    if !special.is_empty() && random.chance(if entry.depth == 0 { 35 } else { 55 }) {
        let beside = if random.chance(45) { random.between(-1, 1) } else { 0 };
        return random.pick(special).saturating_add(beside);
    }
    let value = if entry.edge && entry.depth == 0 {
        *random.pick(&[0, 1, low, high.saturating_mul(if high >= 100 { 9 } else { 1 })])
    } else if entry.depth > 0 && random.chance(if entry.tight { 85 } else { 30 }) {
        // Few values, so that lists meet.
        random.between(low.max(0), high.min(3).max(low))
    } else if random.chance(40) {
        random.between(low.max(0), high.min(12).max(low))
    } else {
        random.between(low.max(0), high)
    };
    if value == 0 && !zero { 1 } else { value }
}

fn float(low: f64, high: f64, special: &[f64], zero: bool, entry: Entry, random: &mut Random) -> String {
    if !special.is_empty() && random.chance(45) {
        let step = *random.pick(&[-0.5, 0.0, 0.5]);
        return format!("{:?}", random.pick(special) + step);
    }
    if entry.edge && entry.depth == 0 {
        return if zero { "0.0".into() } else { "1.0".into() };
    }
    // 32 bits suffice for values with two decimals.
    let share = f64::from(u32::try_from(random.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
    let value = low.max(0.0) + share * (high - low.max(0.0));
    let places = *random.pick(&[1.0, 2.0, 4.0, 100.0]);
    let value = (value * places).round() / places;
    format!("{:?}", if value == 0.0 && !zero { 1.5 } else { value })
}
