//! Values as their reprs tell them, compared by content.

use std::cmp::Ordering;

use crate::assemble::quoted;

/// Brackets nested deeper than this are left as text; CPython's own parser stops at 200.
const MAX_DEPTH: usize = 100;

/// A value. Types are kept apart: `1`, `1.0` and `True` are three values.
#[derive(Clone, Debug)]
pub enum Value {
    /// Without a point or an exponent.
    Int(String),
    /// Any other real number; zero has no sign.
    Float(f64),
    /// A string's content.
    Text(String),
    /// `[…]`.
    List(Vec<Value>),
    /// `(…)`.
    Tuple(Vec<Value>),
    /// `{…}` or `set()`, sorted.
    Set(Vec<Value>),
    /// `{…: …}`, sorted.
    Dict(Vec<(Value, Value)>),
    /// `name(…)`, each argument with its keyword, if it has one.
    Call(String, Vec<(String, Value)>),
    /// Anything else, as it stands.
    Word(String),
}

impl Value {
    /// The value of this repr.
    pub fn read(repr: &str) -> Self {
        let mut reader = Reader { text: repr, at: 0 };
        match reader.value(0) {
            Some(value) if reader.rest().is_empty() => value,
            _ => Self::Word(repr.to_owned()),
        }
    }

    /// Whether both have the same content; floats may differ by `tolerance`, as a share of the larger one or, below 1,
    /// as such. NaN is NaN.
    pub fn equals(&self, other: &Self, tolerance: f64) -> bool {
        let all = |a: &[Self], b: &[Self]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b, tolerance));
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => {
                let near = || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0);
                a == b || a.is_nan() && b.is_nan() || tolerance > 0.0 && (a - b).is_finite() && near()
            }
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) | (Self::Set(a), Self::Set(b)) => {
                all(a, b)
            }
            (Self::Dict(a), Self::Dict(b)) => {
                let same =
                    |((k, v), (l, w)): (&(Self, Self), &(Self, Self))| k.equals(l, tolerance) && v.equals(w, tolerance);
                a.len() == b.len() && a.iter().zip(b).all(same)
            }
            (Self::Call(f, a), Self::Call(g, b)) => {
                let same = |((k, v), (l, w)): (&(String, Self), &(String, Self))| k == l && v.equals(w, tolerance);
                f == g && a.len() == b.len() && a.iter().zip(b).all(same)
            }
            _ => self.order(other) == Ordering::Equal,
        }
    }

    /// Whether it tells where something stands in memory.
    pub fn has_address(&self) -> bool {
        match self {
            Self::Word(text) => text.contains(" at 0x"),
            Self::List(all) | Self::Tuple(all) | Self::Set(all) => all.iter().any(Self::has_address),
            Self::Dict(pairs) => pairs.iter().any(|(key, value)| key.has_address() || value.has_address()),
            Self::Call(_, arguments) => arguments.iter().any(|(_, value)| value.has_address()),
            Self::Int(_) | Self::Float(_) | Self::Text(_) => false,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Int(_) => 0,
            Self::Float(_) => 1,
            Self::Text(_) => 2,
            Self::List(_) => 3,
            Self::Tuple(_) => 4,
            Self::Set(_) => 5,
            Self::Dict(_) => 6,
            Self::Call(..) => 7,
            Self::Word(_) => 8,
        }
    }

    /// A total order in which equal values stand side by side.
    fn order(&self, other: &Self) -> Ordering {
        let each = |a: &[Self], b: &[Self]| {
            a.iter().zip(b).map(|(a, b)| a.order(b)).find(|o| o.is_ne()).unwrap_or(a.len().cmp(&b.len()))
        };
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Int(a), Self::Int(b)) | (Self::Text(a), Self::Text(b)) | (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) | (Self::Set(a), Self::Set(b)) => {
                each(a, b)
            }
            (Self::Dict(a), Self::Dict(b)) => {
                let pair = |((k, v), (l, w)): (&(Self, Self), &(Self, Self))| k.order(l).then_with(|| v.order(w));
                a.iter().zip(b).map(pair).find(|o| o.is_ne()).unwrap_or(a.len().cmp(&b.len()))
            }
            (Self::Call(f, a), Self::Call(g, b)) => {
                let pair = |((k, v), (l, w)): (&(String, Self), &(String, Self))| k.cmp(l).then_with(|| v.order(w));
                let arguments = || a.iter().zip(b).map(pair).find(|o| o.is_ne()).unwrap_or(a.len().cmp(&b.len()));
                f.cmp(g).then_with(arguments)
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// The text with every place in memory left out: it is another in every process.
pub fn without_addresses(text: &str) -> String {
    const MARK: &str = " at 0x";
    let mut parts = text.split(MARK);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        whole.push_str(MARK);
        whole.push_str(if rest.len() < part.len() { "..." } else { "" });
        whole.push_str(rest);
    }
    whole
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let start = self.at;
        match self.rest().chars().next()? {
            '\'' | '"' => {
                self.at += quoted::length(self.rest())?;
                let literal = &self.text[start..self.at];
                // A lone surrogate stands for no text: the literal stands for itself.
                Some(quoted::value(literal).map_or_else(|| Value::Word(literal.to_owned()), Value::Text))
            }
            '[' => self.items("[", "]", depth).map(Value::List),
            '{' => self.braced(depth),
            '(' => match self.items("(", ")", depth) {
                Some(items) => Some(Value::Tuple(items)),
                // A complex number.
                None => {
                    self.at = start;
                    self.bracketed('(', ')')
                }
            },
            '<' => self.bracketed('<', '>'),
            _ => self.word(depth),
        }
    }

    /// Values with commas in between, up to `close`.
    fn items(&mut self, open: &str, close: &str, depth: usize) -> Option<Vec<Value>> {
        self.eat(open);
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.value(depth + 1)?);
            if !self.eat(", ") && !self.eat(",") && !self.rest().starts_with(close) {
                return None;
            }
        }
        Some(items)
    }

    fn braced(&mut self, depth: usize) -> Option<Value> {
        self.eat("{");
        let (mut items, mut pairs) = (Vec::new(), Vec::new());
        while !self.eat("}") {
            let first = self.value(depth + 1)?;
            match self.eat(": ") {
                true => pairs.push((first, self.value(depth + 1)?)),
                false => items.push(first),
            }
            if !self.eat(", ") && !self.rest().starts_with('}') {
                return None;
            }
        }
        items.sort_by(Value::order);
        pairs.sort_by(|(k, v), (l, w)| k.order(l).then_with(|| v.order(w)));
        match (items.is_empty(), pairs.is_empty()) {
            (false, true) => Some(Value::Set(items)),
            (true, _) => Some(Value::Dict(pairs)),
            (false, false) => None,
        }
    }

    /// As it stands, up to the bracket that belongs to the one here.
    fn bracketed(&mut self, open: char, close: char) -> Option<Value> {
        let (start, mut depth) = (self.at, 0usize);
        for (at, next) in self.rest().char_indices() {
            depth += usize::from(next == open);
            if next == close {
                depth -= 1;
                if depth == 0 {
                    self.at += at + next.len_utf8();
                    return Some(Value::Word(self.text[start..self.at].to_owned()));
                }
            }
        }
        None
    }

    /// A number, a name, bytes, or a call.
    fn word(&mut self, depth: usize) -> Option<Value> {
        let rest = self.rest();
        let length =
            rest.find(['(', ')', '[', ']', '{', '}', ',', ':', '=', '<', '>', ' ', '\'', '"']).unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        if word == "b" && self.rest().starts_with(['\'', '"']) {
            let start = self.at;
            self.at += quoted::length(self.rest())?;
            return Some(Value::Word(format!("b{}", &self.text[start..self.at])));
        }
        if word.is_empty() {
            return None;
        }
        if self.rest().starts_with('(') && word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            let arguments = self.arguments(depth)?;
            return Some(match (word, &arguments[..]) {
                ("set", []) => Value::Set(Vec::new()),
                _ => Value::Call(word.to_owned(), arguments),
            });
        }
        let digits = word.strip_prefix('-').unwrap_or(word);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Value::Int(word.to_owned()));
        }
        let number = digits.starts_with(|c: char| c.is_ascii_digit()) || matches!(digits, "inf" | "nan");
        match word.parse::<f64>() {
            // One zero, one NaN.
            Ok(float) if number && float == 0.0 => Some(Value::Float(0.0)),
            Ok(float) if number && float.is_nan() => Some(Value::Float(f64::NAN)),
            Ok(float) if number => Some(Value::Float(float)),
            _ => Some(Value::Word(word.to_owned())),
        }
    }

    fn arguments(&mut self, depth: usize) -> Option<Vec<(String, Value)>> {
        self.eat("(");
        let mut arguments = Vec::new();
        while !self.eat(")") {
            let length = self.rest().find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(0);
            let keyword = if self.rest()[length..].starts_with('=') { &self.rest()[..length] } else { "" };
            self.at += if keyword.is_empty() { 0 } else { length + 1 };
            arguments.push((keyword.to_owned(), self.value(depth + 1)?));
            if !self.eat(", ") && !self.eat(",") && !self.rest().starts_with(')') {
                return None;
            }
        }
        Some(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    fn same(a: &str, b: &str, tolerance: f64) -> bool {
        Value::read(a).equals(&Value::read(b), tolerance)
    }

    #[test]
    fn content_counts() {
        let equal = [
            ("{3, 1, 10}", "{10, 3, 1}"),
            ("{'a': {2, 1}, 'b': 0}", "{'b': 0, 'a': {1, 2}}"),
            ("[nan, inf]", "[nan, inf]"),
            ("0.0", "-0.0"),
            ("\"it's\"", r"'it\'s'"),
            ("set()", "set()"),
            ("Counter({'x': 1, 'y': 1})", "Counter({'y': 1, 'x': 1})"),
            ("defaultdict(<class 'int'>, {1: 2, 3: 4})", "defaultdict(<class 'int'>, {3: 4, 1: 2})"),
            ("Point(x=1, y={2, 1})", "Point(x=1, y={1, 2})"),
            ("(1+2j)", "(1+2j)"),
            ("1.50", "1.5"),
            ("datetime.date(2020, 1, 2)", "datetime.date(2020, 1, 2)"),
            (r"'\ud800'", r"'\ud800'"),
        ];
        for (a, b) in equal {
            assert!(same(a, b, 0.0), "{a} {b}");
        }
        let different = [
            ("[1, 2]", "[2, 1]"),
            ("1", "1.0"),
            ("1", "True"),
            ("'1'", "1"),
            ("(1,)", "[1]"),
            ("(1,)", "1"),
            ("{1: 2}", "{2: 1}"),
            ("{1}", "{1: 1}"),
            ("{}", "set()"),
            ("b'a'", "'a'"),
            ("nan", "inf"),
            ("inf", "-inf"),
            ("0.1", "0.10000000000000002"),
            ("(1+2j)", "(1+3j)"),
            ("f(x=1)", "f(y=1)"),
            ("<a>", "<b>"),
            ("[1", "[1]"),
        ];
        for (a, b) in different {
            assert!(!same(a, b, 0.0), "{a} {b}");
        }
    }

    #[test]
    fn floats_may_differ_a_little() {
        for (a, b) in
            [("[0.1]", "[0.10000001]"), ("{1e300: 0.0}", "{1.0000001e300: 1e-7}"), ("{2.0, 1.0}", "{1.0, 2.0000001}")]
        {
            assert!(same(a, b, 1e-6), "{a} {b}");
            assert!(!same(a, b, 0.0), "{a} {b}");
        }
        for (a, b) in [("0.1", "0.2"), ("1", "1.0000001"), ("inf", "1e308"), ("nan", "0.0")] {
            assert!(!same(a, b, 1e-6), "{a} {b}");
        }
    }

    #[test]
    fn addresses_are_seen() {
        assert!(Value::read("[<object object at 0x7f>]").has_address());
        assert!(Value::read("<generator object f at 0x7f>").has_address());
        assert!(!Value::read("'x at 0x7f'").has_address());
        assert_eq!(
            super::without_addresses("[<a at 0x7f>, ' at 0x', <b at 0x1>"),
            "[<a at 0x...>, ' at 0x', <b at 0x...>"
        );
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert!(Value::read(&deep).equals(&Value::read(&deep), 0.0));
    }
}
