use std::path::PathBuf;

use pipeline::{error::Failure, reason::Reason};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::InputIdentity;

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
    /// As published: arguments, a return, no import inside, no nested def; undefined names are not looked for, and of
    /// the screens there is only `duplicate`
    Reference,
}

/// A screen that can be switched off, named like the reason that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Screen {
    /// All of them
    All,
    /// Generators
    Generator,
    /// Parameters that nobody can write a value for
    UnwritableParameter,
    /// Bodies that do nothing
    TrivialBody,
    /// Reads of input, files, the clock, randomness without a seed
    ReadsOutside,
    /// The same code again
    Duplicate,
}

/// How raw code is read and which of its functions are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
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
    /// Keep rows of these licences only, whatever their case; a row without one is `unknown`
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub licenses: Vec<String>,
    /// Column that holds a row's licence, a name or a list of names, one of which is enough
    #[arg(long, default_value = "license", value_name = "NAME")]
    pub license_column: String,
    /// Read only this part of the rows and Python files, chosen by a hash of seed and id: the same ones as the corpus
    /// grows. What is not chosen is no item
    #[arg(long, value_name = "PART", value_parser = part)]
    pub sample: Option<f64>,
    /// Pass over what earlier runs accepted or rejected: their output folders. It is no item of this run
    #[arg(long, value_delimiter = ',', value_name = "OUT,…")]
    pub exclude: Vec<PathBuf>,
    /// Screens to leave out, by the reasons that they give
    #[arg(long, value_enum, value_delimiter = ',', value_name = "REASON,…")]
    pub without_screens: Vec<Screen>,
    /// Longest function, its context included, in characters
    #[arg(long, default_value_t = 16_384, value_name = "N")]
    pub max_code_chars: usize,
    /// Fewest lines of code, without comments and docstrings
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub min_lines: usize,
    /// Write code and context anew from their syntax trees: four blanks a level, no comments; docstrings stay. What does
    /// not come back as the same tree stays as written
    #[arg(long)]
    pub normalize: bool,
    /// Turn down what is in these benchmarks: JSON Lines with the columns of HumanEval, of MBPP, or of a Case2Code test
    /// set
    #[arg(long, value_delimiter = ',', value_name = "FILE,…")]
    pub decontaminate: Vec<PathBuf>,
    /// Turn down what shares this part of its passages (estimated, 0 to 1) with something earlier; 0.85 is a good start.
    /// Takes about 1 KB of memory a function
    #[arg(long, value_name = "PART", value_parser = part)]
    pub near_duplicates: Option<f64>,
    /// Stop after this many functions were kept
    #[arg(long, value_name = "N")]
    pub max_functions: Option<u64>,
    /// Longest line of JSON, and longest Python file, that is read
    #[arg(long, default_value_t = 8 << 20, value_name = "BYTES")]
    pub max_line_bytes: u64,
    /// Threads that parse [default: one a core]; the output is the same
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub parse_threads: Option<usize>,
    /// The run's seed, for `--sample`; not a flag of its own.
    #[arg(skip)]
    #[serde(skip)]
    pub seed: u64,
}

impl CollectSettings {
    /// What of these settings changes which items there are and what becomes of them, with the bytes of the files that
    /// they name.
    ///
    /// # Errors
    /// Such a file cannot be read: [`Failure::Unavailable`].
    pub fn identity(&self) -> Result<Value, Failure> {
        let mut identity = json!(self);
        if let Value::Object(table) = &mut identity {
            table.remove("parse_threads");
            if !self.decontaminate.is_empty() {
                table.insert("decontaminate".into(), json!(InputIdentity::of_files(&self.decontaminate)?));
            }
            if !self.exclude.is_empty() {
                table.insert("exclude".into(), json!(InputIdentity::of_outputs(&self.exclude)?));
            }
        }
        Ok(identity)
    }

    /// Columns that are read.
    pub(super) fn columns(&self) -> Vec<&str> {
        let mut columns = vec![self.content_column.as_str(), &self.id_column, "import_code"];
        columns.extend(self.keep_columns.iter().map(String::as_str));
        if !self.licenses.is_empty() {
            columns.push(&self.license_column);
        }
        columns
    }

    /// Whether a reason's screen is on. The `reference` profile has `duplicate` only; reasons that are no switchable
    /// screens' are always on.
    pub(super) fn screens(&self, reason: Reason) -> bool {
        let screen = match reason {
            Reason::Generator => Screen::Generator,
            Reason::UnwritableParameter => Screen::UnwritableParameter,
            Reason::TrivialBody => Screen::TrivialBody,
            Reason::ReadsOutside => Screen::ReadsOutside,
            Reason::Duplicate => Screen::Duplicate,
            _ => return true,
        };
        let published = self.collect != CollectProfile::Reference || screen == Screen::Duplicate;
        published && !self.without_screens.iter().any(|off| *off == screen || *off == Screen::All)
    }
}

/// More threads than any machine has cores for would not start.
fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("a number from 1 to 1024 is wanted".into()),
    }
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        _ => Err("a number from 0 to 1 is needed".into()),
    }
}

impl Default for CollectSettings {
    fn default() -> Self {
        Self {
            collect: CollectProfile::default(),
            content_column: "content".into(),
            id_column: "id".into(),
            keep_columns: Vec::new(),
            licenses: Vec::new(),
            license_column: "license".into(),
            sample: None,
            exclude: Vec::new(),
            without_screens: Vec::new(),
            max_code_chars: 16_384,
            min_lines: 0,
            normalize: false,
            decontaminate: Vec::new(),
            near_duplicates: None,
            max_functions: None,
            max_line_bytes: 8 << 20,
            parse_threads: None,
            seed: 0,
        }
    }
}
