//! Answers of a model, and the programs in them.

use std::{collections::HashMap, path::Path};

use pipeline::error::Failure;
use serde::{Deserialize, Serialize};

use super::{item, lines};

/// The mark at the end of an answer that the model did not come to the end of.
pub const NOT_STOPPED: &str = "<|NONSTOP|>";

/// One answer of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Its item.
    #[serde(deserialize_with = "item::name")]
    pub gen_answer_id: String,
    /// The answer, verbatim, with [`NOT_STOPPED`] at its end where the model was cut short.
    pub completions: String,
}

/// A row of a file of completions: one answer, or several to the same item.
#[derive(Deserialize)]
struct Row {
    #[serde(default, deserialize_with = "item::maybe_name")]
    gen_answer_id: Option<String>,
    #[serde(default, deserialize_with = "item::maybe_name")]
    id: Option<String>,
    completions: Texts,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`completions` is neither a text nor a list of texts")]
enum Texts {
    One(String),
    Many(Vec<String>),
}

/// Reads completions, in the order of the file, with the hash of its bytes.
///
/// # Errors
/// [`Failure::Usage`]: no such file, or a row that is none.
pub fn read_completions(path: &Path) -> Result<(Vec<Completion>, String), Failure> {
    let what = "completion (`gen_answer_id`, `completions`)";
    let (rows, hash): (Vec<Row>, _) = lines::read("--completions", path, what)?;
    let mut all = Vec::with_capacity(rows.len());
    for (row, Row { gen_answer_id, id, completions }) in (1..).zip(rows) {
        let Some(gen_answer_id) = gen_answer_id.or(id) else {
            let words = format!("row {row}: not a {what}: missing field `gen_answer_id`");
            return Err(Failure::Usage(format!("--completions {}: {words}", path.display())));
        };
        let texts = match completions {
            Texts::One(text) => vec![text],
            Texts::Many(texts) => texts,
        };
        let completion = |completions| Completion { gen_answer_id: gen_answer_id.clone(), completions };
        all.extend(texts.into_iter().map(completion));
    }
    Ok((all, hash))
}

/// Which completions each item has: positions in `completions`, in their order.
pub fn by_item(completions: &[Completion]) -> HashMap<&str, Vec<usize>> {
    let mut items: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, completion) in completions.iter().enumerate() {
        items.entry(&completion.gen_answer_id).or_default().push(at);
    }
    items
}

/// The program in an answer, by the published rule: the first block that is fenced as Python, else the first fenced
/// block, else all of it; a fence that is not closed ends with the text.
pub fn program(answer: &str) -> String {
    let answer = answer.replace("```Python", "```python");
    let inside = match (answer.split_once("```python"), answer.split_once("```")) {
        // The published rule leaves out one character more, whatever it is.
        (Some((_, rest)), _) => rest.char_indices().nth(1).map_or("", |(second, _)| &rest[second..]),
        (None, Some((_, rest))) => rest,
        (None, None) => return strip(&answer).to_owned(),
    };
    strip(inside.split_once("```").map_or(inside, |(block, _)| block)).to_owned()
}

/// Python's `str.strip()`: white space by Unicode, and the four separators of ASCII.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn programs_are_found_as_published() {
        let table = [
            ("a = 1\n", "a = 1"),
            ("x\n```python\na\n```\n```python\nb\n```", "a"),
            ("```\na\n```\nthen ```python\nb\n```", "b"),
            ("```Python\na", "a"),
            ("```py\na\n```", "py\na"),
            ("```python3\na\n```", "a"),
            ("```python", ""),
            ("```python```", "``"),
            ("```pythonéa```", "a"),
            ("", ""),
            ("\u{1f} a \u{85}", "a"),
        ];
        for (answer, wanted) in table {
            assert_eq!(program(answer), wanted, "{answer:?}");
        }
    }
}
