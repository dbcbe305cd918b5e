//! What `repr` writes, read as values.

use super::value::Value;
use crate::assemble::quoted;

/// Brackets nested deeper than this are left as text; CPython's own parser stops at 200.
const MAX_DEPTH: usize = 100;

/// The value that all of the text stands for; none where it is no repr that we know.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { text, at: 0 };
    reader.value(0).filter(|_| reader.rest().is_empty())
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
