//! Values that stand alone: literals and a few builtin calls.

use super::{
    literal::{MAX_DEPTH, is_name, word},
    quoted,
};

/// Names that a plain value may hold: with these a value needs no import.
const NAMES: [&str; 9] = ["True", "False", "None", "set", "frozenset", "float", "bytearray", "complex", "j"];

/// Whether the text is source that needs nothing imported.
pub(super) fn is_plain(text: &str) -> bool {
    // Most values are one number or one string.
    let number = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    number || read(text).is_some()
}

/// A bracket that is open.
struct Open {
    close: u8,
    /// Whether the entry has had the colon that it may have.
    keyed: bool,
}

/// Reads the text to its end; none at the first thing that no plain value holds.
fn read(text: &str) -> Option<()> {
    let (mut open, mut at) = (Vec::<Open>::new(), 0);
    while let Some(&next) = text.as_bytes().get(at) {
        at += match next {
            b'\'' | b'"' => quoted::length(&text[at..])?,
            b'(' | b'[' | b'{' => {
                let close = if next == b'(' { b')' } else { next + 2 };
                open.push(Open { close, keyed: false });
                (open.len() <= MAX_DEPTH).then_some(1)?
            }
            b')' | b']' | b'}' => open.pop().filter(|last| last.close == next).map(|_| 1)?,
            b',' => {
                open.iter_mut().last().into_iter().for_each(|last| last.keyed = false);
                1
            }
            b':' => {
                let entry = open.last_mut().filter(|last| last.close == b'}' && !last.keyed)?;
                entry.keyed = true;
                1
            }
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => {
                let (word, after) = text[at..].split_at(word(&text[at..]).len());
                let attribute = text[..at].ends_with('.');
                let plain = !is_name(word, after) || (NAMES.contains(&word) && !attribute);
                (plain && !word.is_empty()).then_some(word.len())?
            }
            b'-' | b'+' | b'.' => 1,
            _ => next.is_ascii_whitespace().then_some(1)?,
        };
    }
    open.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn plain_values_need_no_import() {
        for plain in ["[1, -2.5e-05, b'x', None]", "{'a': {1, 2}}", "float('nan')", "set()", "(1+2j)"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["datetime.date(2020, 1, 1)", "<object>", "lambda x: x", "[x for x in y]", "1 if a else 2"] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
