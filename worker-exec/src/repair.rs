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
