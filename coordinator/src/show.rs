//! `case2code show`: one item of a finished run, as a person reads it.

use std::path::Path;

use pipeline::{
    error::Failure,
    records::{Rejection, Sample},
};

use crate::output::{read_rejections, read_samples};

/// The sample or rejection of that id; without one, the first sample.
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
    let rows: Vec<String> = samples.iter().filter(|sample| wanted(&sample.id)).map(sample_text).collect();
    match id {
        None => rows.into_iter().next().ok_or_else(|| Failure::Usage(format!("{}: no samples", out.display()))),
        Some(_) if !rows.is_empty() => Ok(rows.join("\n")),
        Some(id) => read_rejections(out)?
            .iter()
            .find(|rejection| rejection.id == id)
            .map(rejection_text)
            .ok_or_else(|| Failure::Usage(format!("{}: nothing has the id `{id}`", out.display()))),
    }
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
