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
        if !line.trim_ascii().is_empty() {
            let row = serde_json::from_slice(&line);
            rows.push(row.map_err(|error| wrong(format!(":{number}: not a {what}: {error}")))?);
        }
    }
}
