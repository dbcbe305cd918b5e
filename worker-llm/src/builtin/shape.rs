use pipeline::python::Constant;

/// What values of a parameter look like.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Whole numbers from `low` to `high`, with `special` ones among them.
    Int { low: i64, high: i64, special: Vec<i64>, zero: bool },
    /// Like `Int`.
    Float { low: f64, high: f64, special: Vec<f64>, zero: bool },
    /// `True` and `False`.
    Bool,
    /// Text in a style, with special values among it.
    Str { style: Style, special: Vec<String>, empty: bool },
    /// `b'…'`.
    Bytes,
    /// `min` elements or more; exactly `min` if `exact`.
    List { element: Box<Shape>, min: usize, exact: bool },
    /// One shape a place.
    Tuple(Vec<Shape>),
    /// Distinct elements.
    Set(Box<Shape>),
    /// The keys that are read, and others where `key` says of which shape.
    Dict { entries: Vec<(String, Shape)>, key: Box<Shape>, value: Box<Shape>, open: bool },
    /// A function of any number of arguments.
    Callable,
    /// Often with the value of one of these other parameters inside.
    Including(Box<Shape>, Vec<String>),
    /// The shape, and `None` now and then.
    Nullable(Box<Shape>),
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
    /// Words around one of these texts: `startswith`, `find`, `replace`.
    Around(Vec<String>),
}

impl Shape {
    pub fn int(low: i64, high: i64) -> Self {
        Self::Int { low, high, special: Vec::new(), zero: true }
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

/// The texts among constants.
pub(super) fn texts(constants: &[Constant]) -> Vec<String> {
    let text = |constant: &Constant| match constant {
        Constant::Str(text) => Some(text.clone()),
        _ => None,
    };
    constants.iter().filter_map(text).collect()
}
