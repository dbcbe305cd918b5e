//! The evaluation itself: every item once, with all its completions.

use std::{collections::HashMap, path::Path};

use futures_util::{StreamExt, future, stream};
use pipeline::{error::Failure, records::Place, shutdown::CancellationToken};
use serde_json::{Map, Value, json};

use super::{
    completion::{self, Completion},
    folder::{self, Done, Folder},
    item::Item,
    page,
    programs::Programs,
    progress::Progress,
    settings::ScoreSettings,
    standard::Standard,
    summary::{Aside, Origin, Summary},
    verdict::{Judged, Verdict},
};

/// What is evaluated.
pub struct Evaluation {
    /// The test set.
    pub items: Vec<Item>,
    /// Answers to it.
    pub completions: Vec<Completion>,
    /// How it is scored.
    pub score: ScoreSettings,
    /// What else verdicts depend on, for the identity.
    pub origin: Map<String, Value>,
}

impl Evaluation {
    /// Runs everything that `out` does not hold yet, and writes it there.
    ///
    /// # Errors
    /// [`Failure::Usage`] for settings that make no sense and for a folder of another evaluation,
    /// [`Failure::Unavailable`] where there is no sandbox any more, [`Failure::Stopped`] after a signal.
    pub async fn run(
        &self,
        programs: &Programs,
        out: &Path,
        resume: bool,
        stop: &CancellationToken,
    ) -> Result<Summary, Failure> {
        self.score.check()?;
        let known: HashMap<&str, usize> =
            self.items.iter().enumerate().map(|(at, item)| (item.id.as_str(), at)).collect();
        let by_item = completion::by_item(&self.completions);
        let unknown = self.completions.iter().filter(|c| !known.contains_key(c.gen_answer_id.as_str())).count();
        if self.completions.len() == unknown {
            tracing::warn!("there is no completion of any item of the test set: all of them count as missing");
        } else if unknown > 0 {
            tracing::warn!(unknown, "completions of items that the test set does not have are left out");
        }
        let of = |item: &Item| by_item.get(item.id.as_str()).map_or(&[][..], Vec::as_slice);
        let per_item = self.items.iter().map(|item| of(item).len()).max().unwrap_or(0);
        let ks = self.score.ks(per_item)?;
        let place = programs.place();
        let identity = self.identity(&place);
        let (mut folder, mut done) = Folder::open(out, &identity, resume)?;
        // What somebody changed by hand is done again.
        done.retain(|id, done| by_item.get(id.as_str()).map_or(0, Vec::len) == done.verdicts.len());
        let left: Vec<&Item> = self.items.iter().filter(|item| !done.contains_key(&item.id)).collect();
        let total: usize = self.items.iter().map(|item| of(item).len()).sum();
        let mut judged = done.values().map(|done| done.verdicts.len()).sum();
        let mut progress = Progress::start("completions", total, judged);
        programs.show(judged, total);
        let mut without_end = 0;
        let work = left.into_iter().map(|item| self.item(item, of(item), programs));
        let mut work = stream::iter(work).buffer_unordered(programs.concurrency());
        let ended = loop {
            let next = tokio::select! {
                next = work.next() => next,
                () = stop.cancelled() => break Err(Failure::Stopped(folder::GO_ON)),
            };
            match next {
                None => break Ok(()),
                Some(Err(error)) => break Err(error),
                Some(Ok(item)) => {
                    let unended = item.without_end();
                    if unended == 0 {
                        folder.add(&item)?;
                    }
                    without_end += unended;
                    progress.add(item.verdicts.len());
                    judged += item.verdicts.len();
                    programs.show(judged, total);
                    done.insert(item.id.clone(), item);
                }
            }
        };
        drop(work);
        drop(progress);
        ended?;
        if without_end > 0 {
            tracing::warn!(programs = without_end, "no attempt at these came to an end; --resume asks for them again");
        }
        let items: Vec<(&Aside, &[Verdict])> = self
            .items
            .iter()
            .filter_map(|item| done.get(&item.id))
            .map(|done| (&done.aside, done.verdicts.as_slice()))
            .collect();
        let padded: Vec<Vec<Verdict>> = items.iter().map(|(aside, rows)| padded(aside, rows, per_item)).collect();
        let rows = self.rows(&known, &padded);
        let mut text = Vec::new();
        for row in rows {
            serde_json::to_writer(&mut text, row).map_err(anyhow::Error::from)?;
            text.push(b'\n');
        }
        folder.write("verdicts.jsonl", &text)?;
        let items: Vec<(&Aside, &[Verdict])> =
            items.iter().zip(&padded).map(|((aside, _), rows)| (*aside, rows.as_slice())).collect();
        let origin = Origin { identity, sandbox: place.sandbox, unknown, per_item };
        let summary = Summary::of(&items, origin, &self.score, &ks);
        let json = serde_json::to_string_pretty(&summary).map_err(anyhow::Error::from)? + "\n";
        folder.write("summary.json", json.as_bytes())?;
        folder.write("report.html", page::render(&summary, self, &padded)?.as_bytes())?;
        Ok(summary)
    }

    /// Rows in the order of the completions; behind them those that are missing, in the order of the items.
    fn rows<'a>(&self, known: &HashMap<&str, usize>, padded: &'a [Vec<Verdict>]) -> Vec<&'a Verdict> {
        let mut next = vec![0; padded.len()];
        let mut rows = Vec::new();
        for completion in &self.completions {
            let Some(item) = known.get(completion.gen_answer_id.as_str()) else { continue };
            rows.push(&padded[*item][next[*item]]);
            next[*item] += 1;
        }
        rows.extend(padded.iter().zip(next).flat_map(|(rows, next)| &rows[next..]));
        rows
    }

    fn identity(&self, place: &Place) -> Map<String, Value> {
        let mut identity = self.origin.clone();
        for table in [self.score.identity(), json!(place)] {
            if let Value::Object(table) = table {
                identity.extend(table);
            }
        }
        identity
    }

    /// One item with its completions.
    async fn item(&self, item: &Item, completions: &[usize], programs: &Programs) -> Result<Done, Failure> {
        let tolerance = self.score.float_tolerance;
        let standard = Standard::of(item, programs, tolerance).await?;
        // What several completions have in common is run once.
        let mut distinct: Vec<String> = Vec::new();
        let mut which = Vec::with_capacity(completions.len());
        let mut seen: HashMap<String, usize> = HashMap::new();
        for at in completions {
            let program = completion::program(&self.completions[*at].completions);
            let next = distinct.len();
            let place = *seen.entry(program.clone()).or_insert(next);
            if place == next {
                distinct.push(program);
            }
            which.push(place);
        }
        let standard = &standard;
        let judge = |program| Judged::of(program, item, standard, programs, tolerance);
        let judged = future::try_join_all(distinct.iter().map(|program| judge(program))).await?;
        let row = |(index, place): (usize, &usize)| judged[*place].row(&item.id, index);
        Ok(Done {
            id: item.id.clone(),
            aside: Aside::of(item, standard),
            verdicts: which.iter().enumerate().map(row).collect(),
        })
    }
}

/// An item's rows, with those that are missing.
fn padded(aside: &Aside, rows: &[Verdict], per_item: usize) -> Vec<Verdict> {
    let missing = |index| Judged::missing(aside).row(&aside.id, index);
    rows.iter().cloned().chain((rows.len()..per_item.max(1)).map(missing)).collect()
}
