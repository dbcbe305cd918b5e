//! What an evaluation leaves: `verdicts.jsonl`, `summary.json`, `report.html`; while it goes on, a journal in `.state/`.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use pipeline::error::Failure;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{summary::Aside, verdict::Verdict};

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

/// The output folder of an evaluation.
pub struct Folder {
    out: PathBuf,
    journal: File,
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
        let state = out.join(".state");
        let (written, journal) = (state.join("identity.json"), state.join("items.jsonl"));
        let here = || format!("--out {}", out.display());
        let mut done = HashMap::new();
        if let Some(before) = read_json::<Map<String, Value>>(&written)? {
            if !resume {
                let words = "holds an evaluation; --resume goes on with it, another folder begins another";
                return Err(Failure::Usage(format!("{} {words}", here())));
            }
            let keys = before.keys().chain(identity.keys());
            if let Some(key) = keys.into_iter().find(|key| before.get(*key) != identity.get(*key)) {
                let show = |table: &Map<String, Value>| table.get(key).unwrap_or(&Value::Null).to_string();
                let words = format!("holds another evaluation: {key} was {}, is {}", show(&before), show(identity));
                return Err(Failure::Usage(format!("{} {words}", here())));
            }
            done = read_journal(&journal)?;
        } else {
            fs::create_dir_all(&state).map_err(|error| Failure::Usage(format!("{}: {error}", here())))?;
            write_whole(&written, &serde_json::to_vec_pretty(identity).map_err(anyhow::Error::from)?)?;
        }
        let journal = OpenOptions::new().create(true).append(true).open(&journal).map_err(anyhow::Error::from)?;
        Ok((Self { out: out.to_owned(), journal }, done))
    }

    /// Writes down that an item is done.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn add(&mut self, done: &Done) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(done)?;
        line.push(b'\n');
        self.journal.write_all(&line).context("writing the journal")
    }

    /// Writes a file of the folder, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        write_whole(&self.out.join(name), content)
    }
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

/// The whole lines of the journal. A torn one at its end, which a crash left, is cut off.
fn read_journal(path: &Path) -> anyhow::Result<HashMap<String, Done>> {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else { return Ok(HashMap::new()) };
    let (mut done, mut line, mut whole) = (HashMap::new(), Vec::new(), 0u64);
    let mut lines = BufReader::new(&file);
    while lines.read_until(b'\n', &mut line)? > 0 {
        let Ok(item) = serde_json::from_slice::<Done>(&line) else { break };
        if !line.ends_with(b"\n") {
            break;
        }
        whole += line.len() as u64;
        done.insert(item.id.clone(), item);
        line.clear();
    }
    file.set_len(whole).context("cutting a torn journal")?;
    Ok(done)
}

fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(|| path.display().to_string())?;
    file.write_all(content)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode)?;
    file.persist(path).with_context(|| path.display().to_string())?;
    Ok(())
}
