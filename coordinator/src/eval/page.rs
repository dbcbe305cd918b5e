//! report.html of an evaluation: one page that needs no network.

use anyhow::Context;
use minijinja::{AutoEscape, Environment, value::Serde};
use serde::Serialize;
use serde_json::json;

use super::{
    evaluation::Evaluation,
    published::Raw,
    standard::Aside,
    summary::Summary,
    verdict::{Clean, Verdict},
};

/// Completions of a kind to read on the page.
const ROWS: usize = 40;

/// A completion to read.
#[derive(Serialize)]
struct View<'a> {
    verdict: &'a Verdict,
    /// Of the first difference, as in the record.
    got: String,
    function: &'a str,
    prompt: &'a str,
    completion: &'a str,
}

/// The page. Depends on nothing but what is given.
///
/// # Errors
/// The template does not render.
pub fn render(summary: &Summary, evaluation: &Evaluation, items: &[Vec<Verdict>]) -> anyhow::Result<String> {
    let texts = super::completion::by_item(&evaluation.completions);
    let views = |wanted: fn(&Verdict) -> bool| -> Vec<View<'_>> {
        let all = evaluation.items.iter().zip(items).flat_map(|(item, rows)| rows.iter().map(move |row| (item, row)));
        let wanted = all.filter(|(_, row)| wanted(row) && row.raw != Raw::Missing);
        let chosen = spread(wanted.collect(), ROWS).into_iter();
        chosen.map(|(item, verdict)| View::of(item, verdict, evaluation, &texts)).collect()
    };
    let reasons: Vec<_> = Aside::ALL
        .iter()
        .filter_map(|reason| Some(json!([reason.as_str(), reason.describe(), summary.set_aside.get(reason)?])))
        .collect();
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("eval.html", include_str!("eval.html.jinja"))?;
    let page = environment.get_template("eval.html")?.render(Serde(json!({
        "summary": summary,
        "raw": Raw::ALL.map(|raw| json!([raw.as_str(), summary.raw.get(raw.as_str())])),
        "clean": Clean::ALL.map(|clean| json!([clean.as_str(), summary.clean.get(clean.as_str())])),
        "reasons": reasons,
        "identity": serde_json::to_string_pretty(&summary.identity)?,
        "kinds": [
            json!({ "title": "Wrong by value", "rows": views(|row| row.clean == Clean::Wrong) }),
            json!({ "title": "Wrong as published, right by value",
                    "rows": views(|row| row.raw != Raw::Correct && row.clean == Clean::Correct) }),
            json!({ "title": "Right on the shown inputs, wrong on held-out ones",
                    "rows": views(|row| row.shown == Clean::Correct && row.held_out == Clean::Wrong) }),
            json!({ "title": "Right by value", "rows": views(|row| row.clean == Clean::Correct) }),
        ],
    })));
    page.context("rendering report.html")
}

impl<'a> View<'a> {
    fn of(
        item: &'a super::item::Item,
        verdict: &'a Verdict,
        evaluation: &'a Evaluation,
        texts: &std::collections::HashMap<&str, Vec<usize>>,
    ) -> Self {
        let at = texts.get(item.id.as_str()).and_then(|places| places.get(verdict.index));
        let completion = at.map_or("", |at| &evaluation.completions[*at].completions);
        let got = verdict.first_difference.as_ref().map(|difference| json!(difference.got).to_string());
        Self { verdict, got: got.unwrap_or_default(), function: &item.func_name, prompt: &item.prompt, completion }
    }
}

/// Up to `most` of them, evenly spread.
fn spread<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let (length, chosen) = (all.len(), all.len().min(most));
    let mut next = (0..chosen).map(|i| i * length / chosen).peekable();
    all.into_iter().enumerate().filter(|(at, _)| next.next_if_eq(at).is_some()).map(|(_, one)| one).collect()
}
