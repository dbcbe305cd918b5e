//! JSON Lines whose every row is needed: an evaluation over the readable half of a test set would be another evaluation.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use pipeline::error::Failure;
use serde::de::DeserializeOwned;

/// All rows of the file that `flag` names, and the BLAKE3 (hex) of its bytes; `-` is stdin.
///
/// # Errors
/// [`Failure::Usage`]: no such file, or a line that is no `what`.
pub fn read<T: DeserializeOwned>(flag: &str, path: &Path, what: &str) -> Result<(Vec<T>, String), Failure> {
    let wrong = |words: String| Failure::Usage(format!("{flag} {}{words}", path.display()));
    let mut input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(|error| wrong(format!(": {error}")))?))
    };
    let (mut rows, mut hash, mut line, mut number) = (Vec::new(), blake3::Hasher::new(), Vec::new(), 0u64);
    loop {
        line.clear();
        number += 1;
        if input.read_until(b'\n', &mut line).map_err(|error| wrong(format!(": {error}")))? == 0 {
            return Ok((rows, hash.finalize().to_hex().to_string()));
        }
        hash.update(&line);
        let line = line.trim_ascii_end();
        if !line.is_empty() {
            let row = serde_json::from_slice(line).or_else(|error| match without_lone_surrogates(line) {
                Some(mended) => {
                    tracing::warn!(file = %path.display(), line = number, "half a surrogate pair is no text: U+FFFD stands for it");
                    serde_json::from_slice(&mended)
                }
                None => Err(error),
            });
            // The line is known; its column is within it.
            let told = |error: serde_json::Error| error.to_string().replace(" at line 1 column", " at column");
            rows.push(row.map_err(|error| wrong(format!(":{number}: not a {what}: {}", told(error))))?);
        }
    }
}

/// JSON in which no `\ud800` to `\udfff` stands without its other half, as Python's `json.dumps` writes text that is none;
/// none if there is nothing to mend.
fn without_lone_surrogates(json: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut mended, mut at, mut any) = (Vec::with_capacity(json.len()), 0, false);
    while at < json.len() {
        let length = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                any = true;
                mended.extend(b"\\ufffd");
                at += 6;
                continue;
            }
            _ if json[at] == b'\\' => 2,
            _ => 1,
        };
        mended.extend(&json[at..(at + length).min(json.len())]);
        at += length;
    }
    any.then_some(mended)
}

#[cfg(test)]
mod tests {
    use super::without_lone_surrogates;

    #[test]
    fn halves_of_pairs_are_replaced() {
        let table = [
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""\ud83d.""#, Some(r#""\ufffd.""#)),
            (r#""\ude00\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\\\ud83d""#, Some(r#""\\\ufffd""#)),
        ];
        for (json, wanted) in table {
            let mended = without_lone_surrogates(json.as_bytes());
            assert_eq!(mended.as_deref(), wanted.map(str::as_bytes), "{json}");
        }
    }
}
