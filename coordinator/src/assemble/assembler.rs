use pipeline::{
    error::Failure,
    profile::Profile,
    reason::Reason,
    records::{ChatMessage, ExecutedFunction, Rejection, Sample},
};
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    cases::{self, Case},
    measures, published_row,
    random::Random,
    reach::Reach,
    render::{self, Rendered},
    rules::{self, Candidate},
    select,
    settings::{AssembleSettings, Format},
    task::Task,
    wording::Wording,
};

/// Longest prompt, in characters.
const MAX_PROMPT_CHARS: usize = 32_768;

/// Columns of the raw row that may name its licence.
const LICENCE: [&str; 4] = ["license", "licence", "licenses", "max_stars_repo_licenses"];

/// What [`assemble`] needs beside the function: settings, seed and words, checked once.
#[derive(Clone, Debug)]
pub struct Assembler {
    settings: AssembleSettings,
    skipped: Vec<Reason>,
    wording: Wording,
    seed: u64,
}

impl Assembler {
    /// Checks settings and reads the words of prompts. `seed` is the run's.
    ///
    /// # Errors
    /// A filter that does not exist, no row to make, or a file of words that cannot be used: [`Failure::Usage`].
    pub fn new(settings: &AssembleSettings, seed: u64) -> Result<Self, Failure> {
        if settings.renderings == 0 || settings.task.is_empty() {
            return Err(Failure::Usage("--task and --renderings: a function gives at least one sample".into()));
        }
        if (settings.keep_raw || settings.for_eval) && settings.format != Format::Reference {
            return Err(Failure::Usage("--keep-raw and --for-eval are columns of --format reference".into()));
        }
        let skipped = settings.skip_filters.iter().map(|name| filter_named(name)).collect::<Result<_, _>>()?;
        let mut settings = settings.clone();
        let all = std::mem::take(&mut settings.task);
        settings.task = all.into_iter().fold(Vec::new(), |mut tasks, task| {
            if !tasks.contains(&task) {
                tasks.push(task);
            }
            tasks
        });
        let wording = Wording::load(&settings)?;
        Ok(Self { settings, skipped, wording, seed })
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
    let form = settings.answer_form();
    let answer = Answer::of(&executed.function, &cases, form, settings.docstrings, settings.names);
    let candidate = Candidate { executed: &executed, answer: &answer, cases: &cases, dropped: &dropped };
    let applied = rules::of(settings.profile).iter().filter(|rule| !assembler.skipped.contains(&rule.reason));
    for rule in applied {
        if let Some(detail) = rule.check(&candidate) {
            return Err(Box::new(Rejection::of(&executed, rule.reason, detail)));
        }
    }

    let reach = Reach::of(&answer.anatomy, &cases);
    let one_row = settings.task.len() == 1 && settings.renderings == 1;
    let (mut rows, mut longest) = (Vec::new(), 0);
    for task in &settings.task {
        for k in 0..settings.renderings {
            let function = &executed.function.id;
            let id = if one_row { function.clone() } else { format!("{function}/{}/{k}", task.as_str()) };
            let Some((shown, rendered)) = assembler.row(&executed, &answer, &cases, &reach, *task, k, &id) else {
                continue;
            };
            let chars = rendered.prompt.chars().count();
            if chars > MAX_PROMPT_CHARS && !assembler.skipped.contains(&Reason::PromptTooLong) {
                longest = longest.max(chars);
            } else {
                rows.push((id, *task, shown, rendered));
            }
        }
    }
    if rows.is_empty() {
        let (reason, detail) = if longest > 0 {
            let detail = format!("the prompt has {longest} characters; {MAX_PROMPT_CHARS} are allowed");
            (Reason::PromptTooLong, detail)
        } else {
            (Reason::TooFewExamples, "no example can be asked about: none returns a literal for literals".to_owned())
        };
        return Err(Box::new(Rejection::of(&executed, reason, detail)));
    }
    let measures = measures::of(&executed.function, &cases, &reach);
    let provenance = provenance(&executed, assembler.seed);
    let examples = || cases.iter().map(Case::example).collect();
    let sample = |(id, task, shown, Rendered { prompt, output }): (String, Task, Vec<usize>, Rendered)| Sample {
        id,
        task: task.as_str().to_owned(),
        messages: vec![message("user", &prompt), message("assistant", &output)],
        prompt,
        output,
        function_name: answer.name.clone(),
        code: answer.source.clone(),
        examples: examples(),
        published: published_row::columns(settings, &executed, &answer, &cases, &shown),
        shown,
        measures: measures.clone(),
        meta: executed.function.meta.clone(),
        provenance: provenance.clone(),
    };
    Ok(rows.into_iter().map(sample).collect())
}

impl Assembler {
    /// How a sample stands on a line: as a record, or in the published form.
    pub fn line_format(&self) -> Format {
        self.settings.format
    }

    /// One row: which cases it shows or asks about, and its words. None where the function has no case for it.
    #[expect(clippy::too_many_arguments, reason = "what one row depends on, and nothing else")]
    fn row(
        &self,
        executed: &ExecutedFunction,
        answer: &Answer,
        cases: &[Case],
        reach: &Reach,
        task: Task,
        k: u32,
        id: &str,
    ) -> Option<(Vec<usize>, Rendered)> {
        let mut random = Random::new(self.seed, id);
        let words = match task {
            Task::Induction => {
                let shown = match self.settings.profile {
                    Profile::Strict => select::strict(cases, reach, self.settings.shown, &mut random),
                    Profile::Reference => select::reference(cases, &mut random),
                };
                let seen: Vec<&Case> = shown.iter().map(|at| &cases[*at]).collect();
                let rendered = render::induction(&executed.function, answer, &seen, &self.wording, &mut random);
                return Some((shown, rendered));
            }
            Task::Deduction => &self.wording.deduction,
            Task::Abduction => &self.wording.abduction,
        };
        // Each rendering asks about another case.
        let mut order = Random::new(self.seed, &format!("{}/{}", executed.function.id, task.as_str()));
        let asked = select::askable(cases, &mut order).get(k as usize).copied()?;
        Some((vec![asked], render::question(answer, &cases[asked], words, &mut random)))
    }
}

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.to_owned(), content: content.to_owned() }
}

/// What made the sample; nothing here depends on time or machine.
fn provenance(executed: &ExecutedFunction, run_seed: u64) -> Map<String, Value> {
    let (generation, sandbox) = (&executed.generation, &executed.sandbox);
    let licence = LICENCE.iter().find_map(|key| executed.function.meta.get(*key));
    let entries = [
        ("model", json!(generation.model)),
        ("prompt", json!(generation.prompt)),
        ("prompt_sha256", json!(generation.prompt_sha256)),
        ("seed", json!(generation.seed)),
        ("temperature", json!(generation.temperature)),
        ("method", json!(generation.method)),
        ("run_seed", json!(run_seed)),
        ("python", json!(sandbox.python)),
        ("image_digest", json!(sandbox.image_digest)),
        ("stable", json!(executed.stable)),
        ("pipeline_version", json!(env!("CARGO_PKG_VERSION"))),
        ("license", json!(licence)),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
