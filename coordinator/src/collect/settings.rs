use serde::{Deserialize, Serialize};

/// Which functions are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CollectProfile {
    /// Self-contained ones, and those whose module-level functions, classes, constants and allowed standard-library
    /// imports can be carried along
    #[default]
    Closure,
    /// Those that read nothing but builtins
    SelfContained,
    /// As published: arguments, a return, no import inside, no nested def; undefined names are not looked for
    Reference,
}

/// How raw code is read and which of its functions are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Collecting")]
pub struct CollectSettings {
    /// Which functions to keep
    #[arg(long, value_enum, default_value_t = CollectProfile::Closure)]
    pub collect: CollectProfile,
    /// Column that holds the Python source
    #[arg(long, default_value = "content", value_name = "NAME")]
    pub content_column: String,
    /// Column that holds the row's id; rows without it are named by file and line
    #[arg(long, default_value = "id", value_name = "NAME")]
    pub id_column: String,
    /// Columns that ride along into every sample's `meta` (licence, repository, path …), separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub keep_columns: Vec<String>,
    /// Stop after this many functions were kept
    #[arg(long, value_name = "N")]
    pub max_functions: Option<u64>,
    /// Longest line of JSON, and longest Python file, that is read
    #[arg(long, default_value_t = 8 << 20, value_name = "BYTES")]
    pub max_line_bytes: u64,
}

impl Default for CollectSettings {
    fn default() -> Self {
        Self {
            collect: CollectProfile::default(),
            content_column: "content".into(),
            id_column: "id".into(),
            keep_columns: Vec::new(),
            max_functions: None,
            max_line_bytes: 8 << 20,
        }
    }
}
