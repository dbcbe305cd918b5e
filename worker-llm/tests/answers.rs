//! What the writer makes of a model's answers: one case a file in `answers/`.
//!
//! `flags` of the writer, the server's `replies` (a text, a status, or a list of choices as text and finish reason), and
//! what is expected: `examples` with their `method` (and `prompt`, `tokens`, `repairs_left`), or `rejected` for a reason;
//! and of each request that the server was `asked` some fields (`seed` is counted from the function's own).

mod fake;

use std::path::Path;

use clap::Parser;
use fake::{ONE_MODEL, Reply, serve};
use pipeline::{
    records::{Function, GeneratedInputs, Generation, RepairRequest, WriteMethod, WriteTask},
    stage::{Stage, Verdict},
};
use prometheus::Registry;
use serde::Deserialize;
use serde_json::{Map, Value};
use worker_llm::{WayBack, Writer, settings::WriterSettings};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    writer: WriterSettings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    flags: Vec<String>,
    function: Option<FunctionOf>,
    repair_of: Option<RepairOf>,
    replies: Vec<Value>,
    examples: Option<String>,
    method: Option<String>,
    prompt: Option<String>,
    tokens: Option<(u64, u64)>,
    #[serde(default)]
    repairs_left: Option<u32>,
    rejected: Option<String>,
    asked: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
struct FunctionOf {
    name: String,
    parameters: Vec<String>,
    code: String,
}

#[derive(Deserialize)]
struct RepairOf {
    examples: String,
    problem: String,
    repairs_left: u32,
    #[serde(default)]
    keep: bool,
}

fn function(of: Option<FunctionOf>) -> Function {
    let of = of.unwrap_or_else(|| FunctionOf {
        name: "f".into(),
        parameters: vec!["a".into()],
        code: "def f(a):\n    return a + 1\n".into(),
    });
    let FunctionOf { name, parameters, code } = of;
    Function { id: "x".into(), name, parameters, code, context: String::new(), meta: Map::new() }
}

fn task(case: &mut Case) -> WriteTask {
    let function = function(case.function.take());
    let Some(RepairOf { examples, problem, repairs_left, keep }) = case.repair_of.take() else {
        return WriteTask::Write(function);
    };
    let generation = Generation {
        model: "small".into(),
        prompt: "first".into(),
        prompt_sha256: String::new(),
        temperature: 0.2,
        top_p: 0.95,
        seed: None,
        prompt_tokens: 1,
        completion_tokens: 2,
        finish_reason: "stop".into(),
        completion: examples.clone(),
        method: WriteMethod::Plain.into(),
    };
    let inputs = GeneratedInputs { function, examples, generation, repairs_left };
    WriteTask::Repair(Box::new(RepairRequest { inputs, problem, keep }))
}

/// Leaked: a script lives as long as its server, and that as long as the test.
fn reply(of: &Value) -> Reply {
    let leaked = |text: &str| -> &'static str { text.to_owned().leak() };
    match of {
        Value::String(text) => Reply::Text(leaked(text)),
        Value::Number(status) => {
            Reply::Status(status.as_u64().and_then(|code| code.try_into().ok()).expect("a status"), "")
        }
        Value::Array(choices) => {
            let choice = |choice: &Value| {
                let text = |at: usize| leaked(choice[at].as_str().expect("text and finish reason"));
                (text(0), text(1))
            };
            Reply::Choices(choices.iter().map(choice).collect::<Vec<_>>().leak())
        }
        other => panic!("no reply: {other}"),
    }
}

/// Checks some fields of a request.
fn check(case: &str, request: &Value, expected: &Map<String, Value>, first_seed: u64) {
    let question = request["messages"][0]["content"].as_str().or(request["prompt"].as_str()).expect("a question");
    for (field, expected) in expected {
        let seen = match field.as_str() {
            "seed" => Value::from(request["seed"].as_u64().expect("a seed") - first_seed),
            "schema" => Value::from(request["response_format"]["type"] == "json_schema"),
            "contains" => {
                let part = expected.as_str().expect("a text");
                assert!(question.contains(part), "{case}: `{part}` is not in: {question}");
                continue;
            }
            "prompt_ends" => {
                let end = expected.as_str().expect("a text");
                assert!(question.ends_with(end), "{case}: {question}");
                continue;
            }
            field => request[field].clone(),
        };
        assert_eq!(seen, *expected, "{case}: {field} of {request}");
    }
}

async fn run(name: &str, mut case: Case) {
    let replies: Vec<Reply> = case.replies.iter().map(reply).collect();
    let (url, script) = serve(ONE_MODEL, &replies).await;
    let flags = ["test", "--llm-url", &url].into_iter().chain(case.flags.iter().map(String::as_str));
    let settings = Cli::try_parse_from(flags).expect("the flags are right").writer;
    let writer = Writer::start(&settings, WayBack::Open, &Registry::new()).await.expect("the server is there");
    let verdict = writer.process(task(&mut case), 7).await.expect("the server works");
    // That of the function `x` in a run of seed 7.
    let first_seed = 835_718_522;
    match (verdict, &case.rejected) {
        (Verdict::Reject(rejection), Some(reason)) => assert_eq!(rejection.reason.as_str(), reason, "{name}"),
        (Verdict::Pass(record), None) => {
            let GeneratedInputs { examples, generation, repairs_left, .. } = record;
            assert_eq!(Some(&examples), case.examples.as_ref(), "{name}");
            assert_eq!(Some(generation.method.to_string()), case.method, "{name}");
            let tokens = (generation.prompt_tokens, generation.completion_tokens);
            assert_eq!(case.tokens.unwrap_or(tokens), tokens, "{name}");
            assert_eq!(case.prompt.as_ref().unwrap_or(&generation.prompt), &generation.prompt, "{name}");
            assert_eq!(case.repairs_left.unwrap_or(repairs_left), repairs_left, "{name}");
        }
        (verdict, _) => panic!("{name}: {verdict:?}"),
    }
    let asked = script.asked.lock().expect("nobody panicked").clone();
    assert_eq!(asked.len(), case.asked.len(), "{name}: {asked:?}");
    for (request, expected) in asked.iter().zip(&case.asked) {
        check(name, request, expected, first_seed);
    }
}

#[tokio::test]
async fn answers_become_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the cases") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("readable");
        let case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        run(&name, case).await;
        seen += 1;
    }
    assert!(seen > 15, "{seen} cases");
}
