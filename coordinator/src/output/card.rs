//! README.md of an output folder: the dataset card, whose YAML header tells `datasets` what to load.

use std::fmt::Write;

use serde_json::Value;

use super::columns::{Column, REJECTIONS, SAMPLES};

/// The header, which stands from the first moment of a run. A pattern does not match names that begin with a dot, so a
/// part that is being written is never loaded.
const HEADER: &str = "\
---
pretty_name: Case2Code samples
task_categories:
- text-generation
tags:
- code
- synthetic
configs:
";
const SAMPLES_CONFIG: &str = "\
- config_name: samples
  default: true
  data_files:
  - split: train
    path: data/*
";
const REJECTED_CONFIG: &str = "\
- config_name: rejected
  data_files:
  - split: train
    path: rejected/*
";

/// The card of a folder; `run` is the value of run.json once the run is finished.
///
/// # Errors
/// None today: the counts that `run` lacks are left out.
pub fn render(run: Option<&Value>) -> anyhow::Result<String> {
    // A configuration without a file would keep the others from being loaded.
    let none = |count: &str| run.is_some_and(|run| run["counts"][count] == 0);
    let (samples, rejected) = match (none("samples"), none("rejected")) {
        (true, false) => ("", REJECTED_CONFIG),
        (false, true) => (SAMPLES_CONFIG, ""),
        _ => (SAMPLES_CONFIG, REJECTED_CONFIG),
    };
    let mut card = format!(
        "{HEADER}{samples}{rejected}---

# Case2Code samples

Each row shows examples of what a Python function does and asks for the function. The examples are calls that ran in
a sandbox.

```python
from datasets import load_dataset

samples = load_dataset(\"PATH\", split=\"train\")
rejected = load_dataset(\"PATH\", \"rejected\", split=\"train\")
```

`PATH` is this folder. Parts appear whole, so it can be loaded while the run goes on; `rejected` once anything was
rejected.
"
    );
    if run.is_some_and(|run| run["identity"]["format"] == "reference") {
        card.push_str(
            "\nSamples are in the published form: `id`, `prompt`, `output`, and what was asked for beside them.\n",
        );
    } else {
        columns(&mut card, "samples", "data", &SAMPLES)?;
    }
    columns(&mut card, "rejected", "rejected", &REJECTIONS)?;
    card.push_str(
        "\nWhere a column is JSON in a string, Parquet holds it as text, for its shape differs from row to row; \
         JSON Lines hold the value itself.\n",
    );
    match run {
        Some(run) => counts(&mut card, run)?,
        None => card.push_str("\nThe run is not finished: more parts may come.\n"),
    }
    Ok(card)
}

fn columns(card: &mut String, config: &str, folder: &str, columns: &[Column]) -> std::fmt::Result {
    write!(card, "\n## Columns of `{config}` (`{folder}/`)\n\n| column | type | what it is |\n| --- | --- | --- |\n")?;
    for Column { name, kind, doc } in columns {
        writeln!(card, "| `{name}` | {} | {doc} |", kind.label())?;
    }
    Ok(())
}

fn counts(card: &mut String, run: &Value) -> std::fmt::Result {
    let counts = &run["counts"];
    card.push_str("\n## Counts\n\n| what | count |\n| --- | ---: |\n");
    let rows = [
        ("items", "functions, rows and files looked at"),
        ("accepted", "functions accepted"),
        ("samples", "samples"),
        ("rejected", "items rejected"),
    ];
    for (key, what) in rows {
        if let Some(count) = counts[key].as_u64() {
            writeln!(card, "| {what} | {count} |")?;
        }
    }
    for (reason, count) in counts["rejected_by_reason"].as_object().into_iter().flatten() {
        writeln!(card, "| rejected: `{reason}` | {count} |")?;
    }
    card.push_str("\nWhat the reasons mean, with an example of each: report.html. Settings and versions: run.json.\n");
    Ok(())
}
