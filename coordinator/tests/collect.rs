//! `case2code collect`, a case a folder: `tests/collect/<case>/` holds `args` (the command's arguments, paths relative to
//! the folder), inputs, and what must come out: `functions.jsonl` and `rejected.jsonl`, or `explain.jsonl`.
//! `ACCEPT=1 cargo test -p coordinator --test collect` writes what came out; read the diff before you commit it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use clap::{Args, FromArgMatches};
use coordinator::collect::{CollectSettings, Collector, Input, InputIdentity, Item, Marks, explain, run_filter};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use pipeline::{error::Failure, python, reason::Reason};

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn cases_give_what_they_gave() -> TestResult {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collect");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(&root)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", root.display());
    let mut differing = Vec::new();
    for case in &cases {
        differing.extend(check(case)?);
    }
    let list = differing.join("\n\n");
    assert!(differing.is_empty(), "{list}\n\nto accept: ACCEPT=1 cargo test -p coordinator --test collect");
    Ok(())
}

/// Runs one case and gives what differs from its files.
fn check(case: &Path) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let args = fs::read_to_string(case.join("args"))?;
    let command = CollectSettings::augment_args(clap::Command::new("collect"))
        .arg(clap::Arg::new("explain").long("explain").action(clap::ArgAction::SetTrue))
        .arg(clap::Arg::new("input").num_args(1..).required(true));
    let matches = command.try_get_matches_from(std::iter::once("collect").chain(args.split_whitespace()))?;
    let mut settings = CollectSettings::from_arg_matches(&matches)?;
    for file in settings.decontaminate.iter_mut().chain(&mut settings.exclude) {
        *file = case.join(&*file);
    }
    let inputs: Vec<&String> = matches.get_many("input").unwrap_or_default().collect();
    let paths: Vec<PathBuf> = inputs.iter().map(|input| case.join(input)).collect();

    // Paths and some ids begin with the argument: here they begin at the case.
    let prefix = format!("{}/", case.display());
    let text = |bytes| String::from_utf8(bytes).map(|text| text.replace(&prefix, ""));
    let mut found = Vec::new();
    if matches.get_flag("explain") {
        let mut decisions = Vec::new();
        explain(&paths, &settings, &mut decisions)?;
        found.push(("explain.jsonl", text(decisions)?));
    } else {
        let (mut functions, mut rejected) = (Vec::new(), Vec::new());
        let counts = run_filter(&paths, &settings, &mut functions, Some(&mut rejected))?;
        let (functions, rejected) = (text(functions)?, text(rejected)?);
        assert_eq!(counts.passed, functions.lines().count() as u64);
        assert_eq!(counts.rejected, rejected.lines().count() as u64);
        found.extend([("functions.jsonl", functions), ("rejected.jsonl", rejected)]);
        assert_eq!(one_by_one(&paths, &settings)?, all(Collector::new(&paths, &settings)?), "{}", case.display());
    }

    let mut differing = Vec::new();
    for (name, text) in found {
        let path = case.join(name);
        if std::env::var_os("ACCEPT").is_some() {
            fs::write(&path, &text)?;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if text != expected {
            differing.push(first_difference(&path, &expected, &text));
        }
    }
    Ok(differing)
}

fn all(collector: Collector) -> Vec<String> {
    collector.map(|item| format!("{item:?}")).collect()
}

/// What collectors find that are stopped after each item, and go on from their marks.
fn one_by_one(paths: &[PathBuf], settings: &CollectSettings) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    if settings.near_duplicates.is_some() {
        return Ok(all(Collector::new(paths, settings)?)); // has no marks
    }
    let (folder, mut found) = (tempfile::tempdir()?, Vec::new());
    loop {
        let (mut marks, earlier) = Marks::open(folder.path(), found.len() as u64)?;
        let mut collector = Collector::going_on(paths, settings, earlier)?;
        assert_eq!(collector.items(), found.len() as u64);
        let Some(item) = collector.next() else { return Ok(found) };
        found.push(format!("{item:?}"));
        marks.add(&collector.mark().ok_or("no mark after an item")?)?;
    }
}

