use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use pipeline::{
    error::Failure,
    records::{Rejection, Sample},
};
use serde::{Deserialize, Serialize};

use super::{Input, InputKind};
use crate::output::read;

/// What tells one input from another across restarts: the name of an argument, and all bytes under it. Of an object in a
/// store, which may be large and far away, its ETag and size stand for its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputIdentity {
    /// The argument, as it was given.
    pub path: String,
    /// Bytes in it; for a folder, in all its Python files.
    pub size: u64,
    /// BLAKE3 (hex) of its bytes; for a folder, of each file's name, size and bytes in order; ETags in place of the bytes
    /// of objects.
    pub blake3: String,
}

impl InputIdentity {
    /// Reads all that `arguments` name once and identifies each.
    ///
    /// # Errors
    /// Stdin cannot be read twice, so it has no identity: [`Failure::Usage`]. A file that cannot be read is
    /// [`Failure::Unavailable`], but for a Python file within a folder: it is an item that cannot be read, and stands in
    /// the hash as that.
    pub fn of(arguments: &[PathBuf]) -> Result<Vec<Self>, Failure> {
        if arguments.is_empty() || arguments.iter().any(|argument| argument == Path::new("-")) {
            let message = "stdin cannot be read again, so that a run over it cannot resume: give the input as a file";
            return Err(Failure::Usage(message.into()));
        }
        arguments.iter().map(|argument| Self::of_argument(argument)).collect()
    }

    /// Of other files that a run reads, whatever their kind.
    ///
    /// # Errors
    /// A file that cannot be read: [`Failure::Unavailable`].
    pub fn of_files(files: &[PathBuf]) -> Result<Vec<Self>, Failure> {
        let of_file = |file: &PathBuf| {
            let mut hasher = blake3::Hasher::new();
            let size = hash_file(file, &mut hasher)
                .map_err(|error| Failure::Unavailable(format!("{}: {error}", file.display())))?;
            Ok(Self { path: file.display().to_string(), size, blake3: hasher.finalize().to_hex().to_string() })
        };
        files.iter().map(of_file).collect()
    }

    /// Of the parts of earlier outputs.
    ///
    /// # Errors
    /// A folder or part that cannot be read.
    pub fn of_outputs(folders: &[PathBuf]) -> Result<Vec<Self>, Failure> {
        let mut files = Vec::new();
        for folder in folders {
            files.extend(read::parts::<Sample>(folder)?);
            files.extend(read::parts::<Rejection>(folder)?);
        }
        Self::of_files(&files)
    }

    fn of_argument(argument: &Path) -> Result<Self, Failure> {
        let inputs = Input::discover(&[argument.to_owned()])?;
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        for input in &inputs {
            let inside = input.path != argument;
            if inside {
                hasher.update(input.name.as_bytes()).update(&[0]);
            }
            let bytes = match &input.object {
                Some(object) => {
                    hasher.update(object.identity().as_bytes());
                    Ok(object.meta.size)
                }
                None => hash_file(&input.path, &mut hasher),
            };
            match bytes {
                Ok(bytes) => size += bytes,
                Err(_) if input.kind == InputKind::Python => {
                    hasher.update(b"unreadable");
                }
                Err(error) => return Err(Failure::Unavailable(format!("input {}: {error}", input.path.display()))),
            }
            if inside {
                hasher.update(&size.to_le_bytes());
            }
        }
        Ok(Self { path: argument.display().to_string(), size, blake3: hasher.finalize().to_hex().to_string() })
    }
}

fn hash_file(path: &Path, hasher: &mut blake3::Hasher) -> io::Result<u64> {
    let (mut file, mut buffer, mut bytes) = (File::open(path)?, vec![0; 1 << 16], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
