//! What a parameter's name suggests where its use says little.

use pipeline::python::Kind;

use super::shape::{Shape, Style};

/// A kind that is usual for a name, and a shape to go with it.
pub(super) fn suggest(name: &str) -> Option<(Kind, Shape)> {
    match name {
        "A" | "B" | "L" | "X" | "Y" => return exact("lst"),
        "S" => return exact("s"),
        _ => {}
    }
    let lower = name.trim_matches('_').to_lowercase();
    let words: Vec<String> = words(name);
    let last = words.last().map_or(lower.as_str(), String::as_str);
    let found = exact(&lower).or_else(|| exact(last)).or_else(|| partly(&lower, &words));
    found.or_else(|| {
        // `nums1`, `str2`.
        let base = lower.trim_end_matches(|character: char| character.is_ascii_digit());
        if base.len() < lower.len() { exact(base) } else { None }
    })
}

/// `snake_case` and `camelCase` into words in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for character in name.chars() {
        if character == '_' || (character.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if character != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn exact(name: &str) -> Option<(Kind, Shape)> {
    use Kind as K;
    let int = |low, high| (K::Int, Shape::int(low, high));
    let float = |low, high| (K::Float, Shape::Float { low, high, special: Vec::new(), zero: true });
    let text = |style| (K::Str, Shape::text(style));
    Some(match name {
        "n" | "m" | "num" | "number" | "k" | "i" | "j" | "p" | "q" | "number_of" | "num1" | "num2" | "val"
        | "value" | "total" | "score" | "limit" | "a" | "b" | "c" | "x" | "y" | "z" | "integer" | "points"
        | "level" | "id" | "max" | "min" => int(0, 100),
        "count" | "size" | "length" | "width" | "height" | "depth" | "steps" | "rows" | "cols" | "index" | "idx"
        | "position" | "digit" | "bits" | "times" | "degree" | "dim" | "row" | "col" => int(0, 12),
        "year" => int(1900, 2030),
        "month" => int(1, 12),
        "day" => int(1, 28),
        "hour" | "hours" => int(0, 23),
        "minute" | "minutes" | "second" | "seconds" | "secs" => int(0, 5000),
        "age" => int(1, 90),
        "price" | "rate" | "temperature" | "weight" | "radius" | "ratio" | "amount" | "salary" | "distance"
        | "speed" | "angle" | "celsius" | "fahrenheit" | "percentage" | "alpha" | "beta" | "lat" | "lon" | "mass" => {
            float(0.0, 100.0)
        }
        "s" | "str" | "string" | "word" | "name" | "st" | "txt" | "prefix" | "suffix" | "key" | "label" | "title"
        | "token" | "tag" | "username" | "lang" | "color" | "colour" | "pattern" | "code" | "string1" | "password"
        | "city" | "country" => text(Style::Word),
        "text" | "sentence" | "line" | "msg" | "message" | "phrase" | "paragraph" | "content" | "strng"
        | "description" => text(Style::Sentence),
        "char" | "ch" | "letter" | "character" => text(Style::Character),
        "url" | "uri" | "link" | "href" => text(Style::Url),
        "email" | "mail" => text(Style::Email),
        "path" | "filename" | "filepath" | "file" | "fname" => text(Style::Path),
        "date" | "datestr" => text(Style::Date),
        "time" => text(Style::Time),
        "binary" => text(Style::Binary),
        "hex" => text(Style::Hexadecimal),
        "lst" | "list" | "arr" | "array" | "nums" | "numbers" | "l" | "li" | "values" | "items" | "data" | "ls"
        | "seq" | "sequence" | "xs" | "vector" | "vec" | "integers" | "scores" | "digits" | "input_list"
        | "my_list" | "v" => (K::List, Shape::list(Shape::int(-5, 20))),
        "words" | "names" | "strings" | "strs" | "lines" | "tokens" | "keys" | "labels" | "rows_of_text" => {
            (K::List, Shape::list(Shape::text(Style::Word)))
        }
        "matrix" | "grid" | "board" | "mat" | "lists" | "arrays" | "edges" | "intervals" => {
            let row = Shape::List { element: Box::new(Shape::int(0, 9)), min: 3, exact: true };
            (K::List, Shape::list(row))
        }
        "point" | "pos" | "coord" | "coords" | "coordinates" | "pair" | "p1" | "p2" | "p0" => {
            (K::Tuple, Shape::Tuple(vec![Shape::int(-5, 10), Shape::int(-5, 10)]))
        }
        "d" | "dict" | "dictionary" | "mapping" | "kwargs" | "options" | "config" | "params" | "settings"
        | "counts" => (K::Dict, dict()),
        "flag" | "verbose" | "debug" | "reverse" | "enabled" | "strict" | "inplace" => (K::Bool, Shape::Bool),
        "func" | "fn" | "function" | "callback" | "predicate" | "key_func" => {
            (K::Callable, Shape::Callable { returned: None, arguments: None })
        }
        _ => return None,
    })
}

fn partly(lower: &str, words: &[String]) -> Option<(Kind, Shape)> {
    if matches!(words.first().map(String::as_str), Some("is" | "has" | "use" | "should")) && words.len() > 1 {
        return Some((Kind::Bool, Shape::Bool));
    }
    if matches!(words.first().map(String::as_str), Some("num" | "n" | "max" | "min" | "number")) {
        return Some((Kind::Int, Shape::int(0, 20)));
    }
    let parts =
        ["list", "array", "string", "str", "dict", "text", "name", "url", "path", "matrix", "word", "number", "num"];
    if let Some(part) = parts.iter().find(|part| lower.contains(*part)) {
        return exact(part);
    }
    // A plural is a list of what its singular is.
    let singular = lower.strip_suffix('s').filter(|singular| singular.len() > 1)?;
    let (_, element) = exact(singular)?;
    Some((Kind::List, Shape::list(element)))
}

/// A dict of which nothing is known.
pub(super) fn dict() -> Shape {
    Shape::Dict {
        entries: Vec::new(),
        key: Box::new(Shape::text(Style::Word)),
        value: Box::new(Shape::int(0, 20)),
        open: true,
    }
}
