//! One append-only file per open shard. An outcome is acknowledged only after its line is on disk.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use pipeline::{
    failpoint,
    message::RecordType,
    records::{ExecutedFunction, Rejection},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The end of an item's way through the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ItemOutcome {
    /// It ran; the filters have the last word.
    Executed(Box<ExecutedFunction>),
    /// It was turned down on the way.
    Rejected(Box<Rejection>),
}

/// One line: an item's number and the record, byte for byte as it arrived.
#[derive(Deserialize)]
struct Line<'a> {
    index: u64,
    #[serde(rename = "type")]
    record_type: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// A line that is to be written.
pub struct Entry {
    /// The item's number in the run.
    pub index: u64,
    /// `executed_function` or `rejection`.
    pub record_type: RecordType,
    /// The record as JSON.
    pub body: Vec<u8>,
}

/// What a journal was found to be.
struct Scanned {
    /// Bytes up to the end of the last line that reads.
    whole: u64,
    /// Lines before it that do not.
    damaged: u64,
}

/// An open journal. What lies before `len` is whole lines on disk.
pub struct Journal {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Journal {
    /// Opens or creates a journal, cuts off a torn tail, and gives the items that it holds.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<u64>)> {
        let new = !path.exists();
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        if let Some(folder) = path.parent().filter(|_| new) {
            File::open(folder)?.sync_all()?; // its name has to last as its lines do
        }
        let mut journal = Self { file, path: path.to_owned(), len: 0 };
        let mut indices = Vec::new();
        let scanned = journal.scan(|index, _, _| {
            indices.push(index);
            true
        })?;
        if journal.file.metadata()?.len() > scanned.whole {
            tracing::warn!(journal = %path.display(), "cut off a torn tail");
            journal.file.set_len(scanned.whole)?;
            journal.file.sync_data()?;
        }
        if scanned.damaged > 0 {
            // A disk fault, not a crash: what follows was written after it.
            let (journal, lines) = (path.display(), scanned.damaged);
            tracing::error!(%journal, lines, "damaged lines; their items have to be submitted again (submit --again)");
        }
        journal.len = scanned.whole;
        Ok((journal, indices))
    }

    /// Appends lines and waits until they are on disk. On an error the file is as it was before.
    ///
    /// # Errors
    /// The disk refuses, being full for one.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut lines = Vec::with_capacity(entries.iter().map(|entry| entry.body.len() + 64).sum());
        for Entry { index, record_type, body } in entries {
            write!(lines, r#"{{"index":{index},"type":"{record_type}","record":"#)?;
            lines.extend_from_slice(body);
            lines.extend_from_slice(b"}\n");
        }
        failpoint::pass("journal.before_write");
        if failpoint::is_hit("journal.half_written") {
            let _ = self.file.write_all(&lines[..lines.len() / 2]).and_then(|()| self.file.sync_data());
            std::process::abort();
        }
        let written = self.file.write_all(&lines).and_then(|()| {
            failpoint::pass("journal.before_sync");
            self.file.sync_data()
        });
        if let Err(error) = written {
            // Half a line would hide the next one: back to the last whole one. Cutting needs no space.
            self.file.set_len(self.len)?;
            return Err(error);
        }
        failpoint::pass("journal.synced");
        self.len += lines.len() as u64;
        Ok(())
    }

    /// Every outcome that it holds, the first one of each item, sorted by item.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn read(&mut self) -> io::Result<Vec<(u64, ItemOutcome)>> {
        let mut outcomes = std::collections::BTreeMap::new();
        self.scan(|index, record_type, record| {
            let Some(outcome) = parse(record_type, record) else { return false };
            outcomes.entry(index).or_insert(outcome);
            true
        })?;
        Ok(outcomes.into_iter().collect())
    }

    /// Calls `each` for every line that reads; it says whether the record does, too.
    fn scan(&mut self, mut each: impl FnMut(u64, &str, &str) -> bool) -> io::Result<Scanned> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let (mut position, mut bad, mut line) = (0, 0, Vec::new());
        let mut scanned = Scanned { whole: 0, damaged: 0 };
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if read == 0 || line.last() != Some(&b'\n') {
                return Ok(scanned);
            }
            position += read as u64;
            match serde_json::from_slice::<Line<'_>>(&line) {
                Ok(line) if each(line.index, &line.record_type, line.record.get()) => {
                    scanned = Scanned { whole: position, damaged: bad };
                }
                _ => bad += 1,
            }
        }
    }

    /// Deletes it: its shard stands in parts.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

fn parse(record_type: &str, record: &str) -> Option<ItemOutcome> {
    match RecordType::from_name(record_type)? {
        RecordType::ExecutedFunction => serde_json::from_str(record).ok().map(ItemOutcome::Executed),
        RecordType::Rejection => serde_json::from_str(record).ok().map(ItemOutcome::Rejected),
        _ => None,
    }
}
