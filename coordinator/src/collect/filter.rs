use std::{io::Write, path::PathBuf};

use anyhow::Context as _;
use pipeline::{
    error::Failure,
    filter::{Counts, line},
};

use super::{CollectSettings, Collector};

/// `case2code collect INPUT…`: functions as JSON Lines to `out`, rejections to `rejected` where it is given.
///
/// # Errors
/// As [`Collector`], or a writer refuses; then what was written is whole lines.
pub fn run_filter(
    arguments: &[PathBuf],
    settings: &CollectSettings,
    mut out: impl Write,
    mut rejected: Option<impl Write>,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    for item in Collector::new(arguments, settings)? {
        match item?.outcome {
            Ok(function) => {
                line(&function).and_then(|line| out.write_all(&line)).context("writing functions")?;
                counts.passed += 1;
            }
            Err(rejection) => {
                if let Some(rejected) = &mut rejected {
                    line(&rejection).and_then(|line| rejected.write_all(&line)).context("writing rejections")?;
                }
                counts.rejected += 1;
            }
        }
    }
    out.flush().context("writing functions")?;
    if let Some(rejected) = &mut rejected {
        rejected.flush().context("writing rejections")?;
    }
    Ok(counts)
}
