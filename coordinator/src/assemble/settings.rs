use std::path::PathBuf;

use pipeline::profile::Profile;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{rules::MIN_EXAMPLES, task::Task, wording};

/// The files that samples and rejections are written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Parquet with typed columns, zstd
    #[default]
    Parquet,
    /// JSON Lines
    Jsonl,
    /// JSON Lines of `id`, `prompt` and `output`, as published
    Reference,
}

impl Format {
    /// As in settings and identities.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
            Self::Reference => "reference",
        }
    }
}

/// How the program stands in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerForm {
    /// As it was found
    Source,
    /// Without comments, and without docstrings unless --docstrings
    NoComments,
    /// Without annotations of parameters and results, too
    Bare,
}

/// What functions are called in samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// As they are
    #[default]
    Keep,
    /// By a name that says nothing, in calls of themselves too; kept where that would change what they do
    Mask,
}

/// How many examples a strict prompt shows: a number is drawn for each sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "String")]
pub struct Shown {
    /// Fewest.
    pub least: usize,
    /// Most.
    pub most: usize,
}

impl Default for Shown {
    fn default() -> Self {
        Self { least: MIN_EXAMPLES, most: 8 }
    }
}

impl std::str::FromStr for Shown {
    type Err = String;

    /// `8` (from 3 to 8), or `4..6`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| format!("`{text}` is no number"));
        let (least, most) = match text.split_once("..") {
            Some((least, most)) => (number(least)?, number(most.trim_start_matches('='))?),
            None => (MIN_EXAMPLES, number(text)?),
        };
        if least < MIN_EXAMPLES || most < least {
            return Err(format!("a sample shows at least {MIN_EXAMPLES} examples: `8`, or a range such as `4..6`"));
        }
        Ok(Self { least, most })
    }
}

impl From<Shown> for String {
    fn from(shown: Shown) -> Self {
        format!("{}..{}", shown.least, shown.most)
    }
}

impl TryFrom<Value> for Shown {
    type Error = String;

    /// A settings file may have a plain number.
    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) => text.parse(),
            other => other.to_string().parse(),
        }
        .map_err(|why| format!("--shown: {why}"))
    }
}

/// Which functions become samples, and what the samples look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Samples")]
pub struct AssembleSettings {
    /// Filters and rendering: `strict`, or `reference` as published
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    pub profile: Profile,
    /// Format of the files in `data/` and `rejected/`
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
    /// Kinds of sample to make of a function, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "induction", value_name = "TASK,…")]
    pub task: Vec<Task>,
    /// Samples of each kind that a function gives, worded differently
    #[arg(long, default_value_t = 1, value_name = "K")]
    pub renderings: u32,
    /// Examples that a prompt shows: up to N, or N..M (the reference profile shows 3 to 10 whatever this says)
    #[arg(long, default_value = "3..8", value_name = "N")]
    pub shown: Shown,
    /// Examples with a longer output (characters of its repr) are dropped under the strict profile
    #[arg(long, default_value_t = 1_000, value_name = "CHARS")]
    pub max_output_chars: usize,
    /// The program in the answer [default: no-comments; source under the reference profile]
    #[arg(long, value_enum)]
    pub answer: Option<AnswerForm>,
    /// Keep docstrings in the answer
    #[arg(long)]
    pub docstrings: bool,
    /// Names of functions in samples
    #[arg(long, value_enum, default_value_t = Names::Keep)]
    pub names: Names,
    /// Words and forms of prompts, in place of prompts/samples.toml, which says how it is written
    #[arg(long, value_name = "FILE")]
    pub wording: Option<PathBuf>,
    /// With --format reference: the columns of the published intermediate files, too (`code`, `func_name`,
    /// `example_inputs`, `example_outputs` …)
    #[arg(long)]
    pub keep_raw: bool,
    /// With --format reference: all columns of a published test set
    #[arg(long)]
    pub for_eval: bool,
    /// Filters of the profile to leave out, by the name of their reason (`identity`, `constant_output` …), separated by
    /// commas
    #[arg(long, value_delimiter = ',', value_name = "REASON,…")]
    pub skip_filters: Vec<String>,
}

impl Default for AssembleSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            format: Format::default(),
            task: vec![Task::Induction],
            renderings: 1,
            shown: Shown::default(),
            max_output_chars: 1_000,
            answer: None,
            docstrings: false,
            names: Names::default(),
            wording: None,
            keep_raw: false,
            for_eval: false,
            skip_filters: Vec::new(),
        }
    }
}

impl AssembleSettings {
    /// The form of answers, by the profile where it was not said.
    pub fn answer_form(&self) -> AnswerForm {
        self.answer.unwrap_or(match self.profile {
            Profile::Strict => AnswerForm::NoComments,
            Profile::Reference => AnswerForm::Source,
        })
    }

    /// Everything here that changes bytes of the output, as an object: part of the run's identity (DESIGN §4). A
    /// `--wording` that cannot be read has no hash; [`super::Assembler::new`] says why.
    pub fn identity(&self) -> Value {
        let mut skipped = self.skip_filters.clone();
        skipped.sort();
        let wording = wording::text(self).ok().map(|text| blake3::hash(text.as_bytes()).to_hex().to_string());
        json!({
            "profile": self.profile.as_str(),
            "format": self.format.as_str(),
            "task": self.task,
            "renderings": self.renderings,
            "shown": self.shown,
            "max_output_chars": self.max_output_chars,
            "answer": self.answer_form(),
            "docstrings": self.docstrings,
            "names": self.names,
            "keep_raw": self.keep_raw,
            "for_eval": self.for_eval,
            "skip_filters": skipped,
            "rendering_blake3": wording,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn a_range_or_its_end() {
        for (text, wanted) in [
            ("8", Some((3, 8))),
            ("4..6", Some((4, 6))),
            ("3..=3", Some((3, 3))),
            ("2", None),
            ("6..4", None),
            ("x", None),
        ] {
            let shown = text.parse::<Shown>().ok();
            assert_eq!(shown, wanted.map(|(least, most)| Shown { least, most }), "{text}");
        }
    }
}
