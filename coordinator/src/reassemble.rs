//! `case2code assemble OUT --out OUT2`: the records that a run kept become samples again, with no model and no sandbox.

use std::{
    path::Path,
    time::{Instant, SystemTime},
};

use pipeline::error::Failure;
use serde_json::{Value, json};

use crate::{
    assemble::{AssembleSettings, Assembler},
    finish::{self, Finished},
    output::{PartWriter, stages},
    sink::{
        folder::{OutputFolder, same_identity},
        shards::ShardSummary,
        verdicts::{self, Verdicts},
    },
};

/// Filters and words the outcomes of the run in `from` again, into `out`. The seed is the run's, unless one is given.
///
/// # Errors
/// No finished run or no records in `from`, another run in `out`, a disk that refuses.
pub fn reassemble(from: &Path, out: &Path, settings: &AssembleSettings, seed: Option<u64>) -> Result<(), Failure> {
    let (started, clock) = (SystemTime::now(), Instant::now());
    let run = finish::read(from)?;
    let seed = seed.or_else(|| run["identity"]["seed"].as_u64()).unwrap_or(0);
    let assembler = Assembler::new(settings, seed)?;
    let parts = stages::outcome_parts(from)?;
    if parts.is_empty() {
        let place = from.join(stages::FOLDER);
        return Err(Failure::Usage(format!("{}: no records there; the run had --no-stages", place.display())));
    }
    let mut identity = run["identity"].clone();
    if let (Value::Object(identity), Value::Object(own)) = (&mut identity, settings.identity()) {
        identity.extend(own);
        identity.insert("seed".into(), json!(seed));
    }
    let folder = OutputFolder::open(out)?;
    if let Some(before) = folder.run_json()? {
        same_identity(&before["identity"], &identity, &format!("--out {}", out.display()))?;
        folder.close().map_err(anyhow::Error::from)?;
        eprintln!("{} is complete already; nothing to do", out.display());
        return Ok(());
    }
    finish::write_card(&folder)?;
    let writer = PartWriter::new(settings.format);
    let mut summaries: Vec<ShardSummary> = Vec::new();
    for (shard, part) in parts {
        let Verdicts { summary, samples, rejections } = verdicts::of_shard(shard, stages::read(&part)?, &assembler);
        writer.write(out, shard, &samples, &rejections)?;
        summaries.push(summary);
    }
    let finished = Finished {
        identity,
        usage: Some(run["usage"].clone()).filter(|usage| !usage.is_null()),
        total: ShardSummary::sum(&summaries),
        seconds: clock.elapsed(),
        started,
        resumed: 0,
        duplicates: 0,
        out_of_order: 0,
    };
    finish::write(&folder, &finished)?;
    folder.close().map_err(anyhow::Error::from)?;
    finish::say(&finished, out);
    Ok(())
}
