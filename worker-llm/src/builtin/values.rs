//! Python literals of a shape, one after another, different ones each time.

use super::shape::{Shape, Style};

const WORDS: [&str; 24] = [
    "apple",
    "river",
    "Stone",
    "cat",
    "level",
    "blue",
    "Python",
    "banana",
    "hello",
    "world",
    "Zoe",
    "kite",
    "noon",
    "tree42",
    "MIXED",
    "quick",
    "a",
    "snow",
    "radar",
    "x1",
    "lamp",
    "Ocean",
    "seven",
    "bookkeeper",
];
const CHARACTERS: [&str; 12] = ["a", "z", "B", "5", " ", "e", "Q", "0", "-", "m", "T", "9"];
const URLS: [&str; 6] = [
    "https://example.com/a/b.html",
    "http://www.site.org/index.php?id=7",
    "https://sub.example.co.uk",
    "ftp://files.example.net/x.zip",
    "example.com/page",
    "https://example.com/path/?q=1&r=2#top",
];
const PATHS: [&str; 6] =
    ["/home/user/file.txt", "data/table.csv", "archive.tar.gz", "image.PNG", "/etc/hosts", "a/b/c/"];
const JSON: [&str; 6] =
    ["{\"a\": 1}", "[1, 2, 3]", "{\"name\": \"Ann\", \"age\": 30}", "[]", "{\"x\": [true, null]}", "\"text\""];

/// Random numbers that depend on the key only.
pub(crate) struct Random(blake3::OutputReader);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof())
    }

    fn next(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// From 0 up to, but without, `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The remainder is below `end`, which is a usize.
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i64::try_from(self.next() % width).unwrap_or(0))
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        let at = self.below(from.len());
        &from[at]
    }
}

/// What the values of one entry share.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Elements that a list has if nothing else decides: lists that belong together are then as long as one another.
    pub length: usize,
    /// Whether edge cases are wanted: empty, zero, negative.
    pub edge: bool,
    /// How deep within the argument.
    pub depth: usize,
}

/// One value, as Python source.
pub(super) fn write(shape: &Shape, entry: Entry, others: &[(String, String)], random: &mut Random) -> String {
    let inner = Entry { depth: entry.depth + 1, edge: false, length: 2 + random.below(3) };
    match shape {
        Shape::Nullable(_) if random.chance(15) => "None".into(),
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
        Shape::Bytes => format!("b{}", quote(&word(random))),
        Shape::Callable => "lambda *args: args[0]".into(),
        Shape::Int { low, high, special, zero } => int(*low, *high, special, *zero, entry, random).to_string(),
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
            if !special.is_empty() && random.chance(80) {
                return quote(random.pick::<String>(special));
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

/// `written` with the value `known` in it, at the end.
fn including(shape: &Shape, written: &str, known: &str) -> String {
    let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
    let before = if inner.is_empty() { String::new() } else { format!("{inner}, ") };
    let key = known.starts_with(['\'', '-']) || known.starts_with(|first: char| first.is_ascii_digit());
    match shape {
        Shape::List { exact: false, .. } => format!("[{before}{known}]"),
        Shape::Set(_) if key && !inner.ends_with('(') => format!("{{{before}{known}}}"),
        Shape::Dict { value, open: true, .. } if key => {
            let value =
                write(value, Entry { length: 2, edge: false, depth: 1 }, &[], &mut Random::new(written.len() as u64));
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
        Shape::Nullable(shape) => hashable(shape, entry, random),
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
    if !special.is_empty() && random.chance(55) {
        let beside = if random.chance(45) { random.between(-1, 1) } else { 0 };
        return random.pick(special).saturating_add(beside);
    }
    let value = if entry.edge && entry.depth == 0 {
        *random.pick(&[0, 1, low, high.saturating_mul(if high >= 100 { 9 } else { 1 })])
    } else if entry.depth > 0 && random.chance(30) {
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

fn word(random: &mut Random) -> String {
    (*random.pick(&WORDS)).to_string()
}

fn text(style: &Style, random: &mut Random) -> String {
    match style {
        Style::Word => word(random),
        Style::Sentence => {
            let words = 1 + random.below(5);
            (0..words).map(|_| word(random)).collect::<Vec<_>>().join(" ")
        }
        Style::Character => (*random.pick(&CHARACTERS)).into(),
        Style::Digits => {
            let most = *random.pick(&[9, 99, 999, 99_999]);
            random.between(0, most).to_string()
        }
        Style::Decimal => format!("{}.{}", random.between(0, 99), random.between(0, 99)),
        Style::Binary => format!("{:b}", random.between(0, 255)),
        Style::Hexadecimal => format!("{:x}", random.between(0, 65_535)),
        Style::Json => (*random.pick(&JSON)).into(),
        Style::Url => (*random.pick(&URLS)).into(),
        Style::Email => format!("{}@{}.com", word(random).to_lowercase(), word(random).to_lowercase()),
        Style::Path => (*random.pick(&PATHS)).into(),
        Style::Date => {
            format!("{}-{:02}-{:02}", random.between(1990, 2030), random.between(1, 12), random.between(1, 28))
        }
        Style::Time => {
            format!("{:02}:{:02}:{:02}", random.between(0, 23), random.between(0, 59), random.between(0, 59))
        }
        Style::Alphabet(characters) => {
            let length = 1 + random.below(10);
            let mixed = random.chance(25);
            let mut text: String = (0..length).map(|_| *random.pick(characters)).collect();
            if mixed {
                text.push_str(&word(random));
            }
            text
        }
        Style::Pieces { piece, separator, least, exact } => {
            let count = if *exact { *least } else { least + random.below(4) };
            (0..count).map(|_| text(piece, random)).collect::<Vec<_>>().join(separator)
        }
        Style::With(style, hints) => {
            let before = text(style, random);
            if random.chance(40) { format!("{before}{}", random.pick(hints)) } else { before }
        }
        Style::Places(digits) => {
            let place = |digit: &bool| if *digit { b'1' + below_byte(random, 8) } else { b'a' + below_byte(random, 8) };
            digits.iter().map(place).map(char::from).collect()
        }
        Style::Around(hints) => {
            let hint = random.pick(hints).clone();
            match random.below(5) {
                0 => format!("{hint}{}", word(random)),
                1 => format!("{}{hint}", word(random)),
                2 => format!("{} {}", word(random), word(random)),
                _ => format!("{}{hint}{}", word(random), word(random)),
            }
        }
    }
}

/// From 0 up to, but without, `end`.
fn below_byte(random: &mut Random, end: u8) -> u8 {
    u8::try_from(random.below(usize::from(end))).unwrap_or(0)
}

/// A Python string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("'");
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => quoted.push_str(&format!("\\U{:08x}", u32::from(control))),
            plain => quoted.push(plain),
        }
    }
    quoted.push('\'');
    quoted
}
