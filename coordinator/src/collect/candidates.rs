use pipeline::{
    python::{self, Bindings, Definition, Fingerprint, Module, Needs, SyntaxError},
    reason::Reason,
    records::{Function, RawCode, Rejection},
};

use super::{
    CollectProfile, CollectSettings, Place,
    near::{self, Signature},
    screening::Screening,
};

/// Statements that a function may carry along. Of 57,000 functions of real modules, those that could be kept needed 72 at
/// most.
const MAX_CARRIED: usize = 300;

/// One item of raw code, before duplicates are looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Line of its `def` in the row's source, from 1; of the source's start if there is none.
    pub line: u32,
    /// The function, or why it is none.
    pub outcome: Result<Function, Box<Rejection>>,
    /// Equal for functions of equal code and context up to comments, docstrings and layout; none if turned down.
    pub fingerprint: Option<Fingerprint>,
    /// What nearly equal functions have mostly the same of; none if turned down, or if nobody asked for it.
    pub(super) signature: Option<Signature>,
}

/// The functions of one piece of raw code in order, kept or turned down; at least one item. Pure: a candidate depends on
/// nothing but the arguments, so that any number of threads can work at once.
pub(super) fn functions_of(raw: &RawCode, place: &Place, screening: &Screening) -> Vec<Candidate> {
    let settings = &screening.settings;
    let turned_down = |reason, detail| {
        let rejection = Rejection::new(&raw.id, reason, detail, raw);
        vec![Candidate { line: 1, outcome: Err(Box::new(rejection)), fingerprint: None, signature: None }]
    };
    let header = match Header::of(raw, settings) {
        Ok(header) => header,
        Err(error) => {
            let what = format!("import_code: {}", error.message);
            return turned_down(Reason::SyntaxError, place.detail(what));
        }
    };
    let content = python::normalize(&raw.content);
    let source = format!("{}{content}", header.text);
    let found = python::with_module(&source, |module| {
        let definitions = module.definitions();
        let own: Vec<Definition> = definitions.into_iter().filter(|def| def.line > header.lines).collect();
        let bindings = (settings.collect != CollectProfile::Reference).then(|| module.bindings());
        let judge = Judge { raw, place, screening, module, bindings, above: header.lines };
        let single = own.len() == 1;
        own.into_iter().map(|definition| judge.candidate(definition, single)).collect::<Vec<_>>()
    });
    match found {
        Err(error) => turned_down(Reason::SyntaxError, place.syntax(&error, header.lines)),
        Ok(found) if found.is_empty() => turned_down(Reason::NoFunction, place.detail("no top-level def")),
        Ok(found) => found,
    }
}

/// The row as it stands in the rejection of one of its functions: whole if that is its only one, else cut down to it, so
/// that a file of many functions is not repeated with each.
pub(super) fn row_of(raw: &RawCode, id: &str, code: &str) -> RawCode {
    if id == raw.id {
        return raw.clone();
    }
    RawCode {
        id: id.to_owned(),
        content: code.to_owned(),
        import_code: raw.import_code.clone(),
        meta: raw.meta.clone(),
    }
}

/// A row's `import_code`, in front of its source. A function carries along those lines of it that it needs, like any
/// other import of its module. The published run dropped them (its one row with an import fails with a NameError on every
/// input), so `reference` does.
struct Header {
    text: String,
    lines: u32,
}

impl Header {
    fn of(raw: &RawCode, settings: &CollectSettings) -> Result<Self, SyntaxError> {
        if settings.collect == CollectProfile::Reference || raw.import_code.is_empty() {
            return Ok(Self { text: String::new(), lines: 0 });
        }
        // An import that the source repeats would be bound twice, and a name that is bound twice resolves nothing.
        let repeated = |line: &str| raw.content.lines().any(|own| own.trim_end() == line.trim_end());
        let mut text = String::new();
        for line in raw.import_code.iter().filter(|line| !repeated(line)) {
            text.push_str(&python::normalize(line));
            text.push('\n');
        }
        // On its own first, so that an open bracket cannot swallow the function.
        python::with_module(&text, |_| ())?;
        let lines = u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX);
        Ok(Self { text, lines })
    }
}

