//! Parts, card and report of an output folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use coordinator::{
    assemble::Format,
    output::{PartWriter, card, read_rejections, read_samples, report},
};
use pipeline::{
    reason::Reason,
    records::{Rejection, Sample},
};
use serde_json::{Value, json};

const FORMATS: [(Format, &str); 2] = [(Format::Parquet, "parquet"), (Format::Jsonl, "jsonl")];

/// The n-th of a row of samples that differ where the columns could lose something.
fn sample(n: usize) -> Sample {
    let value = json!({
        "id": format!("a.py:{n}"),
        "task": "induction",
        "prompt": format!("Nul \u{0}, quote \", <script>alert({n})</script>, é 🦀\n"),
        "output": "```python\ndef f(a):\n    return a\n```",
        "messages": if n.is_multiple_of(2) {
            json!([])
        } else {
            json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])
        },
        "function_name": "f",
        "code": "def f(a):\n    return a\n",
        "examples": if n.is_multiple_of(3) {
            json!([])
        } else {
            json!([{"input": "a=1", "output": "", "error": null}, {"input": "a=2", "output": null, "error": "E: x"}])
        },
        "shown": if n.is_multiple_of(3) { json!([]) } else { json!([1, 0]) },
        "parameters": if n.is_multiple_of(4) { json!([]) } else { json!(["a", "b_1"]) },
        "lines": n,
        "branches": 2,
        "coverage": if n.is_multiple_of(5) { json!(null) } else { json!(0.3333) },
        "distinct_outputs": 3,
        "top_output_share": 0.1,
        "error_share": 1.0,
        "meta": if n.is_multiple_of(2) { json!({}) } else { json!({"stars": n, "tags": ["b", null]}) },
        "provenance": {"z": 1, "a": {"model": "m"}},
    });
    serde_json::from_value(value).expect("the fields of a sample")
}

