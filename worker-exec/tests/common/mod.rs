//! What the tests of this folder share: cases on disk, records made of them, and the settings of an executor.

#![allow(dead_code, reason = "each test file is a crate of its own and uses a part")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use pipeline::{
    records::{Function, GeneratedInputs, Generation, WriteMethod},
    stage::{Stage, Verdict},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use worker_exec::{ExecSettings, Executor, settings::SandboxChoice};

/// The base image of the docker backend, and what attacks run in without protection.
pub const IMAGE: &str = "python:3.13-slim-trixie";

/// A program, its examples and what must come of them.
pub struct Case {
    pub name: String,
    pub program: String,
    /// The block that builds `examples`, if it is another than one call without arguments.
    pub examples: Option<String>,
    pub file: CaseFile,
}

/// `case.json` of an attack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What the attack tries, in one sentence.
    pub tries: String,
    /// How one sees that it succeeds where nothing protects from it; `why_not` where that cannot be shown.
    pub unprotected: Map<String, Value>,
    /// What must be seen from outside a sandbox.
    pub expected: Value,
    /// Why the sandbox has to be replaced after it.
    #[serde(default)]
    pub retires: Option<String>,
    /// What an account needs to succeed with it, beyond what root of a container has.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// What stands for a text too long to be kept in a file: placeholder to text and count.
    #[serde(default)]
    pub grown: Map<String, Value>,
}

fn folders(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let mut folders: Vec<_> = fs::read_dir(folder).expect("cases").flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{folder:?} {file}: {error}"))
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `tests/attacks/`: programs that try something.
pub fn attacks() -> Vec<Case> {
    let case = |folder: PathBuf| {
        let file: CaseFile =
            serde_json::from_str(&read(&folder, "case.json")).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let grow = |text: String| {
            file.grown.iter().fold(text, |text, (placeholder, grown)| {
                let (part, count) = (grown[0].as_str().expect("a text"), grown[1].as_u64().expect("a count"));
                text.replace(placeholder.as_str(), &part.repeat(count as usize))
            })
        };
        let examples = folder.join("examples.py").exists().then(|| grow(read(&folder, "examples.py")));
        Case { name: name_of(&folder), program: grow(read(&folder, "program.py")), examples, file }
    };
    folders("attacks").into_iter().map(case).collect()
}

/// `tests/cases/`: programs that do what programs do.
pub fn behaviours() -> Vec<Case> {
    let case = |folder: PathBuf| {
        let expected = serde_json::from_str(&read(&folder, "expected.json")).expect("expected.json is JSON");
        let (tries, unprotected, grown) = (String::new(), Map::new(), Map::new());
        let file = CaseFile { tries, unprotected, expected, retires: None, capabilities: Vec::new(), grown };
        let examples = Some(read(&folder, "examples.py"));
        Case { name: name_of(&folder), program: read(&folder, "program.py"), examples, file }
    };
    folders("cases").into_iter().map(case).collect()
}

/// One program at a time, with limits that suit a test.
pub fn settings(sandbox: SandboxChoice) -> ExecSettings {
    ExecSettings {
        sandbox,
        // Not one from a folder that only root may enter.
        python: Some("/usr/bin/python3".into()),
        sandbox_image: IMAGE.into(),
        runtime: None,
        slots: Some(1),
        sandbox_programs: 0,
        // Room for what must reach its memory limit first, on a machine whose page faults are slow.
        timeout: 1.0,
        memory_limit: 256,
        stability: true,
    }
}

/// Starts an executor; a machine that has no such sandbox fails the test.
pub async fn start(settings: &ExecSettings) -> Executor {
    match Executor::start(settings).await {
        Ok(executor) => executor,
        Err(failure) => panic!("this test needs a {:?} sandbox: {failure}", settings.sandbox),
    }
}

/// A function `name` as the stage before this one hands it over.
pub fn record(id: &str, name: &str, code: String, examples: String) -> GeneratedInputs {
    let function = Function {
        id: id.into(),
        name: name.into(),
        parameters: Vec::new(),
        code,
        context: String::new(),
        meta: Map::new(),
    };
    let generation = Generation {
        model: "test".into(),
        prompt: "test".into(),
        prompt_sha256: String::new(),
        temperature: 0.0,
        top_p: 1.0,
        seed: None,
        prompt_tokens: 0,
        completion_tokens: 0,
        finish_reason: "stop".into(),
        completion: String::new(),
        method: WriteMethod::Plain.into(),
    };
    GeneratedInputs { function, examples, generation, repairs_left: 0 }
}

/// What came of a record, as JSON.
pub async fn outcome_of(executor: &Executor, record: GeneratedInputs) -> Value {
    match executor.process(record, 0).await {
        Ok(Verdict::Pass(executed)) => json!(executed),
        Ok(Verdict::Reject(rejection)) => json!(rejection),
        Ok(Verdict::Repair(request, _)) => json!(*request),
        Err(error) => json!({"broken": error.to_string()}),
    }
}
