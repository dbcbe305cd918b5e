//! The published form of a prompt: three parts in any order, values as strings inside strings. The words are our own.

use pipeline::records::Function;

use super::{cases::Case, quoted, random::Random};

const INSTRUCTION: &str = "Define a function that maps each input to its output.";

/// Most newlines after a part, on top of the one that ends it.
const EXTRA_NEWLINES: usize = 2;

/// Words a prompt that shows `shown`, in that order.
pub(super) fn prompt(function: &Function, shown: &[&Case], random: &mut Random) -> String {
    let examples = shown.iter().map(|case| line(case)).collect::<Vec<_>>().join("\n");
    let mut parts = [format!("Function: {}", function.name), examples, INSTRUCTION.to_owned()];
    random.shuffle(&mut parts);
    let mut prompt = String::new();
    for part in parts {
        prompt.push_str(&part);
        prompt.push_str(&"\n".repeat(1 + random.below(EXTRA_NEWLINES + 1)));
    }
    prompt
}

/// The published answer.
pub(super) fn answer(code: &str) -> String {
    format!("The function is:\n\n```python\n{}\n\n```", code.trim_end())
}

fn line(case: &Case) -> String {
    let argument = |(name, source): &(String, String)| match quoted::value(source) {
        Some(text) => format!("{name}={}", quoted::json_ascii(&text)),
        None => format!("{name}={source}"),
    };
    let arguments = case.arguments.iter().map(argument).collect::<Vec<_>>().join(", ");
    let output = match &case.result {
        Ok(repr) => quoted::json_ascii(repr),
        Err(raised) => quoted::json_ascii(&format!("<class '{}'>: {}", raised.class, raised.message)),
    };
    format!("Input: dict({arguments}), Output: {output}")
}