fn rejections() -> Vec<Rejection> {
    vec![
        Rejection::new("b.jsonl:1", Reason::Unreadable, "not JSON", &"{<b>"),
        Rejection::new("b.py:2", Reason::UndefinedGlobal, "reads `g`", &json!({"code": "def g(): ...", "meta": {}})),
        Rejection::new("b.py:3", Reason::OnlyNone, "", &Value::Null),
    ]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| PathBuf::from(entry.expect("an entry").file_name())).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back_in_order_of_the_shards() {
    for (format, _) in FORMATS {
        let out = tempfile::tempdir().expect("a folder");
        let samples: Vec<Sample> = (0..2_500).map(sample).collect();
        let writer = PartWriter::new(format);
        writer.write(out.path(), 100_000, &samples[2_400..], &rejections()[1..]).expect("a part");
        writer.write(out.path(), 2, &samples[..2_400], &rejections()[..1]).expect("a part");
        assert_eq!(read_samples(out.path()).expect("samples"), samples, "{format:?}");
        assert_eq!(read_rejections(out.path()).expect("rejections"), rejections(), "{format:?}");
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    for (format, extension) in FORMATS {
        let write = || {
            let out = tempfile::tempdir().expect("a folder");
            let samples: Vec<Sample> = (0..1_500).map(sample).collect();
            PartWriter::new(format).write(out.path(), 0, &samples, &rejections()).expect("a part");
            ["data", "rejected"].map(|folder| {
                fs::read(out.path().join(folder).join(format!("part-00000.{extension}"))).expect("the part")
            })
        };
        assert!(write() == write(), "{format:?}");
    }
}

#[test]
fn a_part_with_no_rows_is_not_written_and_an_older_one_goes() {
    for (format, extension) in FORMATS {
        let out = tempfile::tempdir().expect("a folder");
        let writer = PartWriter::new(format);
        writer.write(out.path(), 0, &[], &[]).expect("no parts");
        assert!(files(out.path()).is_empty(), "{format:?}");
        writer.write(out.path(), 0, &[sample(0)], &rejections()).expect("both parts");
        writer.write(out.path(), 0, &[sample(0)], &[]).expect("one part");
        assert_eq!(files(&out.path().join("data")), [PathBuf::from(format!("part-00000.{extension}"))]);
        assert!(files(&out.path().join("rejected")).is_empty(), "{format:?}");
    }
}

#[test]
fn what_a_killed_process_left_is_cleared_and_never_read() {
    for (format, extension) in FORMATS {
        let out = tempfile::tempdir().expect("a folder");
        let writer = PartWriter::new(format);
        for folder in ["data", "rejected"] {
            fs::create_dir(out.path().join(folder)).expect("a folder");
            fs::write(out.path().join(folder).join(format!(".part-00007.{extension}.tmp")), "half").expect("a file");
        }
        assert_eq!(read_samples(out.path()).expect("samples"), [], "{format:?}");
        writer.write(out.path(), 7, &[sample(1)], &[]).expect("a part");
        assert_eq!(files(&out.path().join("data")), [PathBuf::from(format!("part-00007.{extension}"))]);
        assert!(files(&out.path().join("rejected")).is_empty(), "{format:?}");
    }
}

#[test]
fn a_part_that_does_not_read_is_named() {
    for (_, extension) in FORMATS {
        let out = tempfile::tempdir().expect("a folder");
        fs::create_dir(out.path().join("data")).expect("a folder");
        fs::write(out.path().join("data").join(format!("part-00003.{extension}")), "{\n").expect("a file");
        let error = format!("{:#}", read_samples(out.path()).expect_err("no part of ours"));
        assert!(error.contains(&format!("part-00003.{extension}")), "{error}");
    }
}

fn run() -> Value {
    json!({
        "complete": true,
        "version": "0.1.0",
        "identity": {"seed": 1, "model": "<m>"},
        "counts": {
            "items": 43, "accepted": 40, "rejected": 3, "samples": 40,
            "rejected_by_stage": {"collect": 2, "write-inputs": 0, "execute": 0, "assemble": 1},
            "rejected_by_reason": {"unreadable": 1, "undefined_global": 1, "only_none": 1},
            "prompt_tokens": 1200, "completion_tokens": 3400,
        },
        "last_process": {"seconds": 12.5},
    })
}

#[test]
fn the_card_has_both_configurations_and_every_column() {
    for run in [None, Some(&run())] {
        let card = card::render(run).expect("a card");
        let header = card.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).expect("a header").0;
        let configs: Vec<&str> = header.lines().skip_while(|line| *line != "configs:").collect();
        let expected = "configs:|- config_name: samples|  default: true|  data_files:|  - split: train|    path: data/*|\
                        - config_name: rejected|  data_files:|  - split: train|    path: rejected/*";
        assert_eq!(configs.join("|"), expected);
        for fields in [serde_json::to_value(sample(1)), serde_json::to_value(&rejections()[0])] {
            for name in fields.expect("a record").as_object().expect("fields").keys() {
                assert!(card.contains(&format!("| `{name}` |")), "no column {name}");
            }
        }
        assert_eq!(card.contains("| rejected: `only_none` | 1 |"), run.is_some());
    }
}

#[test]
fn the_report_shows_counts_reasons_and_rows_and_escapes_them() {
    let out = tempfile::tempdir().expect("a folder");
    let samples: Vec<Sample> = (0..140).map(sample).collect();
    PartWriter::new(Format::Parquet).write(out.path(), 0, &samples, &rejections()).expect("parts");
    let html = report::render(&run(), out.path()).expect("a page");
    assert_eq!(html.matches("class=\"sample\"").count(), 50);
    assert_eq!(html.matches("class=\"rejection\"").count(), 3);
    for reason in [Reason::Unreadable, Reason::UndefinedGlobal, Reason::OnlyNone] {
        assert!(html.contains(reason.as_str()), "{reason}");
    }
    assert!(html.contains(">43<") && html.contains(">40<"), "the funnel");
    for text in ["<script", "{<b>", "http://", "https://", "src=", "url("] {
        assert!(!html.contains(text), "{text} in the page");
    }
    assert_eq!(html, report::render(&run(), out.path()).expect("a page"));
}
