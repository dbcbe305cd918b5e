//! From bytes to the text that the parser sees, as CPython reads a file: byte order mark, coding line (PEP 263),
//! universal newlines.

use std::borrow::Cow;

/// Why bytes are no Python source text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// No coding line, and not UTF-8.
    #[error("not UTF-8 at byte {0}, and no coding line says otherwise")]
    NotUtf8(usize),
    /// A coding line that names something that we do not read.
    #[error("coding `{0}` is not supported: UTF-8, ASCII, Latin-1 and cp1252 are")]
    Coding(String),
    /// A byte that the named coding leaves undefined.
    #[error("byte {0} means nothing in the coding that the coding line names")]
    Undefined(usize),
    /// The coding line promises ASCII.
    #[error("not ASCII at byte {0}, against the coding line")]
    NotAscii(usize),
}

/// The text of a source file, with plain newlines and without a byte order mark.
///
/// # Errors
/// Bytes that the coding line, or UTF-8 where there is none, does not allow.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Undecodable> {
    let marked = bytes.starts_with(b"\xef\xbb\xbf");
    let utf8 = || std::str::from_utf8(bytes).map_err(|error| Undecodable::NotUtf8(error.valid_up_to()));
    let coding = if marked { None } else { coding_line(bytes) };
    let Some(coding) = coding else { return utf8().map(normalize) };
    let name = coding.to_ascii_lowercase().replace('_', "-");
    match name.as_str() {
        "utf-8" | "utf8" | "utf-8-sig" => utf8().map(normalize),
        "ascii" | "us-ascii" => match bytes.iter().position(|byte| !byte.is_ascii()) {
            Some(at) => Err(Undecodable::NotAscii(at)),
            None => utf8().map(normalize),
        },
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "iso-latin-1" | "l1" => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            Ok(Cow::Owned(normalize(&text).into_owned()))
        }
        "cp1252" | "windows-1252" | "1252" => {
            let decoded = |(at, byte): (usize, &u8)| cp1252(*byte).ok_or(Undecodable::Undefined(at));
            let text = bytes.iter().enumerate().map(decoded).collect::<Result<String, _>>()?;
            Ok(Cow::Owned(normalize(&text).into_owned()))
        }
        _ if name.starts_with("utf-8-") => utf8().map(normalize),
        _ => Err(Undecodable::Coding(coding)),
    }
}

/// Text that came decoded (a JSON string): without a byte order mark, `\r\n` and `\r` as `\n`. CPython's tokenizer does
/// the same, within string literals too.
pub fn normalize(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// Windows' Western European code page: Latin-1 with printable characters where that has control codes.
fn cp1252(byte: u8) -> Option<char> {
    const FROM_80: &str = "€\0‚ƒ„…†‡ˆ‰Š‹Œ\0Ž\0\0‘’“”•–—˜™š›œ\0žŸ";
    match byte {
        0x80..=0x9f => FROM_80.chars().nth(usize::from(byte - 0x80)).filter(|character| *character != '\0'),
        _ => Some(char::from(byte)),
    }
}

/// The name in a coding line: a comment within the first two lines; the second counts if the first is blank or comment.
fn coding_line(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let line = line.trim_ascii();
        if let Some(name) = coding_of(line) {
            return Some(name);
        }
        if !line.is_empty() && !line.starts_with(b"#") {
            return None;
        }
    }
    None
}

/// The name that a comment line gives after `coding:` or `coding=`.
pub(super) fn coding_of(line: &[u8]) -> Option<String> {
    if !line.starts_with(b"#") {
        return None;
    }
    let at = line.windows(7).position(|window| window == b"coding:" || window == b"coding=")?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let name: Vec<u8> = line[at + 7..].trim_ascii_start().iter().copied().take_while(is_name).collect();
    if name.is_empty() { None } else { String::from_utf8(name).ok() }
}
