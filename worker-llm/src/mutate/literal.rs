//! Python literals as values, read from their source and written again.

use crate::builtin::quote;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 40;

/// A value that a literal gives. Bytes are kept as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(String),
    List(Vec<Literal>),
    Tuple(Vec<Literal>),
    Set(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

impl Literal {
    /// Reads a literal; none for any other expression, for numbers beyond 64 bits and for strings with `\N{…}`.
    pub fn parse(source: &str) -> Option<Self> {
        let mut reader = Reader { rest: source };
        let value = reader.value(0)?;
        reader.space();
        reader.rest.is_empty().then_some(value)
    }

    /// As Python source.
    pub fn source(&self) -> String {
        let join = |items: &[Self]| items.iter().map(Self::source).collect::<Vec<_>>().join(", ");
        match self {
            Self::None => "None".into(),
            Self::Bool(true) => "True".into(),
            Self::Bool(false) => "False".into(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Str(text) => quote(text),
            Self::Bytes(source) => source.clone(),
            Self::List(items) => format!("[{}]", join(items)),
            Self::Tuple(items) if items.len() == 1 => format!("({},)", join(items)),
            Self::Tuple(items) => format!("({})", join(items)),
            Self::Set(items) if items.is_empty() => "set()".into(),
            Self::Set(items) => format!("{{{}}}", join(items)),
            Self::Dict(items) => {
                let items = items.iter().map(|(key, value)| format!("{}: {}", key.source(), value.source()));
                format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Whether both are of one type.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

struct Reader<'s> {
    rest: &'s str,
}

impl<'s> Reader<'s> {
    /// Skips blanks, newlines and comments.
    fn space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => return,
            }
        }
    }

    fn takes(&mut self, token: &str) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        match self.rest.chars().next()? {
            '[' => {
                self.takes("[");
                Some(Literal::List(self.items("]", depth)?.0))
            }
            '(' => {
                self.takes("(");
                let (mut items, comma) = self.items(")", depth)?;
                if items.len() == 1 && !comma { items.pop() } else { Some(Literal::Tuple(items)) }
            }
            '{' => self.braces(depth),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    /// Items up to the closing token, and whether the last had a comma behind it.
    fn items(&mut self, end: &str, depth: usize) -> Option<(Vec<Literal>, bool)> {
        let (mut items, mut comma) = (Vec::new(), true);
        while !self.takes(end) {
            if !comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            comma = self.takes(",");
        }
        Some((items, comma))
    }

    fn braces(&mut self, depth: usize) -> Option<Literal> {
        self.takes("{");
        let (mut keys, mut values, mut comma) = (Vec::new(), Vec::new(), true);
        while !self.takes("}") {
            if !comma {
                return None;
            }
            keys.push(self.value(depth + 1)?);
            if self.takes(":") {
                values.push(self.value(depth + 1)?);
            }
            comma = self.takes(",");
        }
        match values.len() {
            0 if !keys.is_empty() => Some(Literal::Set(keys)),
            pairs if pairs == keys.len() => Some(Literal::Dict(keys.into_iter().zip(values).collect())),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Literal> {
        let unsigned = self.rest.trim_start_matches(['+', '-', ' ']);
        let signs = &self.rest[..self.rest.len() - unsigned.len()];
        let negative = signs.matches('-').count() % 2 == 1;
        let mut before = ' ';
        let hexadecimal = unsigned.starts_with("0x") || unsigned.starts_with("0X");
        let end = unsigned.find(|character: char| {
            let exponent = !hexadecimal && matches!(before, 'e' | 'E') && matches!(character, '+' | '-');
            before = character;
            !(character.is_ascii_alphanumeric() || matches!(character, '.' | '_') || exponent)
        });
        let (text, rest) = unsigned.split_at(end.unwrap_or(unsigned.len()));
        self.rest = rest;
        let text = text.replace('_', "").to_ascii_lowercase();
        let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok();
        let int = match text.get(..2) {
            Some("0x") => radix(&text[2..], 16),
            Some("0o") => radix(&text[2..], 8),
            Some("0b") => radix(&text[2..], 2),
            _ => text.parse().ok(),
        };
        if let Some(int) = int {
            return Some(Literal::Int(if negative { -int } else { int }));
        }
        // A whole number that is too long is no float; `inf` and `nan` are names in Python.
        let float: f64 = if text.contains(['.', 'e']) { text.parse().ok()? } else { return None };
        float.is_finite().then_some(Literal::Float(if negative { -float } else { float }))
    }

    fn word(&mut self) -> Option<Literal> {
        let end = self.rest.find(|character: char| !(character.is_alphanumeric() || character == '_'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if rest.starts_with(['\'', '"']) {
            return self.string(&word.to_ascii_lowercase(), rest);
        }
        self.rest = rest;
        match word {
            "None" => Some(Literal::None),
            "True" => Some(Literal::Bool(true)),
            "False" => Some(Literal::Bool(false)),
            "set" => (self.takes("(") && self.takes(")")).then(|| Literal::Set(Vec::new())),
            _ => None,
        }
    }

    fn string(&mut self, prefix: &str, quoted: &'s str) -> Option<Literal> {
        let start = self.rest;
        let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| quoted.starts_with(quote))?;
        let body = &quoted[quote.len()..];
        let (mut at, mut end) = (0, None);
        while let Some(character) = body[at..].chars().next() {
            if body[at..].starts_with(quote) {
                end = Some(at);
                break;
            }
            at += character.len_utf8();
            if character == '\\' {
                at += body[at..].chars().next()?.len_utf8();
            }
        }
        let (text, rest) = body.split_at(end?);
        self.rest = &rest[quote.len()..];
        self.space();
        // A literal behind it would be joined to it.
        if self.rest.starts_with(['\'', '"']) {
            return None;
        }
        match prefix {
            "" | "u" => Some(Literal::Str(unescaped(text)?)),
            "r" => Some(Literal::Str(text.into())),
            "b" | "br" | "rb" => {
                let length = start.len() - rest.len() + quote.len();
                Some(Literal::Bytes(start[..length].into()))
            }
            _ => None,
        }
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let kind = escape.chars().next()?;
        rest = &escape[kind.len_utf8()..];
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match kind {
            '\n' => {}
            'n' => plain.push('\n'),
            't' => plain.push('\t'),
            'r' => plain.push('\r'),
            '\\' | '\'' | '"' => plain.push(kind),
            'x' | 'u' | 'U' => {
                plain.push(char::from_u32(u32::from_str_radix(rest.get(..digits)?, 16).ok()?)?);
                rest = &rest[digits..];
            }
            // Octal digits, names and the rarer control characters.
            '0'..='7' | 'N' | 'a' | 'b' | 'f' | 'v' => return None,
            other => plain.extend(['\\', other]),
        }
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::Literal;

    #[test]
    fn literals_are_read_and_written() {
        let cases = [
            ("[1, -2, 0x1f, 1_000]", "[1, -2, 31, 1000]"),
            ("(1)", "1"),
            ("(1,)", "(1,)"),
            ("()", "()"),
            ("{'a': [1.5, 1e3], \"b\": None}", "{'a': [1.5, 1000.0], 'b': None}"),
            ("{1, 2}", "{1, 2}"),
            ("{}", "{}"),
            ("set()", "set()"),
            ("b'\\x00'", "b'\\x00'"),
            ("r'\\d'", "'\\\\d'"),
            ("'it\\'s\\n'", "'it\\'s\\n'"),
            ("\"\"\"two\nlines\"\"\"", "'two\\nlines'"),
            ("[ # why\n True,\n]", "[True]"),
        ];
        for (source, written) in cases {
            assert_eq!(Literal::parse(source).map(|one| one.source()).as_deref(), Some(written), "{source}");
        }
        let others = [
            "f(1)",
            "1 + 2",
            "x",
            "f'a'",
            "'a' 'b'",
            "[1 2]",
            "{1: 2, 3}",
            "1j",
            "[1",
            "'a",
            "9".repeat(30).leak(),
            "",
        ];
        for other in others {
            assert_eq!(Literal::parse(other), None, "{other}");
        }
    }
}
