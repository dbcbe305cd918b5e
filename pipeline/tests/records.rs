//! Golden records: every field name of DESIGN §3 is pinned by `tests/records/*.json`.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

use pipeline::{
    reason::{Reason, StageName},
    records::{
        EvaluationAnswer, EvaluationRequest, ExecutedFunction, Function, GeneratedInputs, RawCode, Rejection, Sample,
    },
};
use serde::{Serialize, de::DeserializeOwned};

fn golden<T: Serialize + DeserializeOwned>(name: &str) {
    let path = format!("{}/tests/records/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the golden file");
    let record: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name} does not read: {error}"));
    let written = serde_json::to_string(&record).expect("a record");
    assert_eq!(written, text.trim_end(), "{name} is written otherwise: the field names are contracts");
    let mut open: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    open["a field of a later version"] = 1.into();
    let again: T = serde_json::from_value(open).expect("unknown fields are ignored");
    assert_eq!(serde_json::to_string(&again).expect("a record"), written);
}

#[test]
fn field_names_are_pinned() {
    golden::<RawCode>("raw_code");
    golden::<Function>("function");
    golden::<GeneratedInputs>("generated_inputs");
    golden::<ExecutedFunction>("executed_function");
    golden::<EvaluationRequest>("evaluation_request");
    golden::<EvaluationAnswer>("evaluation_answer");
    golden::<Sample>("sample");
    golden::<Rejection>("rejection");
}

#[test]
fn every_reason_reads_back_and_says_what_it_means() {
    for reason in Reason::ALL {
        let written = serde_json::to_value(reason).expect("a reason");
        assert_eq!(written, reason.as_str());
        assert_eq!(serde_json::from_value::<Reason>(written).expect("reads"), *reason);
        assert!(reason.describe().ends_with('.'), "{reason}: {}", reason.describe());
    }
    let stages: Vec<StageName> = Reason::ALL.iter().map(|reason| reason.stage()).collect();
    assert!(stages.is_sorted(), "reasons stand in the order in which they win: stage by stage");
}
