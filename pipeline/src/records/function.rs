use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::Record;
use crate::message::RecordType;

/// Columns that ride along from the raw row to the sample: licence, repository, path.
pub type Meta = Map<String, serde_json::Value>;

/// One row of input: a whole Python file, or a single function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawCode {
    /// The row's id column, else `path:line` with the path relative to the argument given.
    pub id: String,
    /// Python source.
    pub content: String,
    /// Import lines that belong to `content`; they become part of [`Function::context`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub import_code: Vec<String>,
    /// The columns named by `--keep-columns`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub meta: Meta,
}

/// One top-level function, with what it needs of its module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// [`RawCode::id`] if the content has exactly one top-level `def`, else `{id}#{line of the def}`.
    pub id: String,
    /// The name that `def` binds.
    pub name: String,
    /// Parameter names in order, positional-only and keyword-only ones included, without `*args` and `**kwargs`.
    pub parameters: Vec<String>,
    /// Its source, decorators included, ending in a newline.
    pub code: String,
    /// The module-level statements that it needs, in file order, imports included; `""` if none.
    #[serde(default)]
    pub context: String,
    /// See [`RawCode::meta`].
    #[serde(default)]
    pub meta: Meta,
}

impl Function {
    /// `context` and `code` as one program that defines the function.
    pub fn program(&self) -> String {
        if self.context.is_empty() {
            return self.code.clone();
        }
        format!("{}\n\n{}", self.context.trim_end(), self.code)
    }
}

impl Record for Function {
    const TYPE: RecordType = RecordType::Function;

    fn id(&self) -> &str {
        &self.id
    }

    fn function(&self) -> &Function {
        self
    }
}
