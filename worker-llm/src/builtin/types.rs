//! Types as annotations and docstrings spell them: `List[int]`, `dict[str, float] | None`, `list of str, optional`.

use crate::mutate::literal::Literal;

/// A type: its name in lower case without module, and what stands in its brackets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Type {
    pub name: String,
    pub of: Vec<Type>,
    /// The types of which it is one, if there are several.
    pub either: Vec<Type>,
    /// The literals of which it is one, as they stand.
    pub members: Vec<String>,
    /// Whether `None` is allowed beside it.
    pub nullable: bool,
}

/// Deepest brackets that are read.
const MAX_DEPTH: usize = 6;

/// Reads a type; none if the text says nothing that can be used.
pub(super) fn parse(text: &str) -> Option<Type> {
    parse_at(text, 0)
}

fn parse_at(text: &str, depth: usize) -> Option<Type> {
    let text = text.trim().trim_matches(['\'', '"', '`']).trim_end_matches('.').trim();
    if depth > MAX_DEPTH || text.is_empty() {
        return None;
    }
    if let Some((inside, _)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return Some(literals(&split(inside, ','))).filter(|kind| !kind.members.is_empty());
    }
    let alternatives: Vec<&str> = split(text, '|').into_iter().flat_map(|part| split_word(part, " or ")).collect();
    if alternatives.len() > 1 {
        return either(alternatives.into_iter(), depth);
    }
    if let Some((outer, inner)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        let name = plain(outer);
        let inside = split(inner, ',');
        return match name.as_str() {
            "optional" => parse_at(inner, depth + 1).map(|inner| Type { nullable: true, ..inner }),
            "union" => either(inside.into_iter(), depth),
            "annotated" | "final" => parse_at(inside.first()?, depth + 1),
            "literal" => Some(literals(&inside)),
            _ => {
                let of = inside.iter().filter_map(|part| parse_at(part, depth + 1)).collect();
                Some(Type { name, of, ..Type::default() })
            }
        };
    }
    if let Some((outer, inner)) = text.split_once(" of ") {
        let of = parse_at(singular(inner.trim()), depth + 1).into_iter().collect();
        return Some(Type { name: plain(outer.split_whitespace().last()?), of, ..Type::default() });
    }
    // Words after a comma qualify (`int, optional`); a sentence is no type, but may begin with one.
    let words = split(text, ',').first()?.trim().to_string();
    let name = plain(words.split_whitespace().next()?);
    let nullable = text.contains("optional") || name == "none";
    Some(Type { name, nullable, ..Type::default() })
}

fn either<'t>(alternatives: impl Iterator<Item = &'t str>, depth: usize) -> Option<Type> {
    let types: Vec<Type> = alternatives.filter_map(|text| parse_at(text, depth + 1)).collect();
    let nullable = types.iter().any(|one| one.nullable || one.name == "none");
    let mut types: Vec<Type> = types.into_iter().filter(|one| one.name != "none").collect();
    if types.len() == 1 {
        return types.pop().map(|only| Type { nullable, ..only });
    }
    (!types.is_empty()).then(|| Type { either: types, nullable, ..Type::default() })
}

/// `Literal['a', 1, None]`, and `{'a', 'b'}` in docstrings.
fn literals(members: &[&str]) -> Type {
    let members = members.iter().map(|member| member.trim());
    let nullable = members.clone().any(|member| member == "None");
    let members = members.filter_map(Literal::parse).filter(|member| *member != Literal::None);
    Type { members: members.map(|member| member.source()).collect(), nullable, ..Type::default() }
}

/// `typing.List` → `list`.
fn plain(name: &str) -> String {
    name.trim().rsplit('.').next().unwrap_or_default().to_lowercase()
}

fn singular(name: &str) -> &str {
    match name {
        "ints" | "integers" | "floats" | "strings" | "numbers" | "lists" | "tuples" | "dicts" | "words"
        | "characters" => &name[..name.len() - 1],
        _ => name,
    }
}

/// Splits at a separator outside of brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0i32);
    for (at, character) in text.char_indices() {
        match character {
            '[' | '(' => open += 1,
            ']' | ')' => open -= 1,
            _ if character == separator && open == 0 => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn split_word<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    if text.contains('[') { vec![text] } else { text.split(word).collect() }
}
