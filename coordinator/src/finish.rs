//! The end of a run: `run.json`, the report, the dataset card, and a few lines for whoever waits.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime},
};

use pipeline::{
    error::Failure,
    reason::{Reason, StageName},
};
use serde_json::{Value, json};

use crate::{
    output::{card, report},
    sink::{folder::OutputFolder, shards::ShardSummary},
};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What the run was.
    pub identity: Value,
    /// `usage` of run.json; none where others than this process spend.
    pub usage: Option<Value>,
    /// The sum of its shards.
    pub total: ShardSummary,
    /// How long the last process took.
    pub seconds: Duration,
    /// When the last process started.
    pub started: SystemTime,
    /// Outcomes that earlier processes had left.
    pub resumed: u64,
    /// Outcomes that came twice and were dropped.
    pub duplicates: u64,
    /// Outcomes that came in another order than their numbers.
    pub out_of_order: u64,
}

impl Finished {
    /// `run.json`: settings, versions, counts, times. The only output that depends on time and machine.
    pub fn to_json(&self) -> Value {
        let rejected: u64 = self.total.rejected.values().sum();
        json!({
            "complete": true,
            "version": env!("CARGO_PKG_VERSION"),
            "identity": self.identity,
            "counts": {
                "items": self.total.items,
                "accepted": self.total.accepted,
                "rejected": rejected,
                "samples": self.total.samples,
                "rejected_by_stage": self.by_stage(),
                "rejected_by_reason": self.total.rejected,
                "prompt_tokens": self.total.prompt_tokens,
                "completion_tokens": self.total.completion_tokens,
                "executed_by_maker": self.total.made_by,
            },
            "usage": self.usage,
            "last_process": {
                "started_unix_s": self.started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs()),
                "seconds": (self.seconds.as_secs_f64() * 1000.0).round() / 1000.0,
                "outcomes_resumed": self.resumed,
                "duplicates_dropped": self.duplicates,
                "outcomes_out_of_order": self.out_of_order,
            },
        })
    }

    fn by_stage(&self) -> BTreeMap<&'static str, u64> {
        let mut by_stage: BTreeMap<_, u64> = StageName::ALL.iter().map(|stage| (stage.as_str(), 0)).collect();
        for (stage, count) in &self.total.rejected_by_stage {
            *by_stage.entry(stage.as_str()).or_default() += count;
        }
        by_stage
    }
}

/// Writes what an open folder shows from its first moment.
///
/// # Errors
/// The disk refuses.
pub fn write_card(folder: &OutputFolder) -> anyhow::Result<()> {
    folder.replace("README.md", card::render(None)?.as_bytes())
}

/// Writes what a finished run leaves. Its state stays until [`OutputFolder::close`].
///
/// # Errors
/// The disk refuses.
pub fn write(folder: &OutputFolder, finished: &Finished) -> anyhow::Result<()> {
    let run = finished.to_json();
    folder.replace("report.html", report::render(&run, folder.path())?.as_bytes())?;
    folder.replace("README.md", card::render(Some(&run))?.as_bytes())?;
    folder.replace("run.json", format!("{}\n", serde_json::to_string_pretty(&run).unwrap_or_default()).as_bytes())?;
    Ok(())
}

/// Tells the user what came of it, on stderr.
pub fn say(finished: &Finished, out: &Path) {
    let total = &finished.total;
    let rejected: u64 = total.rejected.values().sum();
    eprintln!(
        "{} items = {} accepted ({} samples) + {rejected} rejected, in {:.1} s",
        total.items,
        total.accepted,
        total.samples,
        finished.seconds.as_secs_f64()
    );
    let mut reasons: Vec<_> = total.rejected.iter().collect();
    reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), **reason));
    for (reason, count) in reasons {
        match reason {
            Reason::Poison => eprintln!("  {count:>7}  {reason}"), // any stage's
            _ => eprintln!("  {count:>7}  {}: {reason}", reason.stage()),
        }
    }
    // In one process nobody has other settings: repairs and answers in JSON have prompts of their own.
    if total.made_by.len() > 1 && finished.usage.is_none() {
        eprintln!(
            "  made in several ways (repairs and answers in JSON have prompts of their own; else workers differ):"
        );
        for (maker, count) in &total.made_by {
            eprintln!("  {count:>7}  {maker}");
        }
    }
    if finished.duplicates > 0 {
        eprintln!("  {} outcomes came twice and were dropped", finished.duplicates);
    }
    if let Some(usage) = finished.usage.as_ref().filter(|usage| usage["model"] != "builtin") {
        let cost = usage["cost"].as_f64().map(|cost| format!(", cost {cost:.4}")).unwrap_or_default();
        let count = |key: &str| usage[key].as_u64().unwrap_or_default();
        eprintln!(
            "{} calls, {} answers from the cache, {} prompt and {} completion tokens{cost}",
            count("calls"),
            count("cache_hits"),
            count("prompt_tokens"),
            count("completion_tokens")
        );
    }
    let (data, report) = (out.join("data"), out.join("report.html"));
    match total.samples {
        0 => eprintln!("no samples; the report says why: {}", report.display()),
        _ => eprintln!("samples: {}   report: {}", data.display(), report.display()),
    }
}

/// What to say of a run that has work left.
pub const UNFINISHED: &str =
    "the run there is not finished, and parts are written as their shards are whole: run the same command again";

/// Whether a run has work left in this folder.
pub fn is_open(out: &Path) -> bool {
    out.join(".state").is_dir()
}

/// Fails where the files of a finished run cannot be read back.
///
/// # Errors
/// No run there, or one that is not finished: [`Failure::Usage`].
pub fn read(out: &Path) -> Result<Value, Failure> {
    let text = std::fs::read(out.join("run.json")).map_err(|error| match is_open(out) {
        _ if out.join("verdicts.jsonl").exists() => {
            let what = "an evaluation, not a run: `eval` wrote its report.html, and `eval --resume` writes it again";
            Failure::Usage(format!("{}: {what}", out.display()))
        }
        true => Failure::Unavailable(format!("{}: {UNFINISHED}", out.display())),
        false => Failure::Unavailable(format!("{}: no finished run there ({error})", out.display())),
    })?;
    serde_json::from_slice(&text).map_err(|error| Failure::Usage(format!("{}: run.json: {error}", out.display())))
}
