//! String literals as Python's `repr` writes them: one line, quotes of one kind, backslash escapes.

/// Bytes of the string literal, without prefix, that the text starts with; none where it does not end.
pub(crate) fn length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (quote, mut at) = (*bytes.first()?, 1);
    loop {
        at += memchr::memchr2(quote, b'\\', bytes.get(at..)?)?;
        if bytes[at] == quote {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The text that a string literal without prefix stands for; none for anything else, or a lone surrogate.
pub(crate) fn value(literal: &str) -> Option<String> {
    let literal = literal.trim();
    if !literal.starts_with(['\'', '"']) || length(literal)? != literal.len() {
        return None;
    }
    let mut chars = literal[1..literal.len() - 1].chars();
    let mut value = String::new();
    while let Some(next) = chars.next() {
        if next != '\\' {
            value.push(next);
            continue;
        }
        match chars.clone().next()? {
            'x' => value.push(escape(&mut chars, 2)?),
            'u' => value.push(escape(&mut chars, 4)?),
            'U' => value.push(escape(&mut chars, 8)?),
            simple => {
                chars.next();
                value.push(match simple {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '\\' | '\'' | '"' => simple,
                    _ => return None,
                });
            }
        }
    }
    Some(value)
}

/// The character after `\x`, `\u` or `\U`.
fn escape(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    chars.next();
    let hex: String = chars.by_ref().take(digits).collect();
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
}

/// As `json.dumps` writes a string: everything beyond ASCII escaped.
pub(crate) fn json_ascii(text: &str) -> String {
    use std::fmt::Write as _;
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            ' '..='~' => json.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::{json_ascii, length, value};

    #[test]
    fn literals_become_text_and_json() {
        let table = [
            ("'a'", "a", r#""a""#),
            (r#""it's""#, "it's", r#""it's""#),
            (r"'\n\\\x00'", "\n\\\0", r#""\n\\\u0000""#),
            ("'是😀'", "是😀", r#""\u662f\ud83d\ude00""#),
            (r"'\u200b'", "\u{200b}", r#""\u200b""#),
        ];
        for (literal, text, json) in table {
            assert_eq!(value(literal).as_deref(), Some(text));
            assert_eq!(json_ascii(text), json);
        }
        for other in ["a", "b'a'", "'a' + 'b'", "'a", r"'\ud800'"] {
            assert_eq!(value(other), None, "{other}");
        }
        assert_eq!(length(r"'a\'b' rest"), Some(6));
    }
}
