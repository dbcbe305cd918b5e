//! What an evaluation leaves: `verdicts.jsonl`, `summary.json`, `report.html`; while it goes on, a journal in `.state/`.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use pipeline::{error::Failure, filter::line};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{programs::NO_END, summary::Aside, verdict::Verdict};

/// What a user does after a signal.
pub(super) const GO_ON: &str = "the same command with --resume goes on where it left off";

const TAKEN: &str = "holds an evaluation; --resume goes on with it, another folder begins another";

/// An item that is done: one line of the journal.
#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    /// The item.
    pub id: String,
    /// What of it was set aside.
    pub aside: Aside,
    /// Its rows, in order.
    pub verdicts: Vec<Verdict>,
}

impl Done {
    /// Programs of it that no attempt brought to an end.
    pub fn without_end(&self) -> usize {
        let problems = self.verdicts.iter().map(|verdict| &verdict.problem).chain([&self.aside.problem]);
        problems.filter(|problem| problem.as_deref() == Some(NO_END)).count()
    }
}

/// The output folder of an evaluation.
pub struct Folder {
    out: PathBuf,
    journal: File,
    /// Keeps others away.
    _lock: File,
}

impl Folder {
    /// Opens the folder for an evaluation of this identity; gives back what of it is done already.
    ///
    /// # Errors
    /// [`Failure::Usage`]: the folder holds an evaluation and `resume` is not set, or another evaluation.
    pub fn open(
        out: &Path,
        identity: &Map<String, Value>,
        resume: bool,
    ) -> Result<(Self, HashMap<String, Done>), Failure> {
        let path = out.join(".state/items.jsonl");
        let lock = lock(out)?;
        let mut done: HashMap<String, Done> =
            read_journal::<Done>(&path)?.into_iter().map(|item| (item.id.clone(), item)).collect();
        if resume && done.is_empty() {
            // It holds nothing that would not be the same in another evaluation.
            drop(fs::remove_file(out.join(".state/identity.json")));
        }
        let goes_on = claim(out, "identity.json", identity, resume)?;
        let mut journal = OpenOptions::new();
        let journal = journal.create(true).append(true).open(&path).map_err(anyhow::Error::from)?;
        if !goes_on {
            journal.set_len(0).map_err(anyhow::Error::from)?;
            done.clear();
        }
        Ok((Self { out: out.to_owned(), journal, _lock: lock }, done))
    }

    /// Writes down that an item is done.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn add(&mut self, done: &Done) -> anyhow::Result<()> {
        self.journal.write_all(&line(done)?).context("writing the journal")
    }

    /// Writes a file of the folder, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        write_whole(&self.out.join(name), content)
    }
}

/// Only one process works in a folder at a time, for as long as it holds this.
///
/// # Errors
/// [`Failure::Usage`]: another has it, or it cannot be written to.
pub(super) fn lock(out: &Path) -> Result<File, Failure> {
    let unwritable = |error| wrong(out, format!("cannot be written to: {error}"));
    fs::create_dir_all(out.join(".state")).map_err(unwritable)?;
    let lock = OpenOptions::new().create(true).append(true).open(out.join(".state/lock")).map_err(unwritable)?;
    lock.try_lock().map_err(|_| wrong(out, "is in use by another `eval`"))?;
    Ok(lock)
}

/// Turns down a folder that holds an evaluation, unless that is to go on.
///
/// # Errors
/// [`Failure::Usage`].
pub fn is_free(out: &Path, resume: bool) -> Result<(), Failure> {
    if resume || !out.join(".state/identity.json").exists() { Ok(()) } else { Err(wrong(out, TAKEN)) }
}

fn wrong(out: &Path, words: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("--out {} {words}", out.display()))
}

/// Reads a JSON file, if it is there.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| Failure::Usage(format!("{}: not what an evaluation writes: {error}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::Usage(format!("{}: {error}", path.display()))),
    }
}

/// Makes the folder that of this identity, which stands in `name`; says whether it has been that before.
///
/// # Errors
/// See [`Folder::open`].
pub(super) fn claim(out: &Path, name: &str, identity: &Map<String, Value>, resume: bool) -> Result<bool, Failure> {
    let written = out.join(".state").join(name);
    let Some(before) = read_json::<Map<String, Value>>(&written)? else {
        fs::create_dir_all(out.join(".state")).map_err(|error| wrong(out, format!("cannot be written to: {error}")))?;
        write_whole(&written, &serde_json::to_vec_pretty(identity).map_err(anyhow::Error::from)?)?;
        return Ok(false);
    };
    if !resume {
        return Err(wrong(out, TAKEN));
    }
    match before.keys().chain(identity.keys()).find(|key| before.get(*key) != identity.get(*key)) {
        None => Ok(true),
        Some(key) => {
            let show = |table: &Map<String, Value>| table.get(key).unwrap_or(&Value::Null).to_string();
            Err(wrong(out, format!("holds another evaluation: {key} was {}, is {}", show(&before), show(identity))))
        }
    }
}

/// The whole lines of a journal. A torn one at its end, which a crash left, is cut off.
pub(super) fn read_journal<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else { return Ok(Vec::new()) };
    let (mut rows, mut line, mut whole) = (Vec::new(), Vec::new(), 0u64);
    let mut lines = BufReader::new(&file);
    while lines.read_until(b'\n', &mut line)? > 0 {
        let Some(row) = line.strip_suffix(b"\n").and_then(|row| serde_json::from_slice(row).ok()) else { break };
        whole += line.len() as u64;
        rows.push(row);
        line.clear();
    }
    file.set_len(whole).context("cutting a torn journal")?;
    Ok(rows)
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// The disk refuses.
pub fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(|| path.display().to_string())?;
    file.write_all(content)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode)?;
    file.persist(path).with_context(|| path.display().to_string())?;
    Ok(())
}
