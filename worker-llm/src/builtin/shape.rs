//! What values look like.

use pipeline::python::Constant;

/// What values of a parameter look like.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Whole numbers from `low` to `high`, with `special` ones among them; larger ones too if `wide`, and ones with
    /// patterns in their digits if `digits`.
    Int { low: i64, high: i64, special: Vec<i64>, zero: bool, wide: bool, digits: bool },
    /// Like `Int`.
    Float { low: f64, high: f64, special: Vec<f64>, zero: bool },
    /// `True` and `False`.
    Bool,
    /// Text in a style, with special values among it.
    Str { style: Style, special: Vec<String>, empty: bool },
    /// `b'…'`, with what they are compared with, what is looked for in them, and how they are to begin or end.
    Bytes { special: Vec<Vec<u8>>, inside: Vec<Vec<u8>>, prefixes: Vec<Vec<u8>>, suffixes: Vec<Vec<u8>> },
    /// `min` elements or more; exactly `min` if `exact`.
    List { element: Box<Shape>, min: usize, exact: bool },
    /// One shape a place.
    Tuple(Vec<Shape>),
    /// Distinct elements.
    Set(Box<Shape>),
    /// The keys that are read, and others where `key` says of which shape.
    Dict { entries: Vec<(String, Shape)>, key: Box<Shape>, value: Box<Shape>, open: bool },
    /// A function that makes something of its arguments, or gives a value of the shape.
    Callable { returned: Option<Box<Shape>>, arguments: Option<usize> },
    /// An object with these attributes.
    Object(Vec<(String, Shape)>),
    /// An object of the standard library.
    Known(Known),
    /// One of these, as they stand: `Literal['a', 'b']`.
    OneOf(Vec<String>),
    /// Of one of these shapes; the same shape twice is twice as frequent.
    Either(Vec<Shape>),
    /// Often as long as one of these, or one shorter or longer.
    Sized(Box<Shape>, Vec<usize>),
    /// `iter(…)` of a list.
    Iterator(Box<Shape>),
    /// Often with the value of one of these other parameters inside.
    Including(Box<Shape>, Vec<String>),
    /// The shape, and `None` now and then.
    Nullable(Box<Shape>),
}

/// Objects of the standard library that are known by their attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// `datetime.datetime`.
    DateTime,
    /// `datetime.timedelta`.
    Duration,
    /// `io.StringIO`.
    TextFile,
    /// `io.BytesIO`.
    BinaryFile,
    /// `re.Match`.
    Match,
}

/// What a text is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Style {
    /// Single words.
    Word,
    /// Several words.
    Sentence,
    /// One letter.
    Character,
    /// Digits only.
    Digits,
    /// `3.14`.
    Decimal,
    /// Zeros and ones.
    Binary,
    /// `1f`.
    Hexadecimal,
    /// A JSON document.
    Json,
    /// `https://…`.
    Url,
    /// `a@b.c`.
    Email,
    /// `dir/file.txt`.
    Path,
    /// `2021-03-04`.
    Date,
    /// `12:34:56`.
    Time,
    /// Characters of this alphabet.
    Alphabet(Vec<char>),
    /// Pieces of a style, between separators; `least` of them.
    Pieces { piece: Box<Style>, separator: String, least: usize, exact: bool },
    /// A text of the style, often with one of these behind it.
    With(Box<Style>, Vec<String>),
    /// One character a place: a digit where it says so, else a letter.
    Places(Vec<bool>),
    /// Words around one of these texts: `find`, `replace`.
    Around(Vec<String>),
    /// A text of the style that often begins or ends as it is asked for: `startswith`, `text[-1] == …`.
    Affixed { style: Box<Style>, prefixes: Vec<String>, suffixes: Vec<String> },
    /// A text of the style, often with spaces around it.
    Padded(Box<Style>),
}

impl Shape {
    pub fn int(low: i64, high: i64) -> Self {
        Self::Int { low, high, special: Vec::new(), zero: true, wide: false, digits: false }
    }

    /// Of one of the shapes.
    pub fn either(mut shapes: Vec<Self>) -> Self {
        let all_same = shapes.windows(2).all(|pair| pair[0] == pair[1]);
        match shapes.pop() {
            Some(only) if all_same => only,
            Some(last) => {
                shapes.push(last);
                Self::Either(shapes)
            }
            None => Self::int(0, 100),
        }
    }

    /// Classes that every program knows.
    pub fn classes() -> Self {
        Self::OneOf(["int", "str", "list", "dict", "bool", "float", "ValueError", "KeyError"].map(String::from).into())
    }

    pub fn text(style: Style) -> Self {
        Self::Str { style, special: Vec::new(), empty: true }
    }

    pub fn list(element: Self) -> Self {
        Self::List { element: Box::new(element), min: 0, exact: false }
    }
}

/// The whole numbers among constants.
pub(super) fn ints(constants: &[Constant]) -> Vec<i64> {
    let int = |constant: &Constant| match constant {
        Constant::Int(value) => Some(*value),
        // Cut off on purpose: the number beside a boundary is wanted, not the boundary.
        #[expect(clippy::cast_possible_truncation)]
        Constant::Float(value) if value.abs() < 1e9 => Some(*value as i64),
        _ => None,
    };
    constants.iter().filter_map(int).collect()
}

/// The bytes among constants.
pub(super) fn bytes(constants: &[Constant]) -> Vec<Vec<u8>> {
    let bytes = |constant: &Constant| match constant {
        Constant::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    };
    constants.iter().filter_map(bytes).collect()
}

/// The texts among constants.
pub(super) fn texts(constants: &[Constant]) -> Vec<String> {
    let text = |constant: &Constant| match constant {
        Constant::Str(text) => Some(text.clone()),
        _ => None,
    };
    constants.iter().filter_map(text).collect()
}
