use pipeline::{
    error::Failure,
    profile::Profile,
    reason::Reason,
    records::{ChatMessage, ExecutedFunction, Rejection, Sample},
};
use serde_json::{Map, Value, json};

use super::{
    cases::{self, Case},
    phrases::{self, Phrases},
    random::Random,
    reference, render,
    rules::{self, Candidate, MIN_EXAMPLES},
    select,
    settings::AssembleSettings,
};

/// Longest prompt, in characters.
const MAX_PROMPT_CHARS: usize = 32_768;

/// What [`assemble`] needs beside the function: settings, seed and words, checked once.
#[derive(Clone, Debug)]
pub struct Assembler {
    settings: AssembleSettings,
    skipped: Vec<Reason>,
    phrases: Phrases,
    seed: u64,
}

impl Assembler {
    /// Checks settings and reads the words of prompts. `seed` is the run's.
    ///
    /// # Errors
    /// A filter that does not exist, fewer than 3 examples to show, or a faulty `prompts/samples.toml`:
    /// [`Failure::Usage`].
    pub fn new(settings: &AssembleSettings, seed: u64) -> Result<Self, Failure> {
        if settings.shown < MIN_EXAMPLES {
            let shown = settings.shown;
            return Err(Failure::Usage(format!("--shown {shown}: a sample shows at least {MIN_EXAMPLES} examples")));
        }
        let skipped = settings.skip_filters.iter().map(|name| filter_named(name)).collect::<Result<_, _>>()?;
        Ok(Self { settings: settings.clone(), skipped, phrases: Phrases::load(phrases::SOURCE)?, seed })
    }
}

fn filter_named(name: &str) -> Result<Reason, Failure> {
    let strict = rules::of(Profile::Strict).iter().map(|rule| rule.reason).chain([Reason::PromptTooLong]);
    let all: Vec<Reason> = strict.collect();
    all.iter().copied().find(|reason| reason.as_str() == name).ok_or_else(|| {
        let known = all.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(", ");
        Failure::Usage(format!("--skip-filters {name}: no such filter; there are {known}"))
    })
}

/// Filters a function and words its samples. The same function, settings and seed give the same bytes.
pub fn assemble(executed: ExecutedFunction, assembler: &Assembler) -> Result<Vec<Sample>, Box<Rejection>> {
    let settings = &assembler.settings;
    let (cases, dropped) = match settings.profile {
        Profile::Strict => cases::worth_showing(&executed, settings.max_output_chars),
        Profile::Reference => (cases::all(&executed), Default::default()),
    };
    let candidate = Candidate { executed: &executed, cases: &cases, dropped: &dropped };
    let applied = rules::of(settings.profile).iter().filter(|rule| !assembler.skipped.contains(&rule.reason));
    for rule in applied {
        if let Some(detail) = rule.check(&candidate) {
            return Err(Box::new(Rejection::of(&executed, rule.reason, detail)));
        }
    }

    let mut random = Random::new(assembler.seed, &executed.function.id);
    let shown = match settings.profile {
        Profile::Strict => select::strict(&cases, settings.shown, &mut random),
        Profile::Reference => select::reference(&cases, &mut random),
    };
    let shown_cases: Vec<&Case> = shown.iter().map(|at| &cases[*at]).collect();
    let code = executed.function.program();
    let (prompt, output) = match settings.profile {
        Profile::Strict => {
            (render::prompt(&executed.function, &shown_cases, &assembler.phrases, &mut random), render::fence(&code))
        }
        Profile::Reference => {
            (reference::prompt(&executed.function, &shown_cases, &mut random), reference::answer(&code))
        }
    };
    let chars = prompt.chars().count();
    if chars > MAX_PROMPT_CHARS && !assembler.skipped.contains(&Reason::PromptTooLong) {
        let detail = format!("the prompt has {chars} characters; {MAX_PROMPT_CHARS} are allowed");
        return Err(Box::new(Rejection::of(&executed, Reason::PromptTooLong, detail)));
    }
    let provenance = provenance(&executed);
    Ok(vec![Sample {
        id: executed.function.id,
        task: "induction".to_owned(),
        messages: vec![message("user", &prompt), message("assistant", &output)],
        prompt,
        output,
        function_name: executed.function.name,
        code,
        examples: cases.iter().map(Case::example).collect(),
        shown,
        meta: executed.function.meta,
        provenance,
    }])
}

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.to_owned(), content: content.to_owned() }
}

/// What made the sample; nothing here depends on time or machine.
fn provenance(executed: &ExecutedFunction) -> Map<String, Value> {
    let (generation, sandbox) = (&executed.generation, &executed.sandbox);
    let entries = [
        ("model", json!(generation.model)),
        ("prompt", json!(generation.prompt)),
        ("prompt_sha256", json!(generation.prompt_sha256)),
        ("seed", json!(generation.seed)),
        ("temperature", json!(generation.temperature)),
        ("method", json!(generation.method)),
        ("python", json!(sandbox.python)),
        ("image_digest", json!(sandbox.image_digest)),
        ("stable", json!(executed.stable)),
        ("pipeline_version", json!(env!("CARGO_PKG_VERSION"))),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
