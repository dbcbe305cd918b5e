use pipeline::python::SyntaxError;
use serde::{Deserialize, Serialize};

/// Where raw code stands, for ids and for the details of rejections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The input file's name as in ids: relative to the argument given.
    pub file: String,
    /// Line of the row in a file of rows, from 1; none for a Python file.
    pub row: Option<u64>,
}

impl Place {
    /// The id of raw code that has none of its own: `path:line`. A Python file starts on its line 1.
    pub fn id(&self) -> String {
        format!("{}:{}", self.file, self.row.unwrap_or(1))
    }

    /// A detail about the whole row or file.
    pub fn detail(&self, what: impl std::fmt::Display) -> String {
        match self.row {
            Some(row) => format!("{}:{row}: {what}", self.file),
            None => format!("{}: {what}", self.file),
        }
    }

    /// A detail about one line of the source.
    pub fn detail_at(&self, line: u32, what: impl std::fmt::Display) -> String {
        match self.row {
            Some(row) => format!("{}:{row}: line {line} of the source: {what}", self.file),
            None => format!("{}:{line}: {what}", self.file),
        }
    }

    /// A detail about source that does not parse, `above` lines of which stand in front of the row's own.
    pub fn syntax(&self, error: &SyntaxError, above: u32) -> String {
        match error.line {
            Some(line) => self.detail_at(line.saturating_sub(above).max(1), &error.message),
            None => self.detail(&error.message),
        }
    }
}
