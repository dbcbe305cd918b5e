//! Values as their reprs tell them, compared by content.

use std::cmp::Ordering;

use super::repr;

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

/// Largest set or dict of which every element is compared with every other.
const MOST_PAIRED: usize = 1_000;

impl Value {
    /// The value of this repr.
    pub fn read(repr: &str) -> Self {
        repr::parse(repr).unwrap_or_else(|| Self::Word(repr.to_owned()))
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
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => all(a, b),
            (Self::Set(a), Self::Set(b)) => paired(a, b, tolerance > 0.0, |a, b| a.equals(b, tolerance)),
            (Self::Dict(a), Self::Dict(b)) => {
                paired(a, b, tolerance > 0.0, |(k, v), (l, w)| k.equals(l, tolerance) && v.equals(w, tolerance))
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
    pub(super) fn order(&self, other: &Self) -> Ordering {
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

/// Whether each of `a` has one of `b` to itself that is the same. Both are sorted; where sameness is `loose`, that may bring
/// the wrong ones together.
fn paired<T>(a: &[T], b: &[T], loose: bool, same: impl Fn(&T, &T) -> bool) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if a.iter().zip(b).all(|(a, b)| same(a, b)) {
        return true;
    }
    if !loose || a.len() > MOST_PAIRED {
        return false;
    }
    let mut left: Vec<&T> = b.iter().collect();
    a.iter().all(|a| {
        let partner = left.iter().position(|b| same(a, b));
        partner.map(|at| left.swap_remove(at)).is_some()
    })
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
        let near = [
            ("{(1.0, 2), (1.0000001, 1)}", "{(1.0, 1), (1.0000001, 2)}"),
            ("{1.0: 'a', 1.0000001: 'b'}", "{1.0: 'b', 1.0000001: 'a'}"),
        ];
        for (a, b) in near {
            assert!(same(a, b, 1e-5) && !same(a, b, 0.0), "{a} {b}");
        }
        assert!(!same("{1.0, 1.0000001}", "{1.0, 2.0}", 1e-5));
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
