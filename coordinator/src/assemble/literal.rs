//! Reprs of Python values, read by their brackets and strings alone. What cannot be read that way (an object's own
//! repr, brackets nested too deep) is taken as it stands.

use std::{borrow::Cow, cmp::Ordering};

/// Brackets nested deeper than this are left as they stand; CPython's own parser stops at 200.
pub(super) const MAX_DEPTH: usize = 100;

/// One text for equal values: entries of sets and dicts sorted, everything else in order.
pub(super) fn canonical(text: &str) -> Cow<'_, str> {
    // Nothing but sets and dicts can stand in another order.
    if text.contains('{') { rewrite(text, Form::Compare) } else { Cow::Borrowed(text.trim()) }
}

/// The value as source: sets sorted, `nan` and `inf` as calls that give them back.
pub(super) fn source(text: &str) -> Cow<'_, str> {
    let may_change = text.contains('{') || text.contains("nan") || text.contains("inf");
    if may_change { rewrite(text, Form::Show) } else { Cow::Borrowed(text.trim()) }
}

/// Keys and values of a dict whose keys are strings, values as they stand.
pub(super) fn keyword_dict(text: &str) -> Option<Vec<(String, String)>> {
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let entries = Reader::new(inside, Form::Keep).entries(None, 1)?;
    let pair = |entry: Entry<'_>| Some((super::quoted::value(&entry.key?)?, entry.text.into_owned()));
    entries.list.into_iter().map(pair).collect()
}

/// The identifier or number that the text starts with; empty where there is none. Of a float's repr (`1e-05`, `2.5`) that
/// is a part.
pub(super) fn word(text: &str) -> &str {
    let ascii = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let length = match text.as_bytes().get(ascii) {
        Some(0x80..) => text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len()),
        _ => ascii,
    };
    &text[..length]
}

/// Whether a word is a name: no number, and no prefix of the string `after` it.
pub(super) fn is_name(word: &str, after: &str) -> bool {
    let quoted_next = after.starts_with(['\'', '"']);
    let is_prefix = quoted_next && matches!(word, "b" | "B" | "r" | "R" | "u" | "U" | "br" | "rb");
    !word.starts_with(|c: char| c.is_ascii_digit()) && !is_prefix
}

fn rewrite(text: &str, form: Form) -> Cow<'_, str> {
    let text = text.trim();
    match Reader::new(text, form).entries(None, 0) {
        Some(entries) if entries.changed => Cow::Owned(entries.joined()),
        _ => Cow::Borrowed(text),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Changes nothing; the text is the inside of a dict.
    Keep,
    Compare,
    Show,
}

/// What stands between two commas; borrowed as long as it stands as it was.
struct Entry<'a> {
    key: Option<Cow<'a, str>>,
    text: Cow<'a, str>,
}

impl Entry<'_> {
    fn order(&self, other: &Self) -> Ordering {
        let number = |entry: &Self| entry.key.as_ref().unwrap_or(&entry.text).parse::<f64>().ok();
        // Numbers by value, anything else by its text.
        match (number(self), number(other)) {
            (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| self.text.cmp(&other.text)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => (&self.key, &self.text).cmp(&(&other.key, &other.text)),
        }
    }
}

/// Entries, and whether they differ from what was read.
#[derive(Default)]
struct Entries<'a> {
    list: Vec<Entry<'a>>,
    changed: bool,
    /// `(1,)`: the comma makes the tuple.
    lone_comma: bool,
}

impl Entries<'_> {
    fn joined(&self) -> String {
        let mut text = String::new();
        for (at, entry) in self.list.iter().enumerate() {
            if at > 0 {
                text.push_str(", ");
            }
            if let Some(key) = &entry.key {
                text.push_str(key);
                text.push_str(": ");
            }
            text.push_str(&entry.text);
        }
        if self.lone_comma {
            text.push(',');
        }
        text
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    form: Form,
}

/// A stretch of the text between two marks, copied only once something in it has changed.
struct Piece {
    from: usize,
    own: Option<String>,
    copied: usize,
}

impl Piece {
    fn at(from: usize) -> Self {
        Self { from, own: None, copied: from }
    }

    /// Puts `instead` in the place of what stands from `start` to `end`.
    fn replace(&mut self, text: &str, start: usize, end: usize, instead: &str) {
        let own = self.own.get_or_insert_default();
        own.push_str(&text[self.copied..start]);
        own.push_str(instead);
        self.copied = end;
    }