fn first_difference(path: &Path, expected: &str, found: &str) -> String {
    let (mut expected, mut found, mut line) = (expected.lines(), found.lines(), 0);
    loop {
        line += 1;
        match (expected.next(), found.next()) {
            (Some(one), Some(other)) if one == other => {}
            (one, other) => {
                let (one, other) = (one.unwrap_or("nothing"), other.unwrap_or("nothing"));
                return format!("{}:{line}\n  expected {one}\n  found    {other}", path.display());
            }
        }
    }
}

/// 50,000 levels of each kind of nesting are one syntax error; as many siblings are none.
#[test]
fn nesting_is_bounded() {
    const N: usize = 50_000;
    let repeat = |text: &str| text.repeat(N);
    let deep = [
        format!("x = {}{}", repeat("("), repeat(")")),
        repeat("["),
        format!("x = {}1", repeat("-")),
        format!("x = {}1", repeat("not ")),
        format!("x = {}1", repeat("1 + ")),
        format!("x = {}1", repeat("2 ** ")),
        format!("x = a{}", repeat(".b")),
        format!("x = a{}", repeat("()")),
        format!("x = a{}", repeat("[0]")),
        format!("x = {}1", repeat("lambda: ")),
        format!("x = {}1", repeat("lambda a, b: ")),
        format!("x = {}1", repeat("a if b else ")),
        format!("x = {}1{}", repeat("f'{"), repeat("}'")),
        (0..N / 100).map(|level| format!("{}if a:\n", " ".repeat(level))).collect(),
    ];
    for source in &deep {
        assert!(python::with_module(source, |_| ()).is_err(), "accepted: {:.40}", source);
    }
    let flat = [
        format!("x = [{}]", repeat("-1, ")),
        format!("x = [{}]", repeat("lambda a, b: a, ")),
        format!("x = {}a", repeat("a < ")),
        format!("x = {}a", repeat("a and ")),
        format!("x = {}", repeat("'a' ")),
        format!("{}1", repeat("a = ")),
        format!("if a: pass\n{}", repeat("elif a: pass\n")),
        repeat("x = 1 + 1\n"),
        format!("x = {}1", "1 + ".repeat(2_900)),
        format!("x = {}1", "lambda: ".repeat(2_900)),
    ];
    for source in &flat {
        assert_eq!(python::with_module(source, |_| ()), Ok(()), "refused: {:.40}", source);
    }
}

/// A line over the limit is read past, whatever its length, and the next line is read as ever.
#[test]
fn a_long_line_is_one_rejection() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("long.jsonl");
    let function = r#"{"id": "after", "content": "def f(a):\n    return a"}"#;
    fs::write(&path, format!("{{\"content\": \"{}\"}}\n{function}\n", "x".repeat(10_000_000)))?;
    let items: Vec<_> = Collector::new(&[path], &CollectSettings::default())?.collect::<Result<_, _>>()?;
    let [long, after] = items.as_slice() else { return Err(format!("{} items", items.len()).into()) };
    let rejection = long.outcome.as_ref().err().ok_or("the long line was accepted")?;
    assert_eq!((rejection.reason, rejection.id.as_str()), (Reason::TooLarge, "long.jsonl:1"));
    assert!(serde_json::to_string(rejection)?.len() < 1_000);
    assert_eq!((after.index, after.outcome.is_ok()), (1, true));
    Ok(())
}

/// A module in which each function calls the next would be carried along n² times.
#[test]
fn a_chain_of_functions_is_cut() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("chain.py");
    let chain = |at: usize| format!("def f{at}(a):\n    return f{}(a)\n", at + 1);
    fs::write(&path, (0..400).map(chain).chain(["def f400(a):\n    return a\n".into()]).collect::<String>())?;
    let items: Vec<_> = Collector::new(&[path], &CollectSettings::default())?.collect::<Result<_, _>>()?;
    let reasons = items.iter().map(|item| item.outcome.as_ref().err().map(|rejection| rejection.reason));
    let expected = (0..=400).map(|at| (at < 100).then_some(Reason::TooLarge));
    assert!(reasons.eq(expected));
    Ok(())
}

