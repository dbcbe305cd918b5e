//! What mutation adds to a block, as Python sees it.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use pipeline::records::Function;
use serde_json::Value;
use worker_llm::mutate::{Words, mutate};

/// Every entry of a block as JSON, tuples and sets as what `repr` says.
fn entries(block: &str) -> Vec<Value> {
    const READ: &str = "
import sys, json
scope = {}
exec(sys.stdin.read(), scope)
print(json.dumps(scope['examples'], default=repr))
";
    let mut python = Command::new("python3")
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests need python3 on the PATH");
    let mut stdin = python.stdin.take().expect("stdin is piped");
    stdin.write_all(block.as_bytes()).expect("Python reads its input");
    drop(stdin);
    let output = python.wait_with_output().expect("Python ends");
    serde_json::from_slice(&output.stdout).expect("the block builds a list of dicts")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).into()).collect()
}

fn filled(block: &str, parameters: &[&str], wanted: usize) -> Vec<Value> {
    let mutated = mutate(block, &names(parameters), &Words::default(), wanted, 1).expect("something can be added");
    entries(&format!("{block}{}", mutated.source))
}

#[test]
fn distinct_inputs_of_the_same_types_fill_up() {
    let block = "examples = [\n    dict(a=3, s='2021-03-04', items=[1, 2], x=1.5, f=True),\n]\nexamples += [{'a': 7, \
                 's': '1999-12-31', 'items': [], 'x': 2.0, 'f': False}]\n";
    let all = filled(block, &["a", "s", "items", "x", "f"], 40);
    assert_eq!(all.len(), 40);
    for (nth, entry) in all.iter().enumerate() {
        assert!(!all[..nth].contains(entry), "{entry} comes twice");
        assert!(entry["a"].is_u64() && entry["x"].is_f64() && entry["f"].is_boolean(), "{entry}");
        let date = entry["s"].as_str().expect("a text stays one");
        assert_eq!(date.split('-').map(str::len).collect::<Vec<_>>(), [4, 2, 2], "{date}");
        let items = entry["items"].as_array().expect("a list stays one");
        assert!(items.iter().all(Value::is_u64), "{entry}");
    }
}

#[test]
fn records_matrices_and_choices_keep_their_form() {
    let block = "examples = [
    dict(rows=[{'id': 1, 'name': 'Ann'}, {'id': 2, 'name': 'Bob'}], grid=[[1, 2], [3, 4]], mode='r'),
    dict(rows=[{'id': 5, 'name': 'Cy'}], grid=[[0, 1], [1, 0]], mode='w'),
    dict(rows=[{'id': 9, 'name': 'Di'}], grid=[[7, 7], [7, 7]], mode='r'),
    dict(rows=[{'id': 8, 'name': 'Ed'}], grid=[[7, 5], [7, 7]], mode='w'),
]
";
    for entry in filled(block, &["rows", "grid", "mode"], 60) {
        for row in entry["rows"].as_array().expect("a list") {
            let keys: Vec<&String> = row.as_object().expect("a record").keys().collect();
            assert_eq!(keys, ["id", "name"]);
        }
        let rows = entry["grid"].as_array().expect("a list");
        assert!(rows.iter().all(|row| row.as_array().is_some_and(|row| row.len() == 2)), "{entry}");
        assert!(entry["mode"] == "r" || entry["mode"] == "w", "{entry}");
    }
}

#[test]
fn the_seed_decides() {
    let block = "examples = [dict(n=4, t=(1, 'a'))]\n";
    let parameters = names(&["n", "t"]);
    assert_eq!(
        mutate(block, &parameters, &Words::default(), 9, 5),
        mutate(block, &parameters, &Words::default(), 9, 5)
    );
    assert_ne!(
        mutate(block, &parameters, &Words::default(), 9, 5),
        mutate(block, &parameters, &Words::default(), 9, 6)
    );
}

#[test]
fn few_values_give_few_inputs() {
    let mutated =
        mutate("examples = [dict(f=True)]\n", &names(&["f"]), &Words::default(), 10, 0).expect("False is missing");
    assert_eq!((mutated.added, mutated.source.as_str()), (1, "examples += [\n    {'f': False},\n]\n"));
}

#[test]
fn values_that_the_function_looks_for_are_among_them() {
    let function = Function {
        id: "f".into(),
        name: "f".into(),
        parameters: names(&["mode", "n"]),
        code: "def f(mode, n):\n    if mode == 'turbo' and n > 4711:\n        return 1\n    return 0\n".into(),
        context: String::new(),
        meta: serde_json::Map::new(),
    };
    let block = "examples = [dict(mode='plain', n=3)]\n";
    let words = Words::of(&function);
    let mutated = mutate(block, &function.parameters, &words, 30, 1).expect("something can be added");
    let all = entries(&format!("{block}{}", mutated.source));
    assert!(all.iter().any(|entry| entry["mode"] == "turbo"), "{all:?}");
    assert!(all.iter().any(|entry| entry["n"] == 4712), "{all:?}");
    assert!(all.iter().all(|entry| entry["mode"].is_string() && entry["n"].is_i64()), "{all:?}");
}

#[test]
fn nothing_is_added_where_nothing_can_or_need_be() {
    let parameters = names(&["a"]);
    let cases = [
        "examples = [dict(a=1), dict(a=2)]\n",
        "examples = [dict(a=f(1))]\n",
        "examples = [dict(b=1)]\n",
        "examples = [dict()]\n",
        "examples = [dict(a=i) for i in range(3)]\n",
        "examples = [dict(a=1)]\nfor e in examples: e['a'] += 1\n",
    ];
    for block in cases {
        assert_eq!(mutate(block, &parameters, &Words::default(), 2, 0), None, "{block}");
    }
}
