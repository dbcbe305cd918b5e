//! What must come out: the files of a run in one process that nobody disturbed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use pipeline::records::{Rejection, Sample};

use super::{
    fleet::{COLLECT, writer},
    llm::Llm,
};
use crate::process::{counts, parts, succeed};

/// The files of an undisturbed run.
#[derive(Clone)]
pub struct Expected {
    /// Name and bytes of every part.
    pub parts: BTreeMap<String, Vec<u8>>,
    /// Every row by its id.
    rows: BTreeMap<String, String>,
    /// Items of the run.
    pub items: u64,
}

/// The expectation for an input; made once.
pub fn of(input: &Path, with_llm: bool, sandbox: &[String]) -> Expected {
    type Key = (PathBuf, bool, Vec<String>);
    static KNOWN: OnceLock<Mutex<BTreeMap<Key, Expected>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    known
        .entry((input.to_owned(), with_llm, sandbox.to_vec()))
        .or_insert_with(|| make(input, with_llm, sandbox))
        .clone()
}

fn make(input: &Path, with_llm: bool, sandbox: &[String]) -> Expected {
    let llm = with_llm.then(|| Llm::start(0.0, 0.0));
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let (input, place) = (input.display().to_string(), out.display().to_string());
    let writer = writer(llm.as_ref().map(Llm::url).as_deref());
    let head = ["run", &input, "--out", &place].map(str::to_owned);
    // Slots change no byte; one process may have what two workers have.
    succeed(&[&head[..], &COLLECT.map(str::to_owned), &writer, sandbox].concat());
    Expected { parts: parts(&out), rows: rows(&out), items: counts(&out)["items"].as_u64().expect("a count") }
}

impl Expected {
    /// Fails where the files differ in a byte, or an item is missing.
    pub fn check(&self, out: &Path) -> Result<(), String> {
        self.count(out)?;
        let found = parts(out);
        let names: BTreeSet<_> = self.parts.keys().chain(found.keys()).collect();
        let differing: Vec<_> = names.into_iter().filter(|name| self.parts.get(*name) != found.get(*name)).collect();
        if differing.is_empty() {
            return Ok(());
        }
        let after = rows(out);
        let ids: BTreeSet<_> = self.rows.keys().chain(after.keys()).collect();
        let changed = ids.into_iter().filter(|id| self.rows.get(*id) != after.get(*id));
        let shown = |id: &String| format!("\n  {id}: {:?}\n  now: {:?}", self.rows.get(id), after.get(id));
        let changed: String = changed.take(3).map(shown).collect();
        Err(format!("other bytes in {differing:?}{changed}"))
    }

    /// As [`Self::check`], but one item is `poison`, and everything else is as it was, row by row.
    pub fn check_but_poison(&self, out: &Path, id: &str) -> Result<(), String> {
        self.count(out)?;
        let (before, after) = (&self.rows, rows(out));
        let ends = |row: &String| row.contains("\"reason\":\"poison\"");
        let poisoned: Vec<&String> = after.iter().filter(|(_, row)| ends(row)).map(|(id, _)| id).collect();
        if poisoned != [id] {
            return Err(format!("poison are {poisoned:?}, not {id}"));
        }
        let changed =
            |(name, row): (&String, &String)| (name != id && after.get(name) != Some(row)).then(|| name.clone());
        let changed: Vec<String> = before.iter().filter_map(changed).collect();
        if changed.is_empty() { Ok(()) } else { Err(format!("other rows for {changed:?}")) }
    }

    /// How many items end with that reason.
    pub fn rejected_as(&self, reason: &str) -> usize {
        let ends = format!("\"reason\":\"{reason}\"");
        self.rows.values().filter(|row| row.contains(&ends)).count()
    }

    fn count(&self, out: &Path) -> Result<(), String> {
        let counts = counts(out);
        let count = |name: &str| counts[name].as_u64().unwrap_or(0);
        let ended = count("accepted") + count("rejected");
        if (count("items"), ended) == (self.items, self.items) {
            return Ok(());
        }
        Err(format!("{} of {} items, {ended} of them ended", count("items"), self.items))
    }
}

/// Every row of an output, by id, as text.
fn rows(out: &Path) -> BTreeMap<String, String> {
    let text = |row: serde_json::Result<String>| row.expect("a record");
    let samples = coordinator::output::read::read_samples(out).expect("parts that read");
    let rejections = coordinator::output::read::read_rejections(out).expect("parts that read");
    let samples = samples.iter().map(|sample: &Sample| (sample.id.clone(), text(serde_json::to_string(sample))));
    samples.chain(rejections.iter().map(|r: &Rejection| (r.id.clone(), text(serde_json::to_string(r))))).collect()
}