/// What the arguments name is checked before anything is read, with the exit code of the kind of mistake.
#[test]
fn wrong_inputs_are_clear_errors() -> TestResult {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| -> std::io::Result<PathBuf> {
        let path = folder.path().join(name);
        fs::write(&path, "")?;
        Ok(path)
    };
    let empty = folder.path().join("empty");
    fs::create_dir(&empty)?;
    let cases = [
        (folder.path().join("missing.jsonl"), 3),
        (empty, 3),
        (file("rows.csv")?, 2),
        (file("rows")?, 2),
        (file("rows.parquet.gz")?, 2),
        (file("rows.gz")?, 2),
        (folder.path().join("part-*.jsonl"), 3),
    ];
    for (path, code) in cases {
        let failure = Input::discover(std::slice::from_ref(&path)).err().ok_or_else(|| path.display().to_string())?;
        assert_eq!(failure.exit_code(), code, "{failure}");
        assert!(failure.to_string().contains(&path.display().to_string()), "{failure}");
    }
    assert!(matches!(InputIdentity::of(&[PathBuf::from("-")]), Err(Failure::Usage(_))));
    Ok(())
}

/// What a Parquet file holds is read like rows of JSON; one that cannot hold code is a clear error, one that is cut off
/// is told of.
#[test]
fn parquet_is_read_like_rows() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.parquet");
    let codes: Vec<Option<String>> =
        (0..200).map(|k| (k != 7).then(|| format!("def f(a):\n    return a + {k}\n"))).collect();
    let ids: ArrayRef = Arc::new((0..200).map(|k| Some(format!("id-{k}"))).collect::<StringArray>());
    let stars: ArrayRef = Arc::new(Int64Array::from_iter(0..200));
    let unused: ArrayRef = Arc::new(Float64Array::from_iter((0..200).map(f64::from)));
    let columns = vec![
        ("id", ids),
        ("code", Arc::new(StringArray::from(codes)) as ArrayRef),
        ("stars", stars),
        ("unused", unused),
    ];
    let batch = RecordBatch::try_from_iter(columns)?;
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_max_row_group_row_count(Some(50)).build();
    let mut writer = ArrowWriter::try_new(fs::File::create(&path)?, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;

    let settings = |column: &str| CollectSettings {
        content_column: column.into(),
        keep_columns: vec!["stars".into()],
        ..CollectSettings::default()
    };
    let collect = |path: &Path, column: &str| -> Result<Vec<Item>, Failure> {
        Collector::new(&[path.to_owned()], &settings(column))?.collect()
    };
    let items = collect(&path, "code")?;
    assert_eq!(items.len(), 200);
    for (k, item) in items.iter().enumerate() {
        match &item.outcome {
            Ok(function) => {
                assert_eq!((&*function.id, &function.meta["stars"]), (&*format!("id-{k}"), &serde_json::json!(k)));
                assert_eq!(function.code, format!("def f(a):\n    return a + {k}\n"));
                assert!(!function.meta.contains_key("unused"));
            }
            Err(rejection) => assert_eq!((k, rejection.reason), (7, Reason::Unreadable)),
        }
    }
    for (column, words) in
        [("content", "no column `content`, there are: id, code, stars, unused"), ("stars", "not text")]
    {
        let failure = collect(&path, column).err().ok_or("read without its column")?;
        assert!(failure.exit_code() == 2 && failure.to_string().contains(words), "{failure}");
    }
    let whole = fs::read(&path)?;
    let damaged = folder.path().join("damaged.parquet");
    for bytes in [0, 6, whole.len() / 2] {
        fs::write(&damaged, &whole[..bytes])?;
        let items = collect(&damaged, "code")?;
        let [Item { outcome: Err(rejection), .. }] = &items[..] else { return Err("not one rejection".into()) };
        assert!(rejection.reason == Reason::Unreadable && rejection.detail.contains("Parquet"), "{rejection:?}");
    }
    // Its end is whole, what stands before is not.
    let mut bytes = whole;
    bytes[200..600].fill(0x55);
    fs::write(&damaged, &bytes)?;
    let items = collect(&damaged, "code")?;
    let last = items.last().and_then(|item| item.outcome.as_ref().err()).ok_or("no rejection")?;
    assert!(last.reason == Reason::Unreadable && last.detail.contains("damaged"), "{}", last.detail);
    Ok(())
}

