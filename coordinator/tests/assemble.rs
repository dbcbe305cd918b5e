//! `tests/assemble/<case>/`: `executed.jsonl` in, `expected.jsonl` and `rejected.jsonl` out; `settings.json` where the
//! defaults do not do. `ACCEPT=1 cargo test -p coordinator --test assemble` writes what came out.

use std::{
    fs,
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use coordinator::assemble::{AssembleSettings, Assembler, Format, Profile, run_filter};
use pipeline::records::{Rejection, Sample};
use serde_json::{Value, json};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SEED: u64 = 7;

/// Runs Python over `[[program, [statement, …], [[expression, repr], …]], …]`: each program in a namespace of its own,
/// each statement must run, each expression must have that repr. Prints how many of each held, and what did not.
const CHECK: &str = r#"
import json, sys
ran, equal, failures = 0, 0, []
for program, statements, pairs in json.load(sys.stdin):
    scope = {}
    exec(program, scope)
    for statement in statements:
        try:
            exec(statement, scope)
            ran += 1
        except BaseException as error:
            failures.append([statement, repr(error)])
    for expression, wanted in pairs:
        value = eval(expression, scope)
        # A set's repr depends on the hash seed.
        if repr(value) == wanted or eval(wanted, {**scope, "inf": float("inf")}) == value:
            equal += 1
        else:
            failures.append([expression, repr(value)])
print(json.dumps([ran, equal, failures]))
"#;

fn cases() -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/assemble");
    let mut cases = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()?;
    cases.retain(|path| path.is_dir());
    cases.sort();
    assert!(!cases.is_empty(), "no cases");
    Ok(cases)
}

fn settings(case: &Path) -> Result<AssembleSettings> {
    let mut all = serde_json::to_value(AssembleSettings::default())?;
    if let Ok(text) = fs::read_to_string(case.join("settings.json")) {
        let Value::Object(own) = serde_json::from_str(&text)? else { return Err("settings.json is no object".into()) };
        for (key, value) in own {
            all[key] = value;
        }
    }
    Ok(serde_json::from_value(all)?)
}

/// Samples and rejections of a case, as they would be written.
fn assembled(case: &Path, seed: u64) -> Result<(String, String)> {
    assembled_from(&fs::read(case.join("executed.jsonl"))?, &settings(case)?, seed)
}

fn assembled_from(input: &[u8], settings: &AssembleSettings, seed: u64) -> Result<(String, String)> {
    let (mut samples, mut rejections) = (Vec::new(), Vec::new());
    let assembler = Assembler::new(settings, seed)?;
    let lines = input.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let counts = run_filter(input, "executed.jsonl", &assembler, &mut samples, Some(&mut rejections))?;
    assert_eq!(counts.passed + counts.rejected, lines as u64, "every line ends as one thing");
    Ok((String::from_utf8(samples)?, String::from_utf8(rejections)?))
}

#[test]
fn every_case_gives_what_is_expected() -> Result {
    let accept = std::env::var_os("ACCEPT").is_some();
    for case in cases()? {
        let (samples, rejections) = assembled(&case, SEED)?;
        for (name, text) in [("expected.jsonl", samples), ("rejected.jsonl", rejections)] {
            let path = case.join(name);
            if accept {
                fs::write(&path, &text)?;
            }
            let wanted = fs::read_to_string(&path)?;
            let lines = text.lines().map(Some).chain(std::iter::repeat(None));
            for (at, wanted) in wanted.lines().enumerate() {
                let got = lines.clone().nth(at).flatten();
                assert_eq!(got, Some(wanted), "{}:{}; `ACCEPT=1` accepts it", path.display(), at + 1);
            }
            assert_eq!(text.lines().count(), wanted.lines().count(), "{}", path.display());
        }
    }
    Ok(())
}

