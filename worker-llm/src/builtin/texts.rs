//! Texts of a style.

use super::{random::Random, shape::Style};

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
pub(super) const CHARACTERS: [&str; 12] = ["a", "z", "B", "5", " ", "e", "Q", "0", "-", "m", "T", "9"];
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

pub(super) fn word(random: &mut Random) -> String {
    (*random.pick(&WORDS)).to_string()
}

pub(super) fn text(style: &Style, random: &mut Random) -> String {
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
            // One or two characters are separators rather than an alphabet.
            if characters.len() < 3 && random.chance(75) {
                let one = |random: &mut Random| match random.below(2) {
                    0 => *random.pick(characters),
                    _ => *random.pick(&['a', 'b', 'z', 'Q', '7', '-', ' ']),
                };
                return (0..length + 2).map(|_| one(random)).collect();
            }
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
        Style::Affixed { style, prefixes, suffixes } => {
            let mut made = text(style, random);
            if !prefixes.is_empty() && random.chance(65) {
                made.insert_str(0, random.pick::<String>(prefixes));
            }
            if !suffixes.is_empty() && random.chance(65) {
                made.push_str(random.pick::<String>(suffixes));
            }
            made
        }
        Style::Padded(style) => {
            let made = text(style, random);
            match random.below(5) {
                0 => format!("  {made}"),
                1 => format!("{made} \n"),
                2 => format!(" {made} "),
                _ => made,
            }
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

/// A Python bytes literal.
pub(super) fn quote_bytes(bytes: &[u8]) -> String {
    format!("b'{}'", bytes.escape_ascii())
}
