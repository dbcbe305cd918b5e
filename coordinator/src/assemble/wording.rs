//! The words and forms of prompts: `prompts/samples.toml`, or the user's own file in its place.

use std::borrow::Cow;

use pipeline::{error::Failure, profile::Profile};
use serde::Deserialize;

use super::{random::Random, settings::AssembleSettings};

const STRICT: &str = include_str!("../../../prompts/samples.toml");
const REFERENCE: &str = include_str!("../../../prompts/samples-reference.toml");

/// What prompts are made of. `prompts/samples.toml` documents each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wording {
    #[serde(default)]
    pub quoting: Quoting,
    pub instructions: Choice,
    pub headers: Choice,
    pub function_headers: Choice,
    pub answers: Choice,
    pub order: Order,
    pub formats: Vec<ExampleFormat>,
    pub deduction: Question,
    pub abduction: Question,
}

/// How values are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Quoting {
    /// As Python source.
    #[default]
    Python,
    /// As published: strings among the arguments, and the repr of every output, as JSON strings.
    Json,
}

/// How the parts stand to one another; probabilities from 0 to 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub arrangements: Vec<Arrangement>,
    pub header: f64,
    pub positional: f64,
    pub separators: Choice,
    pub ends: Choice,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrangement {
    pub parts: Vec<Part>,
    #[serde(default = "one")]
    pub weight: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    Instruction,
    Function,
    Examples,
}

/// One form in which an example is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleFormat {
    pub name: String,
    #[serde(default = "one")]
    pub weight: f64,
    pub returns: String,
    pub raises: String,
    #[serde(default = "newline")]
    pub between: String,
    /// A statement that runs: only for values that are literals.
    #[serde(default)]
    pub asserts: bool,
    /// Whether the examples stand in a Python fence.
    #[serde(default)]
    pub fenced: bool,
}

/// The words of a sample that asks for a value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    pub instructions: Choice,
    pub questions: Choice,
    pub answers: Choice,
}

/// Texts of which one is drawn by weight.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Choice(Vec<Entry>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Plain(String),
    Weighted { text: String, weight: f64 },
}

fn one() -> f64 {
    1.0
}

fn newline() -> String {
    "\n".to_owned()
}

/// The file that `settings` name.
///
/// # Errors
/// It cannot be read: [`Failure::Usage`].
pub(super) fn text(settings: &AssembleSettings) -> Result<Cow<'static, str>, Failure> {
    match (&settings.wording, settings.profile) {
        (Some(path), _) => std::fs::read_to_string(path)
            .map(Cow::Owned)
            .map_err(|error| Failure::Usage(format!("--wording {}: {error}", path.display()))),
        (None, Profile::Strict) => Ok(Cow::Borrowed(STRICT)),
        (None, Profile::Reference) => Ok(Cow::Borrowed(REFERENCE)),
    }
}

impl Wording {
    /// Reads and checks the file that `settings` name.
    ///
    /// # Errors
    /// What is wrong with it, and where: [`Failure::Usage`].
    pub fn load(settings: &AssembleSettings) -> Result<Self, Failure> {
        let wording: Self = config::Config::builder()
            .add_source(config::File::from_str(&text(settings)?, config::FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| wrong(settings, &error.to_string()))?;
        wording.check(settings.profile).map_err(|what| wrong(settings, &what))?;
        Ok(wording)
    }

    fn check(&self, profile: Profile) -> Result<(), String> {
        let lists = [
            ("instructions", &self.instructions),
            ("headers", &self.headers),
            ("function_headers", &self.function_headers),
            ("answers", &self.answers),
            ("order.separators", &self.order.separators),
            ("order.ends", &self.order.ends),
            ("deduction.instructions", &self.deduction.instructions),
            ("deduction.questions", &self.deduction.questions),
            ("deduction.answers", &self.deduction.answers),
            ("abduction.instructions", &self.abduction.instructions),
            ("abduction.questions", &self.abduction.questions),
            ("abduction.answers", &self.abduction.answers),
        ];
        for (name, list) in lists {
            weights(name, list.0.iter().map(Entry::weight))?;
        }
        weights("formats", self.formats.iter().map(|format| format.weight))?;
        weights("order.arrangements", self.order.arrangements.iter().map(|arrangement| arrangement.weight))?;
        for Arrangement { parts, .. } in &self.order.arrangements {
            if parts.len() != 3
                || [Part::Instruction, Part::Function, Part::Examples].iter().any(|part| !parts.contains(part))
            {
                return Err("an arrangement has the parts instruction, function and examples, each once".into());
            }
        }
        for (name, chance) in [("header", self.order.header), ("positional", self.order.positional)] {
            if !(0.0..=1.0).contains(&chance) {
                return Err(format!("order.{name} is a probability from 0 to 1, not {chance}"));
            }
        }
        if !self.formats.iter().any(|format| !format.asserts && format.weight > 0.0) {
            return Err("one format that asserts nothing is needed, for values that are no literals".into());
        }
        if let Some(format) = self
            .formats
            .iter()
            .find(|format| !holds(&format.returns, &["output"]) || !holds(&format.raises, &["error"]))
        {
            return Err(format!("format `{}` lacks {{output}} in `returns` or {{error}} in `raises`", format.name));
        }
        if let Some(answer) = self.answers.texts().find(|answer| !holds(answer, &["fence", "code"])) {
            return Err(format!("the answer `{answer}` lacks {{fence}} or {{code}}"));
        }
        let signature = self.function_headers.texts().find(|header| !header.contains("{signature}"));
        match signature.filter(|_| profile == Profile::Strict) {
            Some(header) => {
                Err(format!("the strict profile always shows the signature: `{header}` lacks {{signature}}"))
            }
            None => Ok(()),
        }
    }
}

fn holds(template: &str, keys: &[&str]) -> bool {
    keys.iter().any(|key| template.contains(&format!("{{{key}}}")))
}

fn wrong(settings: &AssembleSettings, what: &str) -> Failure {
    let file =
        settings.wording.as_ref().map_or_else(|| "prompts/samples.toml".into(), |path| path.display().to_string());
    Failure::Usage(format!("{file}: {what}"))
}

fn weights(name: &str, mut weights: impl Iterator<Item = f64> + Clone) -> Result<(), String> {
    if let Some(weight) = weights.clone().find(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(format!("{name}: the weight {weight} is no number from 0"));
    }
    if weights.any(|weight| weight > 0.0) { Ok(()) } else { Err(format!("{name} needs an entry")) }
}

impl Entry {
    fn text(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Weighted { text, .. } => text,
        }
    }

    fn weight(&self) -> f64 {
        match self {
            Self::Plain(_) => 1.0,
            Self::Weighted { weight, .. } => *weight,
        }
    }
}

impl Choice {
    /// Draws one.
    pub fn draw(&self, random: &mut Random) -> &str {
        random.weighted(&self.0, Entry::weight).map_or("", Entry::text)
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Entry::text)
    }
}