#[test]
fn another_seed_words_the_same_examples_otherwise() -> Result {
    let mut different = 0;
    for case in cases()? {
        let (one, other) = (assembled(&case, SEED)?, assembled(&case, SEED + 1)?);
        // The detail may say how long the prompt became.
        assert_eq!(reasons(&one.1)?, reasons(&other.1)?, "rejections depend on the seed in {}", case.display());
        for (one, other) in one.0.lines().zip(other.0.lines()) {
            let (one, other): (Sample, Sample) = (serde_json::from_str(one)?, serde_json::from_str(other)?);
            assert_eq!(one.examples, other.examples);
            different += u32::from(one.prompt != other.prompt);
        }
    }
    assert!(different > 0, "no prompt changed");
    Ok(())
}

fn reasons(rejections: &str) -> Result<Vec<(String, String)>> {
    let reason = |line: &str| {
        let rejection: Rejection = serde_json::from_str(line)?;
        Ok((rejection.id, rejection.reason.to_string()))
    };
    rejections.lines().map(reason).collect()
}

/// Many seeds, so that every format is met: what the prompt asserts is true of the answer, and so is every example.
#[test]
fn strict_samples_are_true_when_run() -> Result {
    let (mut programs, mut statements, mut expressions) = (Vec::new(), 0, 0);
    let mut tasks = std::collections::BTreeSet::new();
    for case in cases()? {
        if settings(&case)?.profile != Profile::Strict {
            continue;
        }
        for seed in 0..40 {
            for line in assembled(&case, seed)?.0.lines() {
                let sample: Sample = serde_json::from_str(line)?;
                check_shape(&sample);
                let call = format!("{}(", sample.function_name);
                let claims = sample.prompt.lines().filter_map(|line| claim(line, &call)).collect::<Vec<_>>();
                let pairs = sample.examples.iter().filter_map(|example| {
                    let output = example.output.as_ref()?;
                    Some(json!([format!("{call}{})", example.input), output]))
                });
                let mut pairs: Vec<Value> = pairs.collect();
                let fenced = sample.output.trim_matches('`').strip_prefix("python\n").ok_or("no fence")?;
                let asked = &sample.examples[sample.shown[0]];
                let program = match sample.task.as_str() {
                    "induction" => fenced,
                    "deduction" => {
                        pairs.push(json!([format!("{call}{})", asked.input), fenced.trim_end()]));
                        sample.code.as_str()
                    }
                    _ => {
                        pairs.push(json!([fenced.trim_end(), asked.output]));
                        sample.code.as_str()
                    }
                };
                tasks.insert(sample.task.clone());
                statements += claims.len();
                expressions += pairs.len();
                programs.push(json!([program, claims, pairs]));
            }
        }
    }
    assert_eq!(tasks.len(), 3, "{tasks:?}");
    assert!(statements > 100, "only {statements} asserts were met");
    let (ran, equal, failures) = python(&Value::from(programs))?;
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!((ran, equal), (statements, expressions));
    Ok(())
}

#[test]
fn rows_in_the_published_form_are_published_rows() -> Result {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/assemble/ways");
    let input = fs::read(folder.join("executed.jsonl"))?;
    let form = |keep_raw, for_eval| AssembleSettings {
        profile: Profile::Reference,
        format: Format::Reference,
        keep_raw,
        for_eval,
        ..AssembleSettings::default()
    };
    let raw = ["code", "func_name", "example_str", "exec_status", "example_inputs", "example_outputs"];
    let eval = ["parsed_inputs", "exec_code", "choosed_example_idx"];
    for (settings, more) in [
        (form(false, false), vec![]),
        (form(true, false), raw.to_vec()),
        (form(false, true), [&raw[..], &eval].concat()),
    ] {
        let rows = assembled_from(&input, &settings, SEED)?.0;
        let wanted = [&["id", "prompt", "output"][..], &more].concat();
        for row in rows.lines() {
            let row: serde_json::Map<String, Value> = serde_json::from_str(row)?;
            assert_eq!(row.keys().collect::<Vec<_>>(), wanted);
        }
        assert_eq!(rows.lines().count(), 5);
    }
    // What was written reads as the published intermediate form, with the same examples.
    let published = assembled_from(&input, &form(false, true), SEED)?.0;
    let settings = AssembleSettings { profile: Profile::Reference, ..AssembleSettings::default() };
    let (ours, theirs) =
        (assembled_from(&input, &settings, SEED)?.0, assembled_from(published.as_bytes(), &settings, SEED)?.0);
    assert_eq!(ours.lines().count(), 5);
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        let (ours, theirs): (Sample, Sample) = (serde_json::from_str(ours)?, serde_json::from_str(theirs)?);
        assert_eq!(
            (ours.examples, ours.shown, ours.function_name),
            (theirs.examples, theirs.shown, theirs.function_name)
        );
    }
    Ok(())
}

