//! Which inputs go back to whoever wrote them, and with which words.

use pipeline::{
    reason::Reason,
    records::{ExecutedFunction, GeneratedInputs, Limit, Outcome, RepairRequest},
    stage::Verdict,
};

/// Failures that are told; further ones are seldom news.
const SHOWN: usize = 3;

/// Characters of one input or message.
const MAX_CHARS: usize = 300;

/// Errors that no other input helps against: a name or a module that is not there.
const HOPELESS: [&str; 3] = ["NameError", "ModuleNotFoundError", "ImportError"];

/// The verdict on `input`, or the request to mend it where no input of it returned and somebody may still mend it.
pub fn or_repair(input: &GeneratedInputs, verdict: Verdict<ExecutedFunction>) -> Verdict<ExecutedFunction> {
    if input.repairs_left == 0 {
        return verdict;
    }
    let problem = match &verdict {
        Verdict::Pass(executed) => problem_of(executed),
        Verdict::Reject(rejection) if rejection.reason == Reason::ExamplesFailed => {
            Some(format!("Building the list `examples` failed: {}", shortened(&rejection.detail)))
        }
        _ => None,
    };
    match problem {
        Some(problem) => Verdict::Repair(Box::new(RepairRequest { inputs: input.clone(), problem }), Box::new(verdict)),
        None => verdict,
    }
}

/// What went wrong, in the order of the examples; none if one returned or if other inputs would not help.
fn problem_of(executed: &ExecutedFunction) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    let mut hopeless = !executed.executions.is_empty();
    for execution in &executed.executions {
        let what = match &execution.outcome {
            Outcome::Return(_) => return None,
            Outcome::Error(error) => {
                hopeless &= HOPELESS.contains(&error.class.as_str());
                format!("raised {}: {}", error.class, shortened(&error.message))
            }
            Outcome::Limit(limit) => {
                hopeless = false;
                let limit = match limit {
                    Limit::Time => "took too long",
                    Limit::Memory => "took too much memory",
                    Limit::Output => "gave too long a result",
                };
                limit.to_owned()
            }
        };
        if told.len() < SHOWN {
            told.push(format!("{} {what}", shortened(&execution.input)));
        }
    }
    match (hopeless, told.is_empty()) {
        (true, _) => None,
        (false, true) => Some("The list `examples` was empty.".into()),
        (false, false) => Some(format!("Every input failed:\n{}", told.join("\n"))),
    }
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
    fn only_inputs_that_all_failed_go_back() {
        let (wrong, undefined) = (error("TypeError", "no <f at 0x7f00> \n here"), error("NameError", "name 'np'"));
        let returned = json!({ "return": "1" });
        let every = |lines: &str| Some(format!("Every input failed:\n{lines}"));
        let cases = [
            (1, vec![wrong.clone()], every("{'a': 0} raised TypeError: no <f at 0x…> here")),
            (0, vec![wrong.clone()], None),
            (1, vec![wrong.clone(), returned], None),
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
