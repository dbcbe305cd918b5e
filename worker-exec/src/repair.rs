//! Which inputs go back to whoever wrote them, and with which words.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{
    reason::Reason,
    records::{ExecutedFunction, Execution, GeneratedInputs, Limit, Outcome, RepairRequest},
    stage::Verdict,
};

/// Failures that are told; further ones are seldom news.
const SHOWN: usize = 3;

/// Characters of one input or message.
const MAX_CHARS: usize = 300;

/// Errors that no other input helps against: a name or a module that is not there.
const HOPELESS: [&str; 3] = ["NameError", "ModuleNotFoundError", "ImportError"];

/// Fewest different inputs that return, or raise on purpose.
const FEWEST: usize = 3;

/// Share of one output, in percent, from which on the outputs are too much alike.
const UNIFORM_PERCENT: usize = 80;

/// The verdict on `input`, or the request to mend it where no input of it returned, too few did, or nearly all gave the
/// same, and somebody may still mend it.
pub fn or_repair(input: &GeneratedInputs, verdict: Verdict<ExecutedFunction>) -> Verdict<ExecutedFunction> {
    if input.repairs_left == 0 {
        return verdict;
    }
    let problem = match &verdict {
        Verdict::Pass(executed) if executed.executions.iter().any(returned) => {
            let poor = poverty_of(executed);
            return match poor {
                Some(problem) => {
                    let request = RepairRequest { inputs: input.clone(), problem, keep: true };
                    Verdict::Repair(Box::new(request), Box::new(verdict))
                }
                None => verdict,
            };
        }
        Verdict::Pass(executed) => problem_of(executed),
        Verdict::Reject(rejection) if rejection.reason == Reason::ExamplesFailed => {
            Some(format!("Building the list `examples` failed: {}", shortened(&rejection.detail)))
        }
        _ => None,
    };
    match problem {
        Some(problem) => {
            Verdict::Repair(Box::new(RepairRequest { inputs: input.clone(), problem, keep: false }), Box::new(verdict))
        }
        None => verdict,
    }
}

fn returned(execution: &Execution) -> bool {
    matches!(execution.outcome, Outcome::Return(_))
}

/// What inputs of which some returned lack; none if they will do. A function that gives nothing but `None` gives that
/// for others, too.
fn poverty_of(executed: &ExecutedFunction) -> Option<String> {
    let inputs = executed.executions.len();
    let (mut outputs, mut on_purpose) = (BTreeMap::<&str, BTreeSet<&str>>::new(), BTreeSet::new());
    for Execution { input, outcome, .. } in &executed.executions {
        match outcome {
            Outcome::Return(repr) => _ = outputs.entry(repr).or_default().insert(input),
            Outcome::Error(error) if error.explicit => _ = on_purpose.insert(input),
            Outcome::Error(_) | Outcome::Limit(_) => {}
        }
    }
    let returning: usize = outputs.values().map(BTreeSet::len).sum();
    let (output, most) = outputs.iter().map(|(repr, inputs)| (*repr, inputs.len())).max_by_key(|(_, most)| *most)?;
    if most == returning && output == "None" {
        return None;
    }
    if returning + on_purpose.len() < FEWEST {
        let failed = executed.executions.iter().filter(|execution| !returned(execution)).filter_map(told_of);
        let failed: Vec<String> = failed.take(SHOWN).collect();
        let mut problem =
            format!("Different inputs that returned a result: {returning} of {inputs}; at least {FEWEST} are needed.");
        if !failed.is_empty() {
            problem.push_str(&format!(" Others failed:\n{}", failed.join("\n")));
        }
        return Some(problem);
    }
    let uniform = returning > 1 && most * 100 >= returning * UNIFORM_PERCENT && on_purpose.is_empty();
    uniform.then(|| {
        format!(
            "{most} of {returning} inputs gave the same result: {}\nInputs are needed that lead to other results.",
            shortened(output)
        )
    })
}

/// What went wrong, in the order of the examples; none if one returned or if other inputs would not help.
fn problem_of(executed: &ExecutedFunction) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    let mut hopeless = !executed.executions.is_empty();
    for execution in &executed.executions {
        let what = told_of(execution)?;
        hopeless &= matches!(&execution.outcome, Outcome::Error(error) if HOPELESS.contains(&error.class.as_str()));
        if told.len() < SHOWN {
            told.push(what);
        }
    }
    match (hopeless, told.is_empty()) {
        (true, _) => None,
        (false, true) => Some("The list `examples` was empty.".into()),
        (false, false) => Some(format!("Every input failed:\n{}", told.join("\n"))),
    }
}

