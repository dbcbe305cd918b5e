//! An answer, and the block of examples in it.

use pipeline::{
    python::{ExamplesBlock, examples_block, more_examples_block},
    reason::Reason,
    records::WriteMethod,
};

use crate::{
    client::{Answer, Api},
    structured::{Converted, Structure},
};

/// Examples that an answer gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usable {
    /// The block that builds them.
    pub source: String,
    /// `plain` or `structured`; `salvaged` where it is what was whole of an answer that was cut short.
    pub method: WriteMethod,
}

/// How an answer was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Which way.
    pub api: Api,
    /// The schema's structure, where JSON was asked for.
    pub structure: Option<&'a Structure>,
    /// Whether it goes on where an earlier round ended.
    pub later: bool,
}

/// Reads an answer. One that is no JSON although it was asked for may still be Python: some servers take a schema and
/// forget it.
///
/// # Errors
/// Why it gives no example.
pub fn read(answer: &Answer, asked: Asked) -> Result<Usable, Reason> {
    let text = without_thoughts(&answer.text);
    if let Some(structure) = asked.structure {
        match structure.block(&text) {
            Ok(Converted { source, salvaged }) => {
                let method = if salvaged { WriteMethod::Salvaged } else { WriteMethod::Structured };
                return Ok(Usable { source, method });
            }
            Err(Reason::UnparsableCompletion) => {}
            Err(reason) => return Err(reason),
        }
    }
    if text.trim().is_empty() {
        return Err(Reason::EmptyCompletion);
    }
    // The question of a plain completion ends with the beginning of a code block.
    let text = match asked.api {
        Api::Completion if asked.structure.is_none() && !text.contains("```python") => format!("```python\n{text}"),
        _ => text,
    };
    let block = if asked.later { more_examples_block(&text) } else { examples_block(&text) };
    let ExamplesBlock { source, salvaged, closed } = block?;
    let cut = !closed && answer.finish_reason == "length";
    Ok(Usable { source, method: if salvaged || cut { WriteMethod::Salvaged } else { WriteMethod::Plain } })
}

/// The answer without what the model thought aloud: `<think>…</think>`, an end without a beginning (some chat templates
/// put the beginning into the prompt), a beginning without an end.
pub fn without_thoughts(answer: &str) -> String {
    let mut rest = answer;
    let mut kept = String::new();
    while let Some((before, thought)) = rest.split_once("<think>") {
        kept.push_str(before);
        rest = thought.split_once("</think>").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    match kept.split_once("</think>") {
        Some((_, after)) => after.to_owned(),
        None => kept,
    }
}
