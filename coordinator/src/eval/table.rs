//! The summary as text for a terminal.

use std::fmt::Write as _;

use super::{published::Raw, score::Score, standard::Aside, summary::Summary, verdict::Clean};

/// A few short tables.
pub fn table(summary: &Summary) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_table(&mut text, summary);
    text
}

fn write_table(text: &mut String, summary: &Summary) -> std::fmt::Result {
    let Summary { items, completions, completions_per_item, sandbox, inputs, .. } = summary;
    writeln!(
        text,
        "{items} items, {completions} completions, up to {completions_per_item} an item; Python {} ({})",
        sandbox.python, sandbox.backend
    )?;
    writeln!(
        text,
        "\n{:8} {:>23} {:>17} {:>23} {:>11}",
        "", "raw, unbiased", "published count", "clean, unbiased", "of items"
    )?;
    for (k, scores) in &summary.pass_at {
        let published = format!("{}/{}", scores.raw.passed, scores.raw.items);
        let of = scores.clean.items;
        let name = format!("pass@{k}");
        writeln!(
            text,
            "{name:8} {:>23} {published:>17} {:>23} {of:>11}",
            percent(&scores.raw),
            percent(&scores.clean)
        )?;
    }
    writeln!(text, "\n{:8} {:>23} {:>23}", "clean", "shown", "held-out")?;
    for (k, scores) in &summary.pass_at {
        writeln!(text, "{:8} {:>23} {:>23}", format!("pass@{k}"), percent(&scores.shown), percent(&scores.held_out))?;
    }
    let raw = Raw::ALL.map(|raw| (raw.as_str(), summary.raw.get(raw.as_str())));
    let clean = Clean::ALL.map(|clean| (clean.as_str(), summary.clean.get(clean.as_str())));
    writeln!(text, "\nraw verdicts    {}", counts(&raw))?;
    writeln!(text, "clean verdicts  {}", counts(&clean))?;
    writeln!(
        text,
        "inputs          {} shown, {} held out, {} repeat a shown one",
        inputs.shown, inputs.held_out, inputs.repeats
    )?;
    writeln!(
        text,
        "set aside       {} items whole, {} of {} inputs in {} items",
        summary.items_set_aside,
        inputs.set_aside,
        inputs.all,
        summary.aside.len()
    )?;
    for reason in Aside::ALL {
        if let Some(count) = summary.set_aside.get(&reason) {
            writeln!(text, "  {count:6} {}: {}", reason.as_str(), reason.describe())?;
        }
    }
    if summary.unknown > 0 {
        writeln!(text, "left out        {} completions of items that the test set does not have", summary.unknown)?;
    }
    Ok(())
}

fn percent(score: &Score) -> String {
    match (score.unbiased, score.ci95) {
        (Some(mean), Some([low, high])) => {
            format!("{:.1}% [{:.1}, {:.1}]", mean * 100.0, low * 100.0, high * 100.0)
        }
        _ => "-".to_owned(),
    }
}

fn counts(counts: &[(&str, Option<&usize>)]) -> String {
    let count = |(name, count): &(&str, Option<&usize>)| format!("{} {name}", count.copied().unwrap_or(0));
    counts.iter().map(count).collect::<Vec<_>>().join(", ")
}
