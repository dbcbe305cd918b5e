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
    figures::{Class, Figures},
    read::{parts, read_part},
    rows::Row,
};

/// Rows of a kind to read on the page, and parts that are looked at.
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

/// What the page and `report --json` are made of.
struct Looked {
    samples: Vec<Sample>,
    rejections: Vec<Rejection>,
    first: BTreeMap<Reason, RejectionView>,
    figures: Figures,
}

fn look(out: &Path) -> anyhow::Result<Looked> {
    let mut figures = Figures::default();
    let samples = random_rows(out, |sample: &Sample| &sample.id, |sample| figures.add(sample))?;
    let mut first: BTreeMap<Reason, RejectionView> = BTreeMap::new();
    let rejections = random_rows(
        out,
        |rejection: &Rejection| &rejection.id,
        |rejection| {
            first.entry(rejection.reason).or_insert_with(|| view(rejection));
        },
    )?;
    Ok(Looked { samples, rejections, first, figures })
}

/// The numbers of the page: run.json with `per_accepted` and `distributions`.
///
/// # Errors
/// A part cannot be read.
pub fn numbers(run: &Value, out: &Path) -> anyhow::Result<Value> {
    let mut numbers = run.clone();
    numbers["per_accepted"] = per_accepted(run);
    numbers["distributions"] = serde_json::to_value(look(out)?.figures.distributions())?;
    Ok(numbers)
}

/// The page of a finished run; `run` is the value of run.json. Depends on nothing but `run` and the parts.
///
/// # Errors
/// A part cannot be read.
pub fn render(run: &Value, out: &Path) -> anyhow::Result<String> {
    let Looked { samples, rejections, first, figures } = look(out)?;
    let distributions = figures.distributions();
    let counts = &run["counts"];
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", include_str!("report.html.jinja"))?;
    let page = environment.get_template("report.html")?.render(Serde(json!({
        "version": run["version"],
        "identity": serde_json::to_string_pretty(&run["identity"])?,
        "funnel": funnel(counts),
        "items": number(&counts["items"]),
        "accepted": number(&counts["accepted"]),
        "rejected": number(&counts["rejected"]),
        "reasons": reasons(counts, &first),
        "usage": run["usage"],
        "prompt_tokens": number(&counts["prompt_tokens"]),
        "completion_tokens": number(&counts["completion_tokens"]),
        "per_accepted": per_accepted(run),
        "seconds": run["last_process"]["seconds"],
        "resumed": number(&run["last_process"]["outcomes_resumed"]),
        "looked_at": distributions.samples,
        "charts": [
            chart("Examples shown", "a sample", &distributions.examples_shown),
            chart("Examples held out", "a sample", &distributions.examples_held_out),
            chart("Prompt length", "characters", &distributions.prompt_chars),
            chart("Coverage", "percent of statements that the examples reach", &distributions.coverage_percent),
            chart("Output types", "of all examples", &folded(&distributions.output_types)),
        ],
        "samples": samples,
        "rejections": rejections.iter().map(view).collect::<Vec<_>>(),
    })));
    page.context("rendering report.html")
}

/// Tokens and seconds for each accepted function; null where there is none, or where earlier processes took time that
/// nobody counted.
fn per_accepted(run: &Value) -> Value {
    let accepted = number(&run["counts"]["accepted"]);
    let tokens = number(&run["counts"]["prompt_tokens"]) + number(&run["counts"]["completion_tokens"]);
    let whole = number(&run["last_process"]["outcomes_resumed"]) == 0;
    let seconds = run["last_process"]["seconds"].as_f64().filter(|_| whole && accepted > 0);
    json!({
        "tokens": (accepted > 0).then(|| tokens / accepted.max(1)),
        "seconds": seconds.map(|seconds| (seconds / accepted as f64 * 10_000.0).round() / 10_000.0),
    })
}

/// A column of a chart; all in the units of the picture, 100 high.
#[derive(Serialize)]
struct Bar<'a> {
    label: &'a str,
    count: u64,
    height: f64,
}

/// The most frequent classes, and the rest as one: more labels than that do not fit on a phone.
fn folded(classes: &[Class]) -> Vec<Class> {
    const MOST: usize = 8;
    let (most, rest) = classes.split_at(classes.len().min(MOST));
    let mut folded = most.to_vec();
    if !rest.is_empty() {
        folded.push(Class { label: "rest".to_owned(), count: rest.iter().map(|class| class.count).sum() });
    }
    folded
}

fn chart<'a>(title: &'a str, unit: &'a str, classes: &'a [Class]) -> Value {
    let most = classes.iter().map(|class| class.count).max().unwrap_or(0);
    let bar = |class: &'a Class| Bar { label: &class.label, count: class.count, height: percent(class.count, most) };
    json!({ "title": title, "unit": unit, "bars": classes.iter().map(bar).collect::<Vec<_>>() })
}

/// Up to [`ROWS`] rows, drawn by their ids over up to [`ROWS`] evenly spread parts: the same ones each time. One part
/// is in memory at a time; `each` sees all rows of it.
fn random_rows<R: Row + Clone>(
    out: &Path,
    id: impl Fn(&R) -> &str,
    mut each: impl FnMut(&R),
) -> anyhow::Result<Vec<R>> {
    let parts = parts::<R>(out)?;
    let mut drawn: BTreeMap<([u8; 32], usize), R> = BTreeMap::new();
    for part in places(parts.len(), ROWS) {
        for (at, row) in read_part::<R>(&parts[part])?.into_iter().enumerate() {
            each(&row);
            drawn.insert((*blake3::hash(id(&row).as_bytes()).as_bytes(), part * usize::from(u16::MAX) + at), row);
            if drawn.len() > ROWS {
                drawn.pop_last();
            }
        }
    }
    Ok(drawn.into_values().collect())
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
