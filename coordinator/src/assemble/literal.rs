//! Reprs of Python values, read by their brackets and strings alone. What cannot be read that way (an object's own
//! repr, brackets nested too deep) is taken as it stands.

/// Brackets nested deeper than this are left as they stand; CPython's own parser stops at 200.
const MAX_DEPTH: usize = 100;

/// Names that a plain value may hold: with these a value needs no import.
const PLAIN_NAMES: [&str; 9] = ["True", "False", "None", "set", "frozenset", "float", "bytearray", "complex", "j"];

/// One text for equal values: entries of sets and dicts sorted, everything else in order.
pub(super) fn canonical(text: &str) -> String {
    rewrite(text, Form::Compare)
}

/// The value as source: sets sorted, `nan` and `inf` as calls that give them back.
pub(super) fn source(text: &str) -> String {
    rewrite(text, Form::Show)
}

/// Whether the text is source that needs nothing imported: literals and a few builtin calls.
pub(super) fn is_plain(text: &str) -> bool {
    let mut reader = Reader::new(text, Form::Compare);
    reader.entries(None, 0).is_some() && reader.plain
}

/// Keys and values of a dict whose keys are strings, values as they stand.
pub(super) fn keyword_dict(text: &str) -> Option<Vec<(String, String)>> {
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let entries = Reader::new(inside, Form::Keep).entries(None, 1)?;
    let pair = |entry: Entry| Some((super::quoted::value(&entry.key?)?, entry.text));
    entries.into_iter().map(pair).collect()
}

fn rewrite(text: &str, form: Form) -> String {
    let text = text.trim();
    // A string, a number or a word: by far the most common, and nothing in it can change.
    if !text.contains(['{', '(', '[']) && !text.contains("nan") && !text.contains("inf") {
        return text.to_owned();
    }
    match Reader::new(text, form).entries(None, 0) {
        Some(entries) => join(entries),
        None => text.to_owned(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Keep,
    Compare,
    Show,
}

/// What stands between two commas.
#[derive(PartialEq, PartialOrd)]
struct Entry {
    key: Option<String>,
    text: String,
}

impl Entry {
    fn whole(&self) -> String {
        match &self.key {
            Some(key) => format!("{key}: {}", self.text),
            None => self.text.clone(),
        }
    }
}

fn join(entries: Vec<Entry>) -> String {
    entries.iter().map(Entry::whole).collect::<Vec<_>>().join(", ")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    form: Form,
    plain: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, form: Form) -> Self {
        Self { text, at: 0, form, plain: true }
    }

    /// Entries up to the bracket `close`, which is consumed, or to the end of the text. None where brackets or quotes
    /// do not match.
    fn entries(&mut self, close: Option<char>, depth: usize) -> Option<Vec<Entry>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (mut entries, mut key, mut text) = (Vec::new(), None, String::new());
        let mut commas = 0;
        loop {
            let Some(next) = self.text[self.at..].chars().next() else {
                if close.is_some() {
                    return None;
                }
                break;
            };
            let start = self.at;
            match next {
                '\'' | '"' => {
                    self.at += super::quoted::length(&self.text[start..])?;
                    text.push_str(&self.text[start..self.at]);
                }
                '(' | '[' | '{' => {
                    self.at += 1;
                    text.push_str(&self.group(next, depth)?);
                }
                ')' | ']' | '}' => {
                    if close != Some(next) {
                        return None;
                    }
                    self.at += 1;
                    break;
                }
                ',' => {
                    self.at += 1;
                    commas += 1;
                    entries.push(Entry { key: key.take(), text: take_trimmed(&mut text) });
                }
                ':' if close != Some(']') && key.is_none() && (close == Some('}') || self.form == Form::Keep) => {
                    self.at += 1;
                    key = Some(take_trimmed(&mut text));
                }
                _ if next.is_alphanumeric() || next == '_' => text.push_str(&self.word(&text)),
                _ => {
                    self.plain &= next.is_ascii_whitespace() || matches!(next, '-' | '+' | '.');
                    self.at += next.len_utf8();
                    text.push(next);
                }
            }
        }
        let last = Entry { key, text: take_trimmed(&mut text) };
        // `(1,)`: the comma makes the tuple.
        let lone_comma = close == Some(')') && commas == 1 && last.text.is_empty();
        if lone_comma && let Some(only) = entries.last_mut() {
            only.text.push(',');
        }
        if last.key.is_some() || !last.text.is_empty() {
            entries.push(last);
        }
        Some(entries)
    }

    fn group(&mut self, open: char, depth: usize) -> Option<String> {
        let close = match open {
            '(' => ')',
            '[' => ']',
            _ => '}',
        };
        let mut entries = self.entries(Some(close), depth + 1)?;
        if open == '{' {
            let is_set = entries.iter().all(|entry| entry.key.is_none());
            if self.form == Form::Compare || (self.form == Form::Show && is_set) {
                sort(&mut entries);
            }
        }
        Some(format!("{open}{}{close}", join(entries)))
    }

    /// An identifier or a number, with what a float's repr holds (`1e-05`, `2.5`); `before` is what the entry holds so
    /// far.
    fn word(&mut self, before: &str) -> String {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        self.at += length;
        let quoted_next = after.starts_with(['\'', '"']);
        let is_prefix = quoted_next && matches!(word, "b" | "B" | "r" | "R" | "u" | "U" | "br" | "rb");
        let is_name = !word.starts_with(|c: char| c.is_ascii_digit()) && !is_prefix;
        let alone = !before.ends_with('.') && !after.starts_with(['.', '=', '(']);
        let infinite = is_name && alone && matches!(word, "nan" | "inf");
        self.plain &= !is_name || (PLAIN_NAMES.contains(&word) && !before.ends_with('.'));
        if infinite && self.form == Form::Show { format!("float('{word}')") } else { word.to_owned() }
    }
}

fn take_trimmed(text: &mut String) -> String {
    std::mem::take(text).trim().to_owned()
}

/// Numbers by value, anything else by its text.
fn sort(entries: &mut [Entry]) {
    let number = |entry: &Entry| entry.key.as_ref().unwrap_or(&entry.text).parse::<f64>().ok();
    entries.sort_by(|a, b| match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.text.cmp(&b.text)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => (&a.key, &a.text).cmp(&(&b.key, &b.text)),
    });
}

#[cfg(test)]
mod tests {
    use super::{canonical, is_plain, keyword_dict, source};

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
    fn plain_values_need_no_import() {
        for plain in ["[1, -2.5e-05, b'x', None]", "{'a': {1, 2}}", "float('nan')", "set()", "(1+2j)"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["datetime.date(2020, 1, 1)", "<object>", "lambda x: x", "[x for x in y]", "1 if a else 2"] {
            assert!(!is_plain(other), "{other}");
        }
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