/// The same items on any number of threads, and where the collector stops early.
#[test]
fn threads_change_nothing() -> TestResult {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let collect = |threads, max_functions| -> Result<Vec<Item>, Failure> {
        let settings = CollectSettings { parse_threads: Some(threads), max_functions, ..CollectSettings::default() };
        let files = ["collect/bad-rows/rows.jsonl", "collect/screens/screens.py", "collect/sample/rows.jsonl"];
        let mut inputs: Vec<PathBuf> = files.iter().map(|file| corpus.join(file)).collect();
        // A library that is on every machine that runs the tests, twice: the second time all of it came earlier.
        inputs.extend(["/usr/lib/python3.11/json", "/usr/lib/python3.11/json"].map(PathBuf::from));
        inputs.retain(|input| input.exists());
        Collector::new(&inputs, &settings)?.collect()
    };
    let alone = collect(1, None)?;
    for threads in [2, 7] {
        assert!(collect(threads, None)? == alone, "{threads} threads give other items");
    }
    let first = collect(3, Some(20))?;
    assert_eq!(first.iter().filter(|item| item.outcome.is_ok()).count(), 20);
    assert!(alone.starts_with(&first));
    Ok(())
}

/// What an earlier run accepted or rejected is passed over, and is no item.
#[test]
fn earlier_outputs_are_excluded() -> TestResult {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("rejected"))?;
    let rows = folder.path().join("rows.jsonl");
    let row = |k: u32| format!("{{\"id\": \"{k}\", \"content\": \"def f(a):\\n    return a + {k}\"}}\n");
    fs::write(&rows, (0..4).map(row).collect::<String>())?;
    let rejection = r#"{"id": "2", "stage": "collect", "reason": "duplicate", "detail": "", "record": null}"#;
    fs::write(out.join("rejected/part-00000.jsonl"), format!("{rejection}\n"))?;
    let settings = CollectSettings { exclude: vec![out.clone()], ..CollectSettings::default() };
    let items: Vec<Item> = Collector::new(std::slice::from_ref(&rows), &settings)?.collect::<Result<_, _>>()?;
    let ids: Vec<_> =
        items.iter().filter_map(|item| item.outcome.as_ref().ok()).map(|function| &*function.id).collect();
    assert_eq!(ids, ["0", "1", "3"]);
    assert_eq!(items.iter().map(|item| item.index).collect::<Vec<_>>(), [0, 1, 2]);
    let before = settings.identity()?;
    fs::write(out.join("rejected/part-00001.jsonl"), format!("{}\n", rejection.replace('2', "3")))?;
    assert_ne!(settings.identity()?, before);
    let nothing = CollectSettings { exclude: vec![folder.path().to_owned()], ..CollectSettings::default() };
    assert!(matches!(Collector::new(&[rows], &nothing), Err(Failure::Usage(_))));
    Ok(())
}

/// One byte anywhere, or another name inside a folder, is another identity; the same bytes are the same.
#[test]
fn identity_follows_the_bytes() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (one, inside) = (folder.path().join("one.py"), folder.path().join("sub"));
    fs::create_dir(&inside)?;
    fs::write(&one, "a = 1\n")?;
    let identity = || InputIdentity::of(&[folder.path().to_owned()]);
    let first = identity()?;
    assert_eq!((first[0].size, identity()?), (6, first.clone()));
    fs::write(&one, "a = 2\n")?;
    let second = identity()?;
    assert_ne!(first, second);
    fs::rename(&one, inside.join("one.py"))?;
    assert_ne!(second, identity()?);
    Ok(())
}
