//! `case2code show`: one item of a finished run, as a person reads it.

use std::{fmt::Write as _, path::Path};

use pipeline::{
    error::Failure,
    records::{ExecutedFunction, Execution, Outcome, Rejection, Sample},
};

use crate::{
    finish,
    output::{read_rejections, read_samples, stages},
    sink::journal::ItemOutcome,
};

/// The journey of that function, or the sample of that id; without one, of the first sample. Where the run kept its
/// records, the function, its inputs and what they did stand before it.
///
/// # Errors
/// No run there, or nothing of that id: [`Failure::Usage`].
pub fn show(out: &Path, id: Option<&str>) -> Result<String, Failure> {
    if !out.is_dir() {
        return Err(Failure::Unavailable(format!("{}: there is no such folder", out.display())));
    }
    let samples = read_samples(out)?;
    let wanted =
        |have: &str| id.is_none_or(|id| have == id || have.strip_prefix(id).is_some_and(|r| r.starts_with('/')));
    let mut rows = samples.iter().filter(|sample| wanted(&sample.id));
    let rows: Vec<&Sample> = if id.is_none() { rows.next().into_iter().collect() } else { rows.collect() };
    let rejection = match (id, rows.is_empty()) {
        (Some(id), true) => read_rejections(out)?.into_iter().find(|rejection| rejection.id == id),
        _ => None,
    };
    let Some(found) = rows.first().map(|sample| sample.id.as_str()).or(rejection.as_ref().map(|r| r.id.as_str()))
    else {
        let what = match id {
            _ if finish::is_open(out) => finish::UNFINISHED.to_owned(),
            Some(id) => format!("nothing has the id `{id}`"),
            None => "no samples".to_owned(),
        };
        return Err(Failure::Usage(format!("{}: {what}", out.display())));
    };
    let mut text = executed(out, id.unwrap_or(found), found)?.as_ref().map(journey).unwrap_or_default();
    for sample in rows {
        text.push_str(&sample_text(sample));
    }
    text.push_str(&rejection.as_ref().map(rejection_text).unwrap_or_default());
    Ok(text)
}

/// What was kept of a function: of that id, or of that one which is the beginning of a row's.
fn executed(out: &Path, id: &str, row: &str) -> anyhow::Result<Option<ExecutedFunction>> {
    let is_it = |have: &str| have == id || have == row || row.strip_prefix(have).is_some_and(is_row);
    for (_, part) in stages::outcome_parts(out)? {
        for outcome in stages::read(&part)? {
            if let ItemOutcome::Executed(executed) = outcome
                && is_it(&executed.function.id)
            {
                return Ok(Some(*executed));
            }
        }
    }
    Ok(None)
}

/// `/induction/0`
fn is_row(rest: &str) -> bool {
    let mut parts = rest.split('/');
    parts.next() == Some("")
        && parts.next().is_some()
        && parts.next().is_some_and(|k| k.parse::<u32>().is_ok())
        && parts.next().is_none()
}

fn journey(executed: &ExecutedFunction) -> String {
    let ExecutedFunction { function, generation, executions, stable, sandbox } = executed;
    let mut text = format!("{}\n\n--- function\n{}\n\n", function.id, function.program().trim_end());
    let seed = generation.seed.map_or_else(|| "no seed".to_owned(), |seed| format!("seed {seed}"));
    let _ = writeln!(
        text,
        "--- inputs: {} by {}, prompt {}, temperature {}, {seed}, {} + {} tokens, {}",
        generation.method,
        generation.model,
        generation.prompt,
        generation.temperature,
        generation.prompt_tokens,
        generation.completion_tokens,
        generation.finish_reason,
    );
    if !generation.completion.trim().is_empty() {
        let _ = writeln!(text, "{}", generation.completion.trim_end());
    }
    let stable = match stable {
        Some(true) => "stable",
        Some(false) => "unstable",
        None => "stability not checked",
    };
    let _ = writeln!(text, "\n--- outcomes: Python {}, {}, {stable}", sandbox.python, sandbox.backend);
    for Execution { input, outcome, lines, .. } in executions {
        let what = match outcome {
            Outcome::Return(repr) => format!("-> {repr}"),
            Outcome::Error(error) => {
                let own = if error.explicit { ", on purpose" } else { "" };
                format!("raises {}: {}{own}", error.class, error.message)
            }
            Outcome::Limit(limit) => format!("hit the limit of {limit:?}").to_lowercase(),
        };
        let lines = lines.as_ref().map(|lines| format!("   lines {}", ranges(lines))).unwrap_or_default();
        let _ = writeln!(text, "{input} {what}{lines}");
    }
    text.push('\n');
    text
}

/// `2-4 7`
fn ranges(lines: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => ranges.push((*line, *line)),
        }
    }
    let text = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(text).collect::<Vec<_>>().join(" ")
}

fn sample_text(sample: &Sample) -> String {
    let held_out = (0..sample.examples.len()).filter(|index| !sample.shown.contains(index)).count();
    format!(
        "{}: {} examples, {} shown, {held_out} held out\n\n--- prompt\n{}\n--- output\n{}\n",
        sample.id,
        sample.examples.len(),
        sample.shown.len(),
        sample.prompt.trim_end(),
        sample.output.trim_end()
    )
}

fn rejection_text(rejection: &Rejection) -> String {
    let Rejection { id, stage, reason, detail, record } = rejection;
    let code = record["code"].as_str().or(record["content"].as_str()).or(record.as_str()).unwrap_or_default();
    format!("{id}: rejected by {stage}: {reason}\n{detail}\n{}\n\n{}\n", reason.describe(), code.trim_end())
}
