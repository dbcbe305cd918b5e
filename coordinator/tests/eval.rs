//! `tests/eval/<case>/`: an item (`item.json`), completions (`*.txt`), and what `expected.json` names of each one's
//! verdict. All cases together are one evaluation.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use coordinator::eval::{
    completion::{Completion, read_completions},
    evaluation::Evaluation,
    item::{Item, read_items},
    programs::Programs,
    settings::ScoreSettings,
    summary::Summary,
};
use pipeline::{shutdown::CancellationToken, telemetry::Telemetry};
use serde_json::{Map, Value};
use worker_exec::settings::{ExecSettings, SandboxChoice};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn score() -> ScoreSettings {
    ScoreSettings { k: Vec::new(), float_tolerance: 0.0, bootstrap: 100, seed: 0 }
}

fn exec(slots: usize) -> ExecSettings {
    ExecSettings {
        sandbox: SandboxChoice::Namespace,
        python: None,
        sandbox_image: String::new(),
        runtime: None,
        slots: Some(slots),
        sandbox_programs: 5000,
        timeout: 0.5,
        memory_limit: 256, // on a machine just started, touching memory for the first time costs CPU time
        stability: true,
    }
}

fn cases() -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/eval");
    let mut cases = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()?;
    cases.retain(|path| path.is_dir());
    cases.sort();
    assert!(!cases.is_empty(), "no cases");
    Ok(cases)
}

fn name(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// All cases, with the names of the completions in their order.
fn evaluation() -> Result<(Evaluation, Vec<(String, String)>)> {
    let (mut items, mut completions, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for case in cases()? {
        let mut item: Value = serde_json::from_str(&fs::read_to_string(case.join("item.json"))?)?;
        item["id"] = name(&case).into();
        items.push(serde_json::from_value::<Item>(item)?);
        let expected: BTreeMap<String, Value> = serde_json::from_str(&fs::read_to_string(case.join("expected.json"))?)?;
        for own in expected.into_keys() {
            let text = fs::read_to_string(case.join(format!("{own}.txt")))?;
            completions.push(Completion { gen_answer_id: name(&case), completions: text });
            names.push((name(&case), own));
        }
    }
    Ok((Evaluation { items, completions, score: score(), origin: Map::new() }, names))
}

/// Whether `actual` has everything that `expected` names.
fn holds(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            expected.iter().all(|(key, value)| actual.get(key).is_some_and(|actual| holds(value, actual)))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| holds(e, a))
        }
        _ => expected == actual,
    }
}

