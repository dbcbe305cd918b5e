//! The words and forms of prompts: `prompts/samples.toml`, read once.

use pipeline::error::Failure;
use serde::Deserialize;

/// The file's text; its hash is part of a run's identity.
pub(super) const SOURCE: &str = include_str!("../../../prompts/samples.toml");

/// What a strict prompt is made of. The file documents each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    pub order: Order,
    pub instructions: Vec<String>,
    pub headers: Vec<String>,
    pub function_headers: Vec<String>,
    pub formats: Vec<ExampleFormat>,
}

/// How the parts stand to one another; probabilities from 0 to 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub instruction_first: f64,
    pub function_before_examples: f64,
    pub header: f64,
    pub positional: f64,
    pub separators: Vec<String>,
}

/// One form in which an example is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleFormat {
    pub name: String,
    pub weight: f64,
    /// A line for an output, with `{call}`, `{input}`, `{output}` and `{n}`.
    pub returns: String,
    /// A line for an exception, with `{call}`, `{input}`, `{error}` and `{n}`.
    pub raises: String,
    /// Between examples.
    pub between: String,
    /// A statement that runs: only for values that are literals.
    pub asserts: bool,
    /// Whether the examples stand in a Python fence.
    pub fenced: bool,
}

impl Phrases {
    /// Reads and checks the file.
    pub fn load(text: &str) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::Usage(format!("prompts/samples.toml: {what}"));
        let phrases: Self = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| wrong(error.to_string()))?;
        let lists = [&phrases.instructions, &phrases.headers, &phrases.function_headers, &phrases.order.separators];
        if lists.iter().any(|list| list.is_empty()) {
            return Err(wrong("instructions, headers, function_headers and separators need an entry each".into()));
        }
        if let Some(format) = phrases.formats.iter().find(|format| format.weight.is_nan() || format.weight < 0.0) {
            return Err(wrong(format!("the weight of format `{}` is no number from 0", format.name)));
        }
        if !phrases.formats.iter().any(|format| !format.asserts && format.weight > 0.0) {
            return Err(wrong("one format that asserts nothing is needed, for values that are no literals".into()));
        }
        if let Some(header) = phrases.function_headers.iter().find(|header| !header.contains("{signature}")) {
            return Err(wrong(format!("the function header `{header}` lacks {{signature}}")));
        }
        Ok(phrases)
    }
}