/// What the definitions of one module are judged by.
struct Judge<'m> {
    raw: &'m RawCode,
    place: &'m Place,
    screening: &'m Screening,
    module: &'m Module<'m>,
    /// None under `reference`, which does not look at names.
    bindings: Option<Bindings<'m>>,
    /// Lines of the module that are not the row's own.
    above: u32,
}

impl Judge<'_> {
    fn candidate(&self, definition: Definition, single: bool) -> Candidate {
        let line = definition.line - self.above;
        let id = if single { self.raw.id.clone() } else { format!("{}#{line}", self.raw.id) };
        let turned_down = |reason, what: String| {
            let detail = self.place.detail_at(line, format!("`{}`: {what}", definition.name));
            let row = row_of(self.raw, &id, &definition.code);
            let outcome = Err(Box::new(Rejection::new(&id, reason, detail, &row)));
            Candidate { line, outcome, fingerprint: None, signature: None }
        };
        let settings = &self.screening.settings;
        if let Some(reason) = definition.reasons.first() {
            let all: Vec<&str> = definition.reasons.iter().map(|reason| reason.as_str()).collect();
            return turned_down(*reason, all.join(", "));
        }
        let needs = self.bindings.as_ref().map(|bindings| bindings.needs(&definition, MAX_CARRIED));
        let mut context = String::new();
        if let (Some(bindings), Some(needs)) = (&self.bindings, &needs) {
            if needs.excessive && settings.collect == CollectProfile::Closure {
                return turned_down(
                    Reason::TooLarge,
                    format!("needs more than {MAX_CARRIED} statements of its module"),
                );
            }
            let undefined =
                if settings.collect == CollectProfile::SelfContained { &needs.free } else { &needs.missing };
            if !undefined.is_empty() {
                return turned_down(Reason::UndefinedGlobal, format!("reads {}", undefined.join(", ")));
            }
            if let Some(at) = needs.circular.first() {
                let what =
                    format!("line {}, which it needs, uses it before it is defined", at.saturating_sub(self.above));
                return turned_down(Reason::UndefinedGlobal, what);
            }
            context = bindings.context(needs);
            if let Some((reason, what)) = self.failed_screen(bindings, &definition, needs, &context) {
                return turned_down(reason, what);
            }
        }
        let passages = (!self.screening.benchmarks.is_empty() || settings.near_duplicates.is_some())
            .then(|| self.module.passages(&definition, needs.as_ref()));
        if let Some(what) = passages.as_ref().and_then(|passages| self.screening.benchmarks.shared(passages)) {
            return turned_down(Reason::Contaminated, what);
        }
        let near = passages.filter(|_| settings.near_duplicates.is_some());
        let signature = near.map(|passages| near::signature(&passages.code));
        let fingerprint = Some(self.module.fingerprint(&definition, needs.as_ref()));
        let Definition { name, parameters, mut code, .. } = definition;
        if settings.normalize {
            for text in [&mut code, &mut context] {
                *text = python::rendered(text).unwrap_or(std::mem::take(text));
            }
        }
        let function = Function { id, name, parameters, code, context, meta: self.raw.meta.clone() };
        Candidate { line, outcome: Ok(function), fingerprint, signature }
    }

    /// The first of the static screens that are on and that the function fails.
    fn failed_screen(
        &self,
        bindings: &Bindings,
        definition: &Definition,
        needs: &Needs,
        context: &str,
    ) -> Option<(Reason, String)> {
        let settings = &self.screening.settings;
        let failed = bindings.screens(definition, needs).into_iter().find(|(reason, _)| settings.screens(*reason));
        failed
            .or_else(|| {
                let chars = definition.code.chars().count() + context.chars().count();
                let most = settings.max_code_chars;
                (chars > most).then(|| (Reason::TooLong, format!("{chars} characters, over --max-code-chars {most}")))
            })
            .or_else(|| {
                let least = settings.min_lines;
                let lines = if least > 0 { self.module.code_lines(definition) } else { 0 };
                (lines < least).then(|| (Reason::TooShort, format!("{lines} lines of code, under --min-lines {least}")))
            })
    }
}