fn rows(out: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(out.join("verdicts.jsonl"))?;
    Ok(text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
}

async fn programs(slots: usize) -> Result<Programs> {
    let telemetry = Telemetry::of("eval", None)?;
    Ok(Programs::here(&exec(slots), &telemetry, &CancellationToken::new()).await?)
}

async fn run(evaluation: &Evaluation, programs: &Programs, out: &Path, resume: bool) -> Result<Summary> {
    Ok(evaluation.run(programs, out, resume, &CancellationToken::new()).await?)
}

#[tokio::test]
async fn every_case_gets_its_verdict() -> Result {
    let scratch = tempfile::tempdir()?;
    let (evaluation, names) = evaluation()?;
    let four = programs(4).await?;
    let summary = run(&evaluation, &four, &scratch.path().join("four"), false).await?;
    let rows = rows(&scratch.path().join("four"))?;
    let mut wrong = Vec::new();
    for ((case, own), row) in names.iter().zip(&rows) {
        assert_eq!(row["gen_answer_id"], case.as_str(), "rows stand in the order of the completions");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/eval").join(case).join("expected.json");
        let expected: BTreeMap<String, Value> = serde_json::from_str(&fs::read_to_string(path)?)?;
        if !holds(&expected[own], row) {
            wrong.push(format!("{case}/{own}.txt: expected {}\n  got {row}", expected[own]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let page = fs::read_to_string(scratch.path().join("four/report.html"))?;
    assert!(page.contains("double") && !page.contains("http"), "the page shows completions and needs no network");
    assert_eq!(summary.inputs.repeats, 1, "an input that equals a shown one is not held out");
    assert_eq!(summary.items_set_aside, 1);

    // The same at another load; and a finished evaluation is only summed up again.
    let one = programs(1).await?;
    run(&evaluation, &one, &scratch.path().join("one"), false).await?;
    for file in ["verdicts.jsonl", "summary.json", "report.html"] {
        let (four, one) = (scratch.path().join("four").join(file), scratch.path().join("one").join(file));
        let (four, one) = (fs::read_to_string(four)?, fs::read_to_string(one)?);
        for (four, one) in four.lines().zip(one.lines()) {
            assert_eq!(four, one, "{file} depends on the number of slots");
        }
        assert_eq!(four.lines().count(), one.lines().count());
    }
    Ok(())
}

#[tokio::test]
async fn own_code_is_right_wherever_right_can_be_told() -> Result {
    let scratch = tempfile::tempdir()?;
    let (mut evaluation, _) = evaluation()?;
    let programs = programs(4).await?;
    let own = |item: &Item| Completion { gen_answer_id: item.id.clone(), completions: item.code.clone() };
    evaluation.completions = evaluation.items.iter().map(own).collect();
    let summary = run(&evaluation, &programs, scratch.path(), false).await?;
    let clean = &summary.pass_at[&1].clean;
    assert_eq!((clean.passed, clean.items), (summary.items - 1, summary.items - 1), "{:?}", summary.aside);
    Ok(())
}

#[tokio::test]
async fn an_evaluation_goes_on_where_it_was_cut() -> Result {
    let scratch = tempfile::tempdir()?;
    let (mut evaluation, _) = evaluation()?;
    let programs = programs(2).await?;
    evaluation.items.retain(|item| ["double", "values", "printed"].contains(&item.id.as_str()));
    let (whole, cut) = (scratch.path().join("whole"), scratch.path().join("cut"));
    run(&evaluation, &programs, &whole, false).await?;
    run(&evaluation, &programs, &cut, false).await?;
    // As a crash leaves it: one item whole, one torn.
    let journal = cut.join(".state/items.jsonl");
    let text = fs::read(&journal)?;
    let first = text.iter().position(|byte| *byte == b'\n').ok_or("an empty journal")?;
    fs::write(&journal, &text[..first + 100])?;
    fs::remove_file(cut.join("verdicts.jsonl"))?;
    let refused = evaluation.run(&programs, &cut, false, &CancellationToken::new()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("--resume")));
    run(&evaluation, &programs, &cut, true).await?;
    for file in ["verdicts.jsonl", "summary.json"] {
        assert_eq!(fs::read_to_string(whole.join(file))?, fs::read_to_string(cut.join(file))?, "{file}");
    }
    evaluation.score.float_tolerance = 0.5;
    let refused = evaluation.run(&programs, &cut, true, &CancellationToken::new()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("float_tolerance was 0.0, is 0.5")));
    Ok(())
}

#[tokio::test]
async fn missing_completions_count_and_unknown_ones_do_not() -> Result {
    let scratch = tempfile::tempdir()?;
    let (mut evaluation, _) = evaluation()?;
    let programs = programs(2).await?;
    let wanted = ["double", "nothing_to_tell", "recursion"];
    evaluation.items.retain(|item| wanted.contains(&item.id.as_str()));
    let answer = |id: &str, text: &str| Completion { gen_answer_id: id.into(), completions: text.into() };
    let right = "def double(x):\n    return x * 2\n";
    evaluation.completions =
        vec![answer("who?", ""), answer("double", ""), answer("recursion", ""), answer("double", right)];
    let summary = run(&evaluation, &programs, scratch.path(), false).await?;
    let told = |row: &Value| format!("{} {} {} {}", row["gen_answer_id"], row["index"], row["raw"], row["clean"]);
    let rows: Vec<String> = rows(scratch.path())?.iter().map(told).collect();
    let wanted = [
        r#""double" 0 "wrong" "wrong""#,
        r#""recursion" 0 "wrong" "wrong""#,
        r#""double" 1 "correct" "correct""#,
        r#""nothing_to_tell" 0 "missing" "unscoreable""#,
        r#""nothing_to_tell" 1 "missing" "unscoreable""#,
        r#""recursion" 1 "missing" "wrong""#,
    ];
    assert_eq!(rows, wanted);
    assert_eq!((summary.completions, summary.unknown, summary.completions_per_item), (3, 1, 2));
    let two = &summary.pass_at[&2];
    assert_eq!((two.raw.passed, two.raw.items, two.clean.items), (1, 3, 2));
    Ok(())
}

#[test]
fn bad_rows_are_named() -> Result {
    let scratch = tempfile::tempdir()?;
    let table = [
        ("", "holds no test item"),
        ("{\"id\": 1}\n", ":1: not a test item: missing field `func_name`"),
        ("\n[]\n", ":2: not a test item"),
    ];
    for (text, wanted) in table {
        let path = scratch.path().join("test.jsonl");
        fs::write(&path, text)?;
        let told = read_items(&path).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.starts_with("--data ") && told.contains(wanted), "{told}");
    }
    let path = scratch.path().join("completions.jsonl");
    fs::write(
        &path,
        "{\"gen_answer_id\": \"a\", \"completions\": [\"x\", \"y\"]}\n{\"id\": 7, \"completions\": \"z\"}\n\
         {\"id\": 8, \"gen_answer_id\": \"b\", \"completions\": \"\\ud800\"}\n",
    )?;
    let (completions, _) = read_completions(&path)?;
    let told: Vec<_> = completions.iter().map(|c| (c.gen_answer_id.as_str(), c.completions.as_str())).collect();
    assert_eq!(told, [("a", "x"), ("a", "y"), ("7", "z"), ("b", "\u{fffd}")]);
    assert!(read_completions(&scratch.path().join("none")).is_err());
    Ok(())
}
