//! Writes the parts of a shard. A part appears whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use pipeline::{
    failpoint,
    records::{Rejection, Sample},
};

use super::{columns::schema, rows::Row};
use crate::assemble::Format;

/// Rows of a batch, and of a Parquet row group at most.
const BATCH_ROWS: usize = 1_000;

/// Bytes of a batch, by [`Row::weight`].
const BATCH_BYTES: usize = 64 << 20;

/// What the files say that wrote them. Part of the bytes, so it changes with the schema and not with every release.
const CREATED_BY: &str = "case2code version 1";

/// Writes the parts of shards in one format.
#[derive(Clone, Copy, Debug)]
pub struct PartWriter {
    format: Format,
}

impl Format {
    /// The ending of a part's name.
    fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Jsonl | Self::Reference => "jsonl",
        }
    }
}

impl PartWriter {
    /// A writer of parts in `format`.
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// Writes `out/data/part-NNNNN` and `out/rejected/part-NNNNN` of a shard, rows in the order given. A part with no
    /// rows is not written, and an older one of the shard goes. The same rows give the same bytes.
    ///
    /// # Errors
    /// The disk refuses; then each part is as it was or as it shall be, and the call can be repeated.
    pub fn write(&self, out: &Path, shard: u64, samples: &[Sample], rejections: &[Rejection]) -> anyhow::Result<()> {
        self.part(out, shard, samples)?;
        self.part(out, shard, rejections)
    }

    fn part<R: Row>(self, out: &Path, shard: u64, rows: &[R]) -> anyhow::Result<()> {
        let folder = out.join(R::FOLDER);
        let name = format!("part-{shard:05}.{}", self.format.extension());
        if rows.is_empty() && !folder.exists() {
            return Ok(());
        }
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        replace(&folder, &name, |file| match self.format {
            _ if rows.is_empty() => Ok(false),
            Format::Parquet => write_parquet(file, rows).map(|()| true),
            Format::Jsonl | Format::Reference => write_jsonl(file, rows, self.format).map(|()| true),
        })
        .with_context(|| format!("writing {}", folder.join(&name).display()))?;
        sync(&folder)?;
        // The folder's own name has to last as well.
        sync(out)
    }
}

/// Replaces a part in one step by what `write` writes, or removes it where that says false. The temporary name begins
/// with a dot, which keeps it out of `data/*`; it is always the same, so a left-over of a killed process is
/// overwritten.
pub(super) fn replace(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let (temporary, place) = (folder.join(format!(".{name}.tmp")), folder.join(name));
    let mut file = BufWriter::new(File::create(&temporary)?);
    let result = write(&mut file).and_then(|rows| {
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        if rows {
            failpoint::pass("part.before_rename");
            fs::rename(&temporary, &place)?;
            failpoint::pass("part.renamed");
        } else if place.exists() {
            fs::remove_file(&place)?;
        }
        Ok(rows)
    });
    if !matches!(result, Ok(true)) {
        fs::remove_file(&temporary)?;
    }
    result.map(drop)
}

pub(super) fn sync(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("writing {}", folder.display()))
}

fn write_jsonl<R: Row>(mut file: impl Write, rows: &[R], format: Format) -> anyhow::Result<()> {
    for row in rows {
        row.write_line(&mut file, format)?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

/// Nothing but the rows and [`CREATED_BY`] goes into the file: no time, no machine, no Arrow schema on top of the
/// Parquet one.
fn write_parquet<R: Row>(file: impl Write + Send, rows: &[R]) -> anyhow::Result<()> {
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(BATCH_ROWS))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(file, schema(R::COLUMNS), options)?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for row in rows {
        if batch.len() == BATCH_ROWS || (!batch.is_empty() && bytes + row.weight() > BATCH_BYTES) {
            writer.write(&R::encode(&batch)?)?;
            batch.clear();
            bytes = 0;
        }
        bytes += row.weight();
        batch.push(row);
    }
    writer.write(&R::encode(&batch)?)?;
    writer.close()?;
    Ok(())
}
