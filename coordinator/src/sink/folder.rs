//! The output folder: its lock, its identity, and the list of what is done.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use pipeline::{
    error::Failure,
    filter::line,
    message::{RunClosed, RunId, RunOpen, ShardClosed},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shards::ShardSummary;
use crate::spent::UsageFile;

/// A folder that this process, and no other, writes to.
pub struct OutputFolder {
    path: PathBuf,
    _lock: File,
}

/// What the folder knows of its run, besides the journals.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The run, once opened.
    pub run: Option<RunOpen>,
    /// Shards whose size is known and that do not stand in parts yet.
    pub closed: BTreeMap<u64, ShardClosed>,
    /// The end of the run, once known.
    pub end: Option<RunClosed>,
    /// Shards that stand in parts.
    pub done: BTreeMap<u64, ShardSummary>,
}

/// A line of `.state/run.jsonl`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Open(RunOpen),
    ShardClosed(ShardClosed),
    RunClosed(RunClosed),
    Done(ShardSummary),
}

impl OutputFolder {
    /// Opens or makes a folder and takes its lock.
    ///
    /// # Errors
    /// Another process has it ([`Failure::Usage`]), or it cannot be written.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let state = path.join(".state");
        if !state.exists() && !is_ours_or_empty(path) {
            let what = "is not empty and no output of case2code; choose another folder";
            return Err(Failure::Usage(format!("--out {} {what}", path.display())));
        }
        std::fs::create_dir_all(&state)
            .map_err(|error| Failure::Usage(format!("--out {}: {error}", path.display())))?;
        let lock = OpenOptions::new().create(true).append(true).open(state.join("lock"));
        let lock = lock.map_err(|error| Failure::Usage(format!("--out {}: {error}", path.display())))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::Usage(format!("--out {}: another process writes to this folder", path.display())))
            }
            Err(TryLockError::Error(error)) => {
                Err(Failure::Usage(format!("--out {}: cannot be locked: {error}", path.display())))
            }
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run keeps what it has spent.
    pub fn usage_file(&self) -> UsageFile {
        UsageFile(self.path.join(".state/usage.json"))
    }

    /// Where a shard's journal lies.
    pub fn journal(&self, shard: u64) -> PathBuf {
        self.path.join(format!(".state/journal-{shard:05}.jsonl"))
    }

    /// Shards with a journal.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn journals(&self) -> io::Result<Vec<u64>> {
        let mut shards = Vec::new();
        for entry in std::fs::read_dir(self.path.join(".state"))? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            let number = name.strip_prefix("journal-").and_then(|rest| rest.strip_suffix(".jsonl"));
            shards.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        shards.sort_unstable();
        Ok(shards)
    }

    /// What earlier processes wrote down.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn known(&self) -> anyhow::Result<Known> {
        let mut known = Known::default();
        let text = match std::fs::read(self.events()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(known),
            Err(error) => return Err(error).with_context(|| format!("reading {}", self.events().display())),
        };
        let (mut whole, mut position) = (0, 0);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            position += line.len();
            let event = if line.ends_with(b"\n") { serde_json::from_slice(line).ok() } else { None };
            match event {
                Some(Event::Open(run)) => known.run = Some(run),
                Some(Event::ShardClosed(closed)) => _ = known.closed.insert(closed.shard, closed),
                Some(Event::RunClosed(end)) => known.end = Some(end),
                Some(Event::Done(summary)) => _ = known.done.insert(summary.shard, summary),
                None => continue,
            }
            // Only the tail may be torn. A line that does not read, with others behind it, is a fault of the disk.
            if whole + line.len() < position {
                anyhow::bail!(
                    "{}: damaged at byte {whole}; restore it, or start in another folder",
                    self.events().display()
                );
            }
            whole = position;
        }
        if whole < text.len() {
            OpenOptions::new().write(true).open(self.events())?.set_len(whole as u64)?;
        }
        Ok(known)
    }

    /// Writes down that the run is open.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write_open(&self, run: &RunOpen) -> io::Result<()> {
        self.write(&Event::Open(run.clone()))
    }

    /// Writes down how many items a shard has.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write_shard_closed(&self, closed: &ShardClosed) -> io::Result<()> {
        self.write(&Event::ShardClosed(closed.clone()))
    }

    /// Writes down how many items the run has.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write_run_closed(&self, end: &RunClosed) -> io::Result<()> {
        self.write(&Event::RunClosed(end.clone()))
    }

    /// Writes down that a shard stands in parts.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write_done(&self, summary: &ShardSummary) -> io::Result<()> {
        self.write(&Event::Done(summary.clone()))
    }

    /// Replaces a file of the folder in one step.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(readable)?;
        file.persist(self.path.join(name)).with_context(|| format!("writing {name}"))?;
        Ok(())
    }

    /// `run.json` of an earlier process.
    ///
    /// # Errors
    /// It does not read.
    pub fn run_json(&self) -> anyhow::Result<Option<Value>> {
        match std::fs::read(self.path.join("run.json")) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).context("reading run.json")?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("reading run.json"),
        }
    }

    /// Ends the run: the state goes, the output stays.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn close(self) -> io::Result<()> {
        std::fs::remove_dir_all(self.path.join(".state"))
    }

    fn events(&self) -> PathBuf {
        self.path.join(".state/run.jsonl")
    }

    fn write(&self, event: &Event) -> io::Result<()> {
        let line = line(event)?;
        let mut file = OpenOptions::new().create(true).append(true).open(self.events())?;
        let before = file.metadata()?.len();
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        if written.is_err() {
            file.set_len(before)?;
        }
        written
    }
}

/// Whether a folder may be written to: it is new, empty, or holds a finished run of ours.
fn is_ours_or_empty(path: &Path) -> bool {
    let ours = || {
        let text = std::fs::read(path.join("run.json")).ok()?;
        let run: Value = serde_json::from_slice(&text).ok()?;
        run.get("identity").map(|_| ())
    };
    // What is no folder at all is told by the attempt to make one in it.
    std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none()) || ours().is_some()
}

/// A run's id is minted from its identity, so that the same command in the same folder is the same run.
pub fn mint_run_id(identity: &Value) -> RunId {
    RunId(blake3::hash(identity.to_string().as_bytes()).to_hex()[..16].to_owned())
}

/// Fails where two identities differ, and names what does. `place` is the flag and folder that hold the first.
///
/// # Errors
/// [`Failure::Usage`].
pub fn same_identity(before: &Value, now: &Value, place: &str) -> Result<(), Failure> {
    let (Value::Object(old), Value::Object(new)) = (before, now) else { return Ok(()) };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    let differing: Vec<String> = names
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            match (old.get(name), new.get(name)) {
                // Hashes and lists tell a reader nothing.
                (Some(Value::Array(_) | Value::Object(_)), _) => name.clone(),
                (was, is) => {
                    let show = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
                    format!("{name} (was {}, is {})", show(was), show(is))
                }
            }
        })
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    let what = differing.join(", ");
    Err(Failure::Usage(format!("{place} holds another run, with other {what}; choose another folder")))
}