/// How a call failed; none if it returned.
fn told_of(execution: &Execution) -> Option<String> {
    let what = match &execution.outcome {
        Outcome::Return(_) => return None,
        Outcome::Error(error) => format!("raised {}: {}", error.class, shortened(&error.message)),
        Outcome::Limit(limit) => {
            let limit = match limit {
                Limit::Time => "took too long",
                Limit::Memory => "took too much memory",
                Limit::Output => "gave too long a result",
            };
            limit.to_owned()
        }
    };
    Some(format!("{} {what}", shortened(&execution.input)))
}

/// One line without addresses, which differ from run to run.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut plain = String::new();
    let mut rest = line.as_str();
    while let Some((before, after)) = rest.split_once("0x") {
        plain.push_str(before);
        plain.push_str("0x…");
        rest = after.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
    }
    plain.push_str(rest);
    match plain.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What the inputs' writer is told, if anything.
    fn told(repairs_left: u32, outcomes: &[Value]) -> Option<String> {
        let function = json!({
            "id": "x", "name": "f", "parameters": ["a"], "code": "def f(a): pass\n", "context": "", "meta": {},
        });
        let generation = json!({
            "model": "m", "prompt": "p", "prompt_sha256": "", "temperature": 0, "top_p": 1, "seed": 1,
            "prompt_tokens": 1, "completion_tokens": 1, "finish_reason": "stop", "completion": "", "method": "plain",
        });
        let execution = |(nth, outcome): (usize, &Value)| {
            let input = format!("{{'a': {nth}}}");
            json!({ "input": input, "arguments": [], "outcome": outcome, "literal": true, "lines": null })
        };
        let executions: Vec<Value> = outcomes.iter().enumerate().map(execution).collect();
        let executed = json!({
            "function": function, "generation": generation, "executions": executions, "stable": true,
            "sandbox": { "backend": "none", "python": "3.13.0", "image_digest": null },
        });
        let input = json!({
            "function": function, "examples": "examples = []\n", "generation": generation, "repairs_left": repairs_left,
        });
        let executed = serde_json::from_value(executed).unwrap_or_else(|error| panic!("{error}"));
        let input = serde_json::from_value(input).unwrap_or_else(|error| panic!("{error}"));
        match or_repair(&input, Verdict::Pass(executed)) {
            Verdict::Repair(request, _) => Some(request.problem),
            _ => None,
        }
    }

    fn error(class: &str, message: &str) -> Value {
        json!({ "error": { "type": class, "message": message, "explicit": false } })
    }

    #[test]
    fn inputs_that_failed_or_show_too_little_go_back() {
        let (wrong, undefined) = (error("TypeError", "no <f at 0x7f00> \n here"), error("NameError", "name 'np'"));
        let gave = |repr: &str| json!({ "return": repr });
        let on_purpose = json!({ "error": { "type": "ValueError", "message": "no", "explicit": true } });
        let every = |lines: &str| Some(format!("Every input failed:\n{lines}"));
        let cases = [
            (1, vec![wrong.clone()], every("{'a': 0} raised TypeError: no <f at 0x…> here")),
            (0, vec![wrong.clone()], None),
            (
                1,
                vec![wrong.clone(), gave("1")],
                Some(
                    "Different inputs that returned a result: 1 of 2; at least 3 are needed. Others failed:\n{'a': 0} raised TypeError: no <f at 0x…> here"
                        .to_owned(),
                ),
            ),
            (1, vec![gave("1"), gave("2"), gave("1")], None),
            (1, vec![gave("None"), gave("None"), gave("None"), gave("None")], None),
            (
                1,
                vec![gave("1"), gave("1"), gave("2"), gave("1"), gave("1")],
                Some("4 of 5 inputs gave the same result: 1\nInputs are needed that lead to other results.".to_owned()),
            ),
            (1, vec![gave("1"), gave("1"), gave("1"), on_purpose], None),
            // No input helps against a name that is not there.
            (1, vec![undefined.clone(), undefined.clone()], None),
            (
                1,
                vec![undefined, json!({ "limit": "time" })],
                every("{'a': 0} raised NameError: name 'np'\n{'a': 1} took too long"),
            ),
            (1, vec![], Some("The list `examples` was empty.".to_owned())),
            (
                2,
                vec![wrong.clone(), wrong.clone(), wrong.clone(), wrong],
                every(
                    "{'a': 0} raised TypeError: no <f at 0x…> here\n{'a': 1} raised TypeError: no <f at 0x…> here\n\
                     {'a': 2} raised TypeError: no <f at 0x…> here",
                ),
            ),
        ];
        for (repairs_left, outcomes, expected) in cases {
            assert_eq!(told(repairs_left, &outcomes), expected, "{outcomes:?}");
        }
    }
}