/// `prompts/samples.toml` with something else in it, as a user's own file.
#[test]
fn words_of_ones_own_are_used_and_wrong_ones_are_told() -> Result {
    let folder = tempfile::tempdir()?;
    let words = include_str!("../../prompts/samples.toml");
    let input = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/assemble/ways/executed.jsonl"))?;
    let with = |what: &str, instead: &str| -> Result<AssembleSettings> {
        assert!(words.contains(what), "{what}");
        let file = folder.path().join("words.toml");
        fs::write(&file, words.replacen(what, instead, 1))?;
        Ok(AssembleSettings { wording: Some(file), ..AssembleSettings::default() })
    };
    let first = "\"Work out what this Python function does from the examples, and write it.\"";
    let settings = with(first, "{ text = \"Mine, and {name}.\", weight = 100000 }")?;
    assert_ne!(settings.identity(), AssembleSettings::default().identity());
    for line in assembled_from(&input, &settings, SEED)?.0.lines() {
        let sample: Sample = serde_json::from_str(line)?;
        assert!(sample.prompt.contains(&format!("Mine, and {}.", sample.function_name)), "{}", sample.prompt);
    }
    for (what, instead, told) in [
        ("header = 0.7", "header = 1.7", "order.header"),
        ("header = 0.7", "haeder = 0.7", "haeder"),
        ("\"Signature: `{signature}`\"", "\"Signature: {name}\"", "{signature}"),
        ("\"function\", \"examples\"]", "\"examples\", \"examples\"]", "arrangement"),
        ("answers = [\"{fence}\"]", "answers = [\"x\"]", "{fence}"),
        ("answers = [\"{fence}\"]", "answers = []", "answers"),
        ("weight = 10 }", "weight = -1 }", "order.arrangements"),
        ("returns = \"assert {call} == {output}\"", "returns = \"assert {call}\"", "format `assert`"),
    ] {
        let error = Assembler::new(&with(what, instead)?, SEED).map(|_| ()).expect_err(instead).to_string();
        assert!(error.contains(told) && error.contains("words.toml"), "{instead}: {error}");
    }
    Ok(())
}

/// A line that claims equality, as a statement.
fn claim(line: &str, call: &str) -> Option<String> {
    if line.starts_with("assert ") {
        return Some(line.to_owned());
    }
    (line.starts_with(call) && line.contains(") == ")).then(|| format!("assert {line}"))
}

fn check_shape(sample: &Sample) {
    let (all, shown) = (sample.examples.len(), &sample.shown);
    let allowed = if sample.task == "induction" { 3..=8 } else { 1..=1 };
    assert!(allowed.contains(&shown.len()), "{}: {} shown", sample.id, shown.len());
    assert!(all < 5 || all - shown.len() >= 2, "{}: {} of {all} shown", sample.id, shown.len());
    assert!(shown.iter().all(|at| *at < all));
    assert!(sample.examples.iter().all(|e| e.output.is_some() != e.error.is_some()), "{}", sample.id);
    assert!(sample.prompt.contains(&format!("def {}(", sample.function_name)), "{}: no signature", sample.id);
    assert!(!sample.prompt.contains(" nan"), "{}", sample.prompt);
}

fn python(programs: &Value) -> Result<(usize, usize, Vec<Value>)> {
    let mut child = Command::new("python3")
        .args(["-c", CHECK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("python3 is needed (apt-get install python3): {error}"))?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    stdin.write_all(programs.to_string().as_bytes())?;
    drop(stdin);
    let answer = child.wait_with_output()?;
    assert!(answer.status.success(), "the check itself failed");
    Ok(serde_json::from_reader(BufReader::new(answer.stdout.as_slice()))?)
}
