//! What a model is asked about an item, from a template.

use std::path::Path;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use pipeline::error::Failure;

use super::item::Item;

/// The templates that come with the program.
const EMBEDDED: [(&str, &str); 2] = [
    ("evaluate", include_str!("../../../prompts/evaluate.jinja")),
    ("plain", include_str!("../../../prompts/plain.jinja")),
];

/// A template, checked.
pub struct Question {
    environment: Environment<'static>,
    blake3: String,
}

impl Question {
    /// Loads the template `name`: `NAME.jinja` in `folder` if it stands there, else the built-in one.
    ///
    /// # Errors
    /// [`Failure::Usage`]: an unknown name, a file that cannot be read, a template that does not render or leaves the
    /// item's prompt out.
    pub fn load(name: &str, folder: Option<&Path>) -> Result<Self, Failure> {
        let wrong = |words: String| Failure::Usage(format!("--prompt {name}: {words}"));
        let own = folder.map(|folder| folder.join(format!("{name}.jinja"))).filter(|file| file.exists());
        let embedded = EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        let text = match (own, embedded) {
            (Some(file), _) => {
                std::fs::read_to_string(&file).map_err(|error| wrong(format!("{}: {error}", file.display())))?
            }
            (None, Some(text)) => text,
            (None, None) => {
                let known = EMBEDDED.map(|(name, _)| name).join(", ");
                return Err(wrong(format!("no such template; there are {known}, and those of --prompts-dir")));
            }
        };
        let blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_template_owned("question", text).map_err(|error| wrong(format!("{error:#}")))?;
        let question = Self { environment, blake3 };
        let probe = question.render("<&the prompt>", "probe").map_err(|error| wrong(format!("{error:#}")))?;
        if !probe.contains("<&the prompt>") {
            return Err(wrong("the template leaves out the item's prompt: {{ prompt }}".into()));
        }
        Ok(question)
    }

    /// Of the template's text.
    pub fn hash(&self) -> &str {
        &self.blake3
    }

    /// The question about an item.
    ///
    /// # Errors
    /// The template fails on this item.
    pub fn about(&self, item: &Item) -> anyhow::Result<String> {
        Ok(self.render(&item.prompt, &item.func_name)?)
    }

    fn render(&self, prompt: &str, func_name: &str) -> Result<String, minijinja::Error> {
        self.environment.get_template("question")?.render(context! { prompt, func_name })
    }
}
