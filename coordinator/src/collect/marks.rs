//! Where collecting stood after each chunk, with the fingerprints of what it kept: one file, only ever added to, by which
//! a submission that was stopped goes on without parsing again what it has submitted, and finds the same duplicates.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use anyhow::Context as _;
use pipeline::{filter::line, python::Fingerprint};
use serde::{Deserialize, Serialize};

use super::{Place, seen::Seen};

/// Name of the file in a state folder.
const FILE: &str = "collected.jsonl";

/// What a chunk added, and where it ended: one line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Items so far.
    pub items: u64,
    /// Functions kept so far.
    pub kept: u64,
    /// The raw code that the last item came from.
    pub place: Place,
    /// How many of its top-level functions are done.
    pub done: usize,
    /// Fingerprints that the chunk added, in hexadecimal digits, one after another.
    pub fingerprints: String,
}

/// What an earlier process collected.
pub struct Earlier {
    /// Where it ended.
    pub mark: Mark,
    pub(super) seen: Seen,
}

/// The file, open for more.
pub struct Marks(File);

impl Marks {
    /// Opens the file in `folder`, or makes it. What it says about items from `next` on, and a torn last line, is cut
    /// off: that will be collected again.
    ///
    /// # Errors
    /// The disk fails.
    pub fn open(folder: &Path, next: u64) -> anyhow::Result<(Self, Option<Earlier>)> {
        let path = folder.join(FILE);
        let of_file = || format!("{}", path.display());
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path).with_context(of_file)?;
        let (mut reader, mut line, mut end) = (BufReader::new(&file), String::new(), 0);
        let (mut seen, mut last) = (Seen::new(), None);
        // A line that is no text is as good as torn.
        while let Ok(bytes @ 1..) = reader.read_line(&mut line) {
            let mark =
                serde_json::from_str::<Mark>(&line).ok().filter(|mark| mark.items <= next && line.ends_with('\n'));
            let Some(mark) = mark else { break };
            let Some(fingerprints) = parse(&mark.fingerprints) else { break };
            for fingerprint in fingerprints {
                seen.insert(fingerprint);
            }
            last = Some(mark);
            end += bytes as u64;
            line.clear();
        }
        file.set_len(end).with_context(of_file)?;
        (&file).seek(SeekFrom::End(0)).with_context(of_file)?;
        let earlier = last.map(|mark| Earlier { mark: Mark { fingerprints: String::new(), ..mark }, seen });
        Ok((Self(file), earlier))
    }

    /// Adds what a chunk gave.
    ///
    /// # Errors
    /// The disk fails.
    pub fn add(&mut self, mark: &Mark) -> anyhow::Result<()> {
        self.0.write_all(&line(mark)?).with_context(|| format!("writing {FILE}"))
    }
}

pub(super) fn text(fingerprints: &[Fingerprint]) -> String {
    let mut text = String::with_capacity(32 * fingerprints.len());
    for byte in fingerprints.iter().flat_map(|Fingerprint(bytes)| bytes) {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')));
    }
    text
}

fn parse(text: &str) -> Option<Vec<Fingerprint>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let (whole, rest) = digits.as_chunks::<32>();
    let of = |digits: &[u8; 32]| Fingerprint(std::array::from_fn(|at| digits[2 * at] << 4 | digits[2 * at + 1]));
    rest.is_empty().then(|| whole.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(items: u64, byte: u8) -> Mark {
        let place = Place { file: "rows.jsonl".into(), row: Some(items) };
        Mark { items, kept: items, place, done: 1, fingerprints: text(&[Fingerprint([byte; 16])]) }
    }

    #[test]
    fn what_is_not_confirmed_or_torn_is_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut marks, earlier) = Marks::open(folder.path(), u64::MAX).expect("a file");
        assert!(earlier.is_none());
        for (items, byte) in [(10, 0x0f), (20, 0xf0), (30, 0xff)] {
            marks.add(&mark(items, byte)).expect("room");
        }
        marks.0.write_all(b"{\"items\":31,").expect("room");
        for (next, items, known) in [(u64::MAX, 30, [true, true, true]), (29, 20, [true, true, false])] {
            let (_, earlier) = Marks::open(folder.path(), next).expect("a file");
            let earlier = earlier.expect("marks");
            assert_eq!(earlier.mark.items, items);
            let found = [0x0f, 0xf0, 0xff].map(|byte| earlier.seen.contains(&Fingerprint([byte; 16])));
            assert_eq!(found, known);
        }
        let (_, earlier) = Marks::open(folder.path(), 5).expect("a file");
        assert!(earlier.is_none());
    }
}
