//! The question to the model, rendered from a template that users can read and replace.

use std::{collections::BTreeSet, path::Path};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use pipeline::{error::Failure, records::Function};
use sha2::{Digest, Sha256};

/// The templates that come with the program.
const EMBEDDED: [(&str, &str); 4] = [
    ("repair", include_str!("../../prompts/repair.jinja")),
    ("write-inputs", include_str!("../../prompts/write-inputs.jinja")),
    ("write-inputs-json", include_str!("../../prompts/write-inputs-json.jinja")),
    ("write-inputs-zero-shot", include_str!("../../prompts/write-inputs-zero-shot.jinja")),
];

/// How many entries are asked for.
const ENTRIES: u32 = 10;

/// What a question can be about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// Inputs that are there already, as a block; for a further round.
    pub so_far: Option<&'a str>,
    /// The answer that was no good; for a repair.
    pub answer: Option<&'a str>,
    /// What was wrong with it.
    pub problem: Option<&'a str>,
    /// Whether the answer is to be JSON under a schema.
    pub structured: bool,
}

/// A template, checked.
#[derive(Debug)]
pub struct Prompt {
    name: String,
    sha256: String,
    environment: Environment<'static>,
}

impl Prompt {
    /// Loads the template `name`, which the setting `flag` names: `NAME.jinja` in `folder` if it stands there, else the built-in one.
    ///
    /// # Errors
    /// [`Failure::Usage`]: an unknown name, a file that cannot be read, a template that does not render or leaves the
    /// function's source out.
    pub fn load(flag: &str, name: &str, folder: Option<&Path>) -> Result<Self, Failure> {
        let text = Self::text(flag, name, folder)?;
        let wrong = |error: minijinja::Error| Failure::Usage(format!("{flag} {name}: {error:#}"));
        let sha256 = format!("{:x}", Sha256::digest(text.as_bytes()));
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_template_owned(name.to_owned(), text).map_err(wrong)?;
        let prompt = Self { name: name.to_owned(), sha256, environment };
        let probe = Function {
            id: String::new(),
            name: "probe".into(),
            parameters: vec!["a".into()],
            code: "def probe(a):\n    return '<&{{ a }}>'\n".into(),
            context: String::new(),
            meta: serde_json::Map::new(),
        };
        let question = Question { so_far: Some("[]"), answer: Some("[]"), problem: Some("none"), structured: true };
        prompt.render(&probe, question).map_err(wrong)?;
        if !prompt.render(&probe, Question::default()).map_err(wrong)?.contains(probe.code.trim()) {
            return Err(Failure::Usage(format!(
                "{flag} {name}: the template leaves out the function: {{{{ program }}}}"
            )));
        }
        Ok(prompt)
    }

    fn text(flag: &str, name: &str, folder: Option<&Path>) -> Result<String, Failure> {
        let mut known: BTreeSet<String> = EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect();
        if let Some(folder) = folder {
            let wrong = |error| Failure::Usage(format!("--prompts-dir {}: {error}", folder.display()));
            for entry in std::fs::read_dir(folder).map_err(wrong)? {
                let file = entry.map_err(wrong)?.file_name();
                known.extend(file.to_str().and_then(|file| file.strip_suffix(".jinja")).map(str::to_owned));
            }
            let file = folder.join(format!("{name}.jinja"));
            // Only what the folder lists: a name with a slash leads nowhere else.
            if known.contains(name) && file.exists() {
                return std::fs::read_to_string(&file)
                    .map_err(|error| Failure::Usage(format!("{flag} {name}: {}: {error}", file.display())));
            }
        }
        match EMBEDDED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Ok((*text).to_owned()),
            None => {
                let known: Vec<_> = known.into_iter().collect();
                Err(Failure::Usage(format!("{flag} {name}: no such template; there are: {}", known.join(", "))))
            }
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 (hex) of the template's text.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The question about `function`; its source stands in there verbatim, below its context.
    ///
    /// # Errors
    /// The template names something that it is not given, or fails on this function.
    pub fn render(&self, function: &Function, question: Question) -> Result<String, minijinja::Error> {
        let code = function.code.trim();
        let context = function.context.trim();
        let program = if context.is_empty() { code.to_owned() } else { format!("{context}\n\n{code}") };
        let template = self.environment.get_template(&self.name)?;
        let (name, parameters) = (&function.name, &function.parameters);
        let Question { so_far, answer, problem, structured } = question;
        template.render(context! {
            count => ENTRIES, name, parameters, context, code, program, so_far, answer, problem, structured
        })
    }
}
