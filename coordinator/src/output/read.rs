//! Reads parts back, in either format.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::Context;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipeline::records::{Rejection, Sample};

use super::rows::Row;

/// All samples of an output folder, in order.
///
/// # Errors
/// The folder or a part cannot be read. A folder with no parts has no samples.
pub fn read_samples(out: &Path) -> anyhow::Result<Vec<Sample>> {
    read_all(out)
}

/// All rejections of an output folder, in order.
///
/// # Errors
/// As [`read_samples`].
pub fn read_rejections(out: &Path) -> anyhow::Result<Vec<Rejection>> {
    read_all(out)
}

fn read_all<R: Row>(out: &Path) -> anyhow::Result<Vec<R>> {
    let mut rows = Vec::new();
    for part in parts::<R>(out)? {
        rows.extend(read_part(&part)?);
    }
    Ok(rows)
}

/// The parts that hold rows of a kind, by number of their shard.
///
/// # Errors
/// The folder cannot be read; one that is not there has no parts.
pub fn parts<R: Row>(out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = out.join(R::FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let known = path.extension().is_some_and(|extension| extension == "parquet" || extension == "jsonl");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix("part-"));
        if let (true, Some(Ok(shard))) = (known, stem.map(str::parse::<u64>)) {
            parts.push((shard, path));
        }
    }
    parts.sort_unstable();
    Ok(parts.into_iter().map(|(_, path)| path).collect())
}

/// The rows of one part.
///
/// # Errors
/// It cannot be read, or is no part of ours.
pub fn read_part<R: Row>(part: &Path) -> anyhow::Result<Vec<R>> {
    let file = File::open(part).with_context(|| format!("reading {}", part.display()))?;
    let rows = if part.extension().is_some_and(|extension| extension == "parquet") {
        read_parquet(file)
    } else {
        read_jsonl(file)
    };
    rows.with_context(|| format!("reading {}", part.display()))
}

fn read_parquet<R: Row>(file: File) -> anyhow::Result<Vec<R>> {
    let mut rows = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        rows.extend(R::decode(&batch?)?);
    }
    Ok(rows)
}

fn read_jsonl<R: Row>(file: File) -> anyhow::Result<Vec<R>> {
    let lines = BufReader::new(file).lines().enumerate();
    lines.map(|(i, line)| R::read_line(&line?).with_context(|| format!("line {}", i + 1))).collect()
}
