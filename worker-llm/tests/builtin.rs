//! Writes inputs for the function of every folder in `tests/builtin` and calls it with them in Python. A folder's file
//! `least` says how many entries return at least, and how many of the results differ: `6 2` where there is none.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use pipeline::{
    reason::Reason,
    records::{Function, GeneratedInputs},
};
use worker_llm::builtin;

/// Prints one line an entry: `repr` of the result, or `raised`; an entry may take a second.
const CALL: &str = "
import sys, signal
program, examples = sys.stdin.read().split('\\0')
scope = {}
exec(program, scope)
exec(examples, scope)
for entry in scope['examples']:
    signal.alarm(1)
    try:
        print(repr(scope['f'](**entry)))
    except Exception:
        print('raised')
";

fn function(id: &str, code: &str) -> Function {
    let meta = serde_json::Map::new();
    Function { id: id.into(), name: "f".into(), parameters: vec![], code: code.into(), context: String::new(), meta }
}

fn written(function: &Function, seed: u64) -> GeneratedInputs {
    match builtin::write(function, seed).without_repair() {
        Ok(inputs) => inputs,
        Err(rejection) => panic!("{}: {}", function.id, rejection.detail),
    }
}

#[test]
fn most_inputs_return_and_the_outputs_differ() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/builtin");
    let (mut cases, mut failures) = (0, Vec::new());
    for case in fs::read_dir(folder).expect("the folder of cases is part of the repository") {
        let path = case.expect("a readable folder").path();
        let code = fs::read_to_string(path.join("function.py")).expect("each case has a function.py");
        // Chance begins at the id: the same one wherever this tree lies.
        let id = path.file_name().expect("a case has a name").to_string_lossy();
        let inputs = written(&function(&id, &code), 7);
        let mut python = Command::new("python3")
            .args(["-c", CALL])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the tests need python3 on the PATH");
        let mut stdin = python.stdin.take().expect("stdin is piped");
        write!(stdin, "{code}\0{}", inputs.examples).expect("Python reads its input");
        drop(stdin);
        let output = python.wait_with_output().expect("Python ends");
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let returned: Vec<&str> = output.lines().filter(|line| *line != "raised").collect();
        let distinct: BTreeSet<&str> = returned.iter().copied().collect();
        let least = fs::read_to_string(path.join("least")).unwrap_or_else(|_| "6 2".into());
        let least: Vec<usize> = least.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        assert_eq!(least.len(), 2, "{}: `least` is two numbers", path.display());
        if returned.len() < least[0] || distinct.len() < least[1] {
            failures.push(format!(
                "{}: {} of the entries return, {} distinct\n{}\n{output}",
                path.display(),
                returned.len(),
                distinct.len(),
                inputs.examples
            ));
        }
        cases += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases >= 30, "only {cases} cases were found");
}

#[test]
fn the_same_seed_writes_the_same_and_another_differs() {
    let one = function("a", "def f(x, y):\n    return x - y\n");
    let other = function("b", &one.code);
    assert_eq!(written(&one, 1), written(&one, 1));
    assert_ne!(written(&one, 1).examples, written(&one, 2).examples);
    assert_ne!(written(&one, 1).examples, written(&other, 1).examples);
    assert_eq!(written(&one, 1).examples.matches("dict(").count(), 10);
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let cases = [
        ("def f(x, /):\n    return x + 1\n", "`x`"),
        ("def f(self, a):\n    return a\n", "`self`"),
        ("def f(a, thing):\n    return a @ vars(thing)\n", "`thing`"),
        ("def f(*args):\n    return args\n", "no parameter"),
        ("def f(a:\n", "cannot be analysed"),
        ("def g(a):\n    return a\n", "no function `f`"),
    ];
    for (code, word) in cases {
        match builtin::write(&function("x", code), 0).without_repair() {
            Err(rejection) => {
                assert_eq!(rejection.reason, Reason::NoInputsInferred);
                assert!(rejection.detail.contains(word), "{code}: {}", rejection.detail);
            }
            Ok(inputs) => panic!("{code}: {}", inputs.examples),
        }
    }
}
