//! The test set in the published form.

use std::{collections::HashSet, path::Path};

use pipeline::error::Failure;
use serde::{Deserialize, Deserializer};

use super::lines;

/// One row of a test set in the published form; other columns are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    /// Unique in its file; where the column is missing, `gen_answer_id`.
    #[serde(default, deserialize_with = "name")]
    pub id: String,
    #[serde(default, deserialize_with = "maybe_name")]
    gen_answer_id: Option<String>,
    /// The question as the data set words it.
    #[serde(default)]
    pub prompt: String,
    /// The function that is called.
    pub func_name: String,
    /// The block that builds `examples`.
    pub example_str: String,
    /// What the function gave, in the order of the block.
    pub example_outputs: Vec<Output>,
    /// The item's own code.
    pub code: String,
    /// Indices of the examples that the prompt shows.
    #[serde(default)]
    pub choosed_example_idx: Vec<usize>,
}

/// A line of the published script's output.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Output {
    /// `json.dumps(repr(value))`.
    #[serde(rename = "return")]
    pub returned: Option<String>,
    /// What was printed before it, then `<|EXCEPTION|> ` and the exception in JSON.
    pub error: Option<String>,
}

impl Item {
    /// The lines that the published evaluation compares.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &str> {
        self.example_outputs.iter().map(Output::line)
    }
}

impl Output {
    /// The line that the published evaluation compares.
    pub fn line(&self) -> &str {
        self.returned.as_deref().or(self.error.as_deref()).unwrap_or_default()
    }
}

/// Reads a test set, with the hash of its bytes.
///
/// # Errors
/// [`Failure::Usage`]: no such file, a row that is no test item, an id that stands there twice, or no row at all.
pub fn read_items(path: &Path) -> Result<(Vec<Item>, String), Failure> {
    let (mut items, hash): (Vec<Item>, _) = lines::read("--data", path, "test item")?;
    let wrong = |words: String| Failure::Usage(format!("--data {}: {words}", path.display()));
    if items.is_empty() {
        return Err(wrong("holds no test item".into()));
    }
    for (row, item) in (1..).zip(&mut items) {
        if item.id.is_empty() {
            item.id = item.gen_answer_id.take().unwrap_or_default();
        }
        if item.id.is_empty() {
            return Err(wrong(format!("row {row}: not a test item: missing field `id`")));
        }
    }
    let mut seen = HashSet::new();
    match items.iter().find(|item| !seen.insert(item.id.as_str())) {
        Some(twice) => Err(wrong(format!("two items have the id {}", twice.id))),
        None => Ok((items, hash)),
    }
}

/// As [`name`], where there may be none.
pub(super) fn maybe_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    name(from).map(Some)
}

/// An id that is text or a number.
pub(super) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Name {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Name::deserialize(from)? {
        Name::Text(text) => text,
        Name::Number(number) => number.to_string(),
    })
}
