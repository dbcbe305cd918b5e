//! A seeded mutation fuzzer over the collector: real Python files, cut, joined, repeated and with bytes changed, as files
//! of rows and as source. Anything but items is a finding: a panic ends it with the input's path, a hang is told of after
//! ten seconds.
//!
//! usage: cargo run --release -p coordinator --example fuzz-collect -- MINUTES SEED FOLDER…
//!
//! Not libFuzzer: that needs a nightly compiler.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use coordinator::collect::{CollectProfile, CollectSettings, Collector};

/// Tokens that parsers have trouble with.
const SPICE: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"\"\"",
    "'",
    "f'{",
    "}'",
    "\\\n",
    "\t",
    "\u{c}",
    "\r",
    "\0",
    "\u{feff}",
    ":",
    ":=",
    "lambda: ",
    "yield ",
    "await ",
    "async ",
    "global x\n",
    "nonlocal x\n",
    "def f(",
    "class A:\n",
    "\n    ",
    "\n\t",
    "match x:\n case ",
    "type X = ",
    "import random\n",
    "from . import *\n",
    "é",
    "𝒳",
    "del x\n",
    "*",
    "**",
    "@",
    "...",
    "if 1:\n",
    "return ",
    "-1e999",
    "0x",
    "1_0",
    "print 'x'\n",
    "except*",
    "# coding: latin-1\n",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) % end.max(1) as u64) as usize
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next =
        |what: &str| arguments.next().with_context(|| format!("{what} is missing; see the top of this file"));
    let minutes: u64 = next("MINUTES")?.parse()?;
    let mut random = Random(next("SEED")?.parse()?);
    let mut files = Vec::new();
    for folder in arguments {
        python_files(Path::new(&folder), &mut files)?;
    }
    anyhow::ensure!(!files.is_empty(), "no .py in the folders");
    let scratch = tempfile::tempdir()?;
    let (until, mut inputs, mut items, mut slowest) =
        (Instant::now() + Duration::from_secs(60 * minutes), 0u64, 0u64, Duration::ZERO);
    while Instant::now() < until {
        let bytes = mutated(&mut random, &files)?;
        let name = ["input.py", "input.jsonl", "input.jsonl.gz", "input.jsonl.zst", "input.parquet"]
            [if random.below(4) == 0 { 1 + random.below(4) } else { 0 }];
        let path = scratch.path().join(name);
        let held = match (name, random.below(4)) {
            ("input.jsonl", 1..) => {
                let text = String::from_utf8_lossy(&bytes);
                format!("{}\n", serde_json::json!({"id": inputs, "content": text})).into_bytes()
            }
            _ => bytes,
        };
        fs::write(&path, &held)?;
        let settings = CollectSettings {
            collect: [CollectProfile::Closure, CollectProfile::SelfContained, CollectProfile::Reference]
                [random.below(3)],
            near_duplicates: Some(0.8),
            min_lines: random.below(4),
            parse_threads: Some(1),
            ..CollectSettings::default()
        };
        let started = Instant::now();
        let found = std::panic::catch_unwind(|| match Collector::new(std::slice::from_ref(&path), &settings) {
            // A clear error is what a broken file may be as well.
            Ok(collector) => collector.filter(Result::is_ok).count(),
            Err(_) => 0,
        });
        let took = started.elapsed();
        if found.is_err() || took > Duration::from_secs(10) {
            let kept = std::env::temp_dir().join(format!("fuzz-collect-{inputs}-{name}"));
            fs::write(&kept, &held)?;
            anyhow::bail!("{} after {took:?}: {}", if found.is_err() { "a panic" } else { "a hang" }, kept.display());
        }
        slowest = slowest.max(took);
        items += found.unwrap_or(0) as u64;
        inputs += 1;
    }
    eprintln!("{inputs} inputs, {items} items, the slowest took {slowest:?}; nothing found");
    Ok(())
}

fn python_files(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            python_files(&entry.path(), files)?;
        } else if entry.path().extension().is_some_and(|extension| extension == "py") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(())
}

fn mutated(random: &mut Random, files: &[PathBuf]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = fs::read(&files[random.below(files.len())])?;
    let start = random.below(bytes.len());
    bytes = bytes[start..].iter().copied().take(1 + random.below(20_000)).collect();
    for _ in 0..random.below(12) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(200)).min(bytes.len());
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, bytes[at..end].to_vec().repeat(1 + random.below(50)))),
            2 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            3 => {
                let spice = SPICE[random.below(SPICE.len())].repeat(1 + random.below(300));
                drop(bytes.splice(at..at, spice.into_bytes()));
            }
            4 => {
                let other = fs::read(&files[random.below(files.len())])?;
                let from = random.below(other.len());
                let part = other[from..].iter().copied().take(2_000).collect::<Vec<_>>();
                drop(bytes.splice(at..at, part));
            }
            _ => drop(bytes.splice(at..end, SPICE[random.below(SPICE.len())].bytes())),
        }
    }
    Ok(bytes)
}