    fn ends<'a>(self, text: &'a str, end: usize) -> Cow<'a, str> {
        match self.own {
            Some(mut own) => {
                own.push_str(&text[self.copied..end]);
                Cow::Owned(own.trim().to_owned())
            }
            None => Cow::Borrowed(text[self.from..end].trim()),
        }
    }
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, form: Form) -> Self {
        Self { text, at: 0, form }
    }

    /// Entries up to the bracket `close`, which is consumed, or to the end of the text. None where brackets or quotes
    /// do not match.
    fn entries(&mut self, close: Option<u8>, depth: usize) -> Option<Entries<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (mut entries, mut key, mut piece) = (Entries::default(), None, Piece::at(self.at));
        let mut commas = 0;
        loop {
            let start = self.at;
            let Some(&next) = self.text.as_bytes().get(start) else {
                if close.is_some() {
                    return None;
                }
                break;
            };
            match next {
                b'\'' | b'"' => self.at += super::quoted::length(&self.text[start..])?,
                b'(' | b'[' | b'{' => {
                    self.at += 1;
                    if let Some(group) = self.group(next, depth)? {
                        entries.changed = true;
                        piece.replace(self.text, start, self.at, &group);
                    }
                }
                b')' | b']' | b'}' => {
                    if close != Some(next) {
                        return None;
                    }
                    self.at += 1;
                    break;
                }
                b',' => {
                    self.at += 1;
                    commas += 1;
                    let text = std::mem::replace(&mut piece, Piece::at(self.at)).ends(self.text, start);
                    entries.list.push(Entry { key: key.take(), text });
                }
                b':' if close != Some(b']') && key.is_none() && (close == Some(b'}') || self.form == Form::Keep) => {
                    self.at += 1;
                    key = Some(std::mem::replace(&mut piece, Piece::at(self.at)).ends(self.text, start));
                }
                b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => {
                    let infinite = self.infinite(piece.from)?;
                    if infinite && self.form == Form::Show {
                        entries.changed = true;
                        let word = format!("float('{}')", &self.text[start..self.at]);
                        piece.replace(self.text, start, self.at, &word);
                    }
                }
                _ => self.at += 1,
            }
        }
        let end = self.at - usize::from(close.is_some());
        let last = Entry { key, text: piece.ends(self.text, end) };
        entries.lone_comma = close == Some(b')') && commas == 1 && last.text.is_empty();
        if last.key.is_some() || !last.text.is_empty() {
            entries.list.push(last);
        }
        Some(entries)
    }

    /// Reads to the end of a bracket; gives its text where that is to change.
    #[expect(clippy::option_option, reason = "unreadable, unchanged or changed")]
    fn group(&mut self, open: u8, depth: usize) -> Option<Option<String>> {
        let close = match open {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        let mut entries = self.entries(Some(close), depth + 1)?;
        if open == b'{' {
            let is_set = entries.list.iter().all(|entry| entry.key.is_none());
            let sorts = self.form == Form::Compare || (self.form == Form::Show && is_set);
            if sorts && !entries.list.is_sorted_by(|a, b| a.order(b).is_le()) {
                entries.list.sort_by(Entry::order);
                entries.changed = true;
            }
        }
        Some(entries.changed.then(|| format!("{}{}{}", char::from(open), entries.joined(), char::from(close))))
    }

    /// Reads a word, and tells whether it is `nan` or `inf`; the entry begins at `from`.
    fn infinite(&mut self, from: usize) -> Option<bool> {
        let (before, rest) = (&self.text[from..self.at], &self.text[self.at..]);
        let word = word(rest);
        // Where no word is, there is a character of another kind.
        self.at += if word.is_empty() { rest.chars().next()?.len_utf8() } else { word.len() };
        let after = &rest[word.len()..];
        let alone = !before.ends_with('.') && !after.starts_with(['.', '=', '(']);
        Some(matches!(word, "nan" | "inf") && alone && is_name(word, after))
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, keyword_dict, source};

    #[test]
    fn equal_values_have_one_text() {
        let same = [
            ("{3, 1, 2}", "{1, 2, 3}"),
            ("{'b': {2, 1}, 'a': 0}", "{'a': 0, 'b': {1, 2}}"),
            ("Counter({'x': 1, 'y': 1})", "Counter({'y': 1, 'x': 1})"),
            ("[{'}', '{'}]", "[{'{', '}'}]"),
        ];
        for (left, right) in same {
            assert_eq!(canonical(left), canonical(right));
        }
        for (left, right) in [("[1, 2]", "[2, 1]"), ("1", "1.0"), ("(1,)", "(1)"), ("{1: 2}", "{2: 1}")] {
            assert_ne!(canonical(left), canonical(right));
        }
    }

    #[test]
    fn shown_values_are_source() {
        let table = [
            ("{3, 1, 10}", "{1, 3, 10}"),
            ("{'b': 1, 'a': nan}", "{'b': 1, 'a': float('nan')}"),
            ("[inf, -inf, 'inf']", "[float('inf'), -float('inf'), 'inf']"),
            ("(1,)", "(1,)"),
            ("{}", "{}"),
            ("<it's [>", "<it's [>"),
            (r"'it\'s, {b, a}'", r"'it\'s, {b, a}'"),
            ("Range(inf=3)", "Range(inf=3)"),
        ];
        for (repr, shown) in table {
            assert_eq!(source(repr), shown);
        }
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(source(&deep), deep);
    }

    #[test]
    fn keyword_dicts_come_apart() {
        let pairs = keyword_dict(r#"{'a': {'x': [1, 2]}, 'b_1': "it's, {"}"#);
        let wanted = [("a", "{'x': [1, 2]}"), ("b_1", r#""it's, {""#)];
        assert_eq!(pairs, Some(wanted.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec()));
        assert_eq!(keyword_dict("{}"), Some(vec![]));
        assert_eq!(keyword_dict("{1, 2}"), None);
        assert_eq!(keyword_dict("{'a': [1}"), None);
    }
}
