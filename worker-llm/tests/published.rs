//! Published rows become records, or say why they cannot.

use pipeline::records::Rejection;
use serde_json::{Value, json};
use worker_llm::published::read_inputs;

const CODE: &str = "import math\n\nLIMIT = 3\n\ndef area(r, *, unit='m'):\n    return math.pi * min(r, LIMIT), unit\n";
const FENCED: &str = "```python\nexamples = [dict(r=1)]\n```\nDone.";

fn read(row: &Value) -> Result<Value, Box<Rejection>> {
    let record = read_inputs("rows.jsonl", 7, row.to_string().into_bytes())?;
    Ok(serde_json::to_value(record).expect("a record is JSON"))
}

#[test]
fn a_published_row_becomes_a_record() {
    let row = json!({
        "gen_answer_id": "g1", "id": 5, "code": CODE, "func_name": "area", "import_code": ["import os"],
        "completions": FENCED, "num_gen_tokens": 42, "retry_time": 0,
    });
    let expected = json!({
        "function": {
            "id": "g1",
            "name": "area",
            "parameters": ["r", "unit"],
            "code": "def area(r, *, unit='m'):\n    return math.pi * min(r, LIMIT), unit\n",
            "context": "import os\nimport math\n\nLIMIT = 3",
            "meta": {},
        },
        "examples": "examples = [dict(r=1)]\n",
        "generation": {
            "model": "unknown", "prompt": "published", "prompt_sha256": "", "temperature": 0.0, "top_p": 0.0,
            "seed": null, "prompt_tokens": 0, "completion_tokens": 42, "finish_reason": "", "completion": FENCED,
            "method": "plain",
        },
    });
    assert_eq!(read(&row).expect("it is whole"), expected);
    // What comes out can come in again.
    assert_eq!(read(&expected).expect("it is ours"), expected);
}

#[test]
fn other_spellings_are_read_too() {
    let table = [
        (
            json!({ "code": CODE, "func_name": "area", "example_str": "examples = [dict(r=1)]" }),
            "rows.jsonl:7",
            "plain",
        ),
        (json!({ "id": 5, "code": CODE, "completions": ["no idea", FENCED], "num_gen_tokens": [1, 2] }), "5", "plain"),
        (json!({ "id": "a", "code": CODE, "example_str": "", "completions": FENCED }), "a", "plain"),
        (
            json!({ "id": "a", "code": CODE, "completions": "```python\nexamples = [dict(r=1), dict(r=" }),
            "a",
            "salvaged",
        ),
    ];
    for (row, id, method) in table {
        let record = read(&row).expect("it is whole");
        assert_eq!((&record["function"]["id"], &record["generation"]["method"]), (&json!(id), &json!(method)), "{row}");
    }
}

#[test]
fn rounds_are_joined() {
    let rounds =
        ["```python\nexamples = [dict(r=1)]\n```", "no idea", "```python\nexamples += [dict(r=1), dict(r=2)]\n```"];
    let row = json!({ "id": 5, "code": CODE, "completions": rounds, "num_gen_tokens": [1, 2, 3] });
    let record = read(&row).expect("it is whole");
    assert_eq!(record["examples"], "examples = [dict(r=1)]\nexamples += [\n    dict(r=2),\n]\n");
    assert_eq!(record["generation"]["completion_tokens"], 6);
    assert_eq!(record["generation"]["completion"], format!("{}\n{}", rounds[0], rounds[2]));
}

#[test]
fn what_cannot_be_used_says_why() {
    let table = [
        (json!({ "id": "a", "completions": FENCED }), "unreadable", "no `code`"),
        (json!({ "id": "a", "code": CODE }), "unreadable", "neither `example_str` nor `completions`"),
        (json!({ "id": "a", "code": 5, "completions": FENCED }), "unreadable", "not a published row"),
        (json!({ "id": "a", "code": "def f(:", "completions": FENCED }), "syntax_error", "rows.jsonl:7"),
        (json!({ "id": "a", "code": CODE, "func_name": "volume", "completions": FENCED }), "no_function", "`volume`"),
        (json!({ "id": "a", "code": CODE, "completions": "Sorry, no." }), "unparsable_completion", "rows.jsonl:7"),
        (json!({ "id": "a", "code": CODE, "completions": [] }), "unreadable", "neither"),
        (json!({ "other": 1 }), "unreadable", "rows.jsonl:7"),
        (json!([1]), "unreadable", "rows.jsonl:7"),
    ];
    for (row, reason, words) in table {
        let rejection = read(&row).expect_err("it is not whole");
        assert_eq!(rejection.reason.as_str(), reason, "{row}");
        assert!(rejection.detail.contains(words), "{row}: {}", rejection.detail);
    }
    let rejection = read_inputs("rows.jsonl", 7, b"\xff{".to_vec()).expect_err("no JSON");
    assert_eq!(rejection.reason.as_str(), "unreadable");
}
