//! report.html: one page that needs no network, made from run.json and the parts.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use minijinja::{AutoEscape, Environment, value::Serde};
use pipeline::{
    reason::{Reason, StageName},
    records::{Rejection, Sample},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    read::{parts, read_part},
    rows::Row,
};

/// Rows of a kind to read on the page, and parts that are opened for them.
const ROWS: usize = 50;

/// A bar of the funnel.
#[derive(Serialize)]
struct Step {
    name: &'static str,
    count: u64,
    percent: f64,
}

/// A reason, how often, and one item that it turned down.
#[derive(Serialize)]
struct ReasonRow {
    stage: &'static str,
    reason: &'static str,
    describe: &'static str,
    count: u64,
    percent: f64,
    example: Option<RejectionView>,
}

#[derive(Clone, Serialize)]
struct RejectionView {
    id: String,
    reason: &'static str,
    detail: String,
    source: String,
}

/// The page of a finished run; `run` is the value of run.json. Depends on nothing but `run` and the parts.
///
/// # Errors
/// A part cannot be read.
pub fn render(run: &Value, out: &Path) -> anyhow::Result<String> {
    let samples = spread::<Sample>(out, |_| ())?;
    let mut first: BTreeMap<Reason, RejectionView> = BTreeMap::new();
    let rejections = spread::<Rejection>(out, |rejection| {
        first.entry(rejection.reason).or_insert_with(|| view(rejection));
    })?;
    let counts = &run["counts"];
    let accepted = number(&counts["accepted"]);
    let (prompt_tokens, completion_tokens) = (number(&counts["prompt_tokens"]), number(&counts["completion_tokens"]));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", include_str!("report.html.jinja"))?;
    let page = environment.get_template("report.html")?.render(Serde(json!({
        "version": run["version"],
        "identity": serde_json::to_string_pretty(&run["identity"])?,
        "funnel": funnel(counts),
        "items": number(&counts["items"]),
        "rejected": number(&counts["rejected"]),
        "reasons": reasons(counts, &first),
        "usage": run["usage"],
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "tokens_per_accepted": (accepted > 0).then(|| (prompt_tokens + completion_tokens) / accepted.max(1)),
        "seconds": run["last_process"]["seconds"],
        "resumed": number(&run["last_process"]["outcomes_resumed"]),
        "samples": samples,
        "rejections": rejections.iter().map(view).collect::<Vec<_>>(),
    })));
    page.context("rendering report.html")
}

/// Up to [`ROWS`] rows, evenly spread over up to [`ROWS`] evenly spread parts. One part is in memory at a time; `each`
/// sees all rows of it.
fn spread<R: Row + Clone>(out: &Path, mut each: impl FnMut(&R)) -> anyhow::Result<Vec<R>> {
    let parts = parts::<R>(out)?;
    let opened: Vec<_> = places(parts.len(), ROWS).collect();
    let mut chosen = Vec::new();
    for (k, i) in opened.iter().enumerate() {
        let rows = read_part::<R>(&parts[*i])?;
        rows.iter().for_each(&mut each);
        // What earlier parts could not fill falls to the later ones.
        let share = (ROWS - chosen.len()).div_ceil(opened.len() - k);
        chosen.extend(places(rows.len(), share).map(|row| rows[row].clone()));
    }
    Ok(chosen)
}

/// Up to `most` of `0..length`, evenly spread, the first one included.
fn places(length: usize, most: usize) -> impl Iterator<Item = usize> {
    let chosen = length.min(most);
    (0..chosen).map(move |i| i * length / chosen)
}

fn funnel(counts: &Value) -> Vec<Step> {
    let items = number(&counts["items"]);
    let mut left = items;
    let mut steps = vec![("items: functions, and rows or files that cannot be read", items)];
    let after = ["functions that can run", "functions with inputs", "functions that ran", "functions accepted"];
    for (stage, name) in StageName::ALL.into_iter().zip(after) {
        left = left.saturating_sub(number(&counts["rejected_by_stage"][stage.as_str()]));
        steps.push((name, left));
    }
    steps.push(("samples", number(&counts["samples"])));
    let most = steps.iter().map(|(_, count)| *count).max().unwrap_or(0);
    steps.into_iter().map(|(name, count)| Step { name, count, percent: percent(count, most) }).collect()
}

fn reasons(counts: &Value, first: &BTreeMap<Reason, RejectionView>) -> Vec<ReasonRow> {
    let count = |reason: Reason| number(&counts["rejected_by_reason"][reason.as_str()]);
    let most = Reason::ALL.iter().map(|reason| count(*reason)).max().unwrap_or(0);
    let used = Reason::ALL.iter().copied().filter(|reason| count(*reason) > 0);
    used.map(|reason| ReasonRow {
        stage: reason.stage().as_str(),
        reason: reason.as_str(),
        describe: reason.describe(),
        count: count(reason),
        percent: percent(count(reason), most),
        example: first.get(&reason).cloned(),
    })
    .collect()
}

/// What there is to read of a rejection: the source if its record has one, else the record.
fn view(rejection: &Rejection) -> RejectionView {
    let record = &rejection.record;
    let source = [&record["code"], &record["content"], record].into_iter().find_map(Value::as_str);
    RejectionView {
        id: rejection.id.clone(),
        reason: rejection.reason.as_str(),
        detail: rejection.detail.clone(),
        source: source.map_or_else(|| record.to_string(), str::to_owned),
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn percent(count: u64, most: u64) -> f64 {
    (count as f64 / most.max(1) as f64 * 1000.0).round() / 10.0
}
