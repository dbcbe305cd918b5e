use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use pipeline::error::Failure;

use super::objects::{self, Object};

/// One input file, and what ids call it.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where it is: a path, a URL, or `-` for stdin.
    pub path: PathBuf,
    /// Its name in ids: relative to the argument given, so that ids do not depend on where the corpus lies.
    pub name: String,
    /// How it is read.
    pub kind: InputKind,
    /// The object that it is; none for a local path.
    pub(super) object: Option<Object>,
}

/// How an input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputKind {
    /// One JSON object a line.
    JsonLines(Packing),
    /// One JSON object a line, from stdin.
    Stdin,
    /// A table, one row each.
    Parquet,
    /// One piece of source.
    Python,
}

/// How a file of lines is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packing {
    /// Not at all.
    None,
    /// As `.gz`.
    Gzip,
    /// As `.zst`.
    Zstd,
}

impl InputKind {
    /// What a file's name says that it is.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let (stem, packing) = match name.rsplit_once('.') {
            Some((stem, "gz")) => (stem, Packing::Gzip),
            Some((stem, "zst")) => (stem, Packing::Zstd),
            _ => (name, Packing::None),
        };
        match (stem.rsplit_once('.')?.1, packing) {
            ("jsonl" | "ndjson", packing) => Some(Self::JsonLines(packing)),
            ("parquet", Packing::None) => Some(Self::Parquet),
            ("py", Packing::None) => Some(Self::Python),
            _ => None,
        }
    }
}

impl Input {
    /// The files that `arguments` name, in their order; a pattern stands for what it matches, sorted; a folder stands for
    /// the `.py` files under it, or if there is none, for all files of rows, sorted by path component. `-`, or no argument at all, is JSON Lines on stdin. A URL
    /// (`s3://`, `gs://`, `file://`) names one object, a pattern, or, with `/` at its end, a prefix, which is as a
    /// folder.
    ///
    /// # Errors
    /// An argument that does not exist, or cannot be listed or reached, is [`Failure::Unavailable`]; one of a kind that is not read,
    /// [`Failure::Usage`].
    pub fn discover(arguments: &[PathBuf]) -> Result<Vec<Self>, Failure> {
        if arguments.is_empty() {
            return Ok(vec![Self::stdin()]);
        }
        let mut inputs = Vec::new();
        let mut of_argument = Vec::new();
        for argument in arguments {
            if let Some(url) = argument.to_str().filter(|text| objects::is_url(text)) {
                let found = objects::discover(url)?;
                of_argument.extend(found.iter().map(|_| argument.clone()));
                inputs.extend(found);
                continue;
            }
            for argument in expanded(argument)? {
                let found = of(&argument)?;
                of_argument.extend(found.iter().map(|_| argument.clone()));
                inputs.extend(found);
            }
        }
        let mut names = HashSet::new();
        if !inputs.iter().all(|input| names.insert(&input.name)) {
            // The same name under two arguments: the argument tells them apart.
            for (input, argument) in inputs.iter_mut().zip(of_argument) {
                if let Some(object) = &input.object {
                    input.name.clone_from(&object.url);
                    continue;
                }
                let inside =
                    input.path.strip_prefix(&argument).ok().filter(|inside| inside.components().next().is_some());
                input.name = name(&inside.map_or_else(|| argument.clone(), |inside| argument.join(inside)));
            }
        }
        Ok(inputs)
    }

    fn stdin() -> Self {
        Self { path: PathBuf::from("-"), name: "-".into(), kind: InputKind::Stdin, object: None }
    }

    /// Where it is, for people: a path without what says nothing (`./`, `//`), a URL as it is.
    pub(super) fn shown(&self) -> String {
        match &self.object {
            Some(object) => object.url.clone(),
            None => self.path.components().collect::<PathBuf>().display().to_string(),
        }
    }
}

fn of(argument: &Path) -> Result<Vec<Input>, Failure> {
    if argument == Path::new("-") {
        return Ok(vec![Input::stdin()]);
    }
    let unavailable = |error| Failure::Unavailable(format!("input {}: {error}", argument.display()));
    let metadata = fs::metadata(argument).map_err(unavailable)?;
    if metadata.is_dir() {
        let mut files = Vec::new();
        readable_files(argument, &mut files).map_err(unavailable)?;
        files.sort();
        let mut inputs: Vec<Input> = files
            .into_iter()
            .map(|(path, kind)| Input {
                name: name(path.strip_prefix(argument).unwrap_or(&path)),
                path,
                kind,
                object: None,
            })
            .collect();
        if inputs.is_empty() {
            let message = format!("input {}: the folder holds no .py file and no file of rows", argument.display());
            return Err(Failure::Unavailable(message));
        }
        source_before_rows(&mut inputs, &argument.display());
        return Ok(inputs);
    }
    if !metadata.is_file() {
        let message = format!("input {}: not a file; give - for JSON Lines on stdin", argument.display());
        return Err(Failure::Usage(message));
    }
    let name = name(argument.file_name().map_or(argument, Path::new));
    let Some(kind) = InputKind::of_name(&name) else {
        let message = format!(
            "input {}: not a kind of file that is read: give .jsonl (or .jsonl.gz, .jsonl.zst), .parquet, .py, a folder \
             of them, or - for JSON Lines on stdin",
            argument.display()
        );
        return Err(Failure::Usage(message));
    };
    Ok(vec![Input { path: argument.to_owned(), name, kind, object: None }])
}

/// The files that a pattern with `*`, `?` or `[…]` stands for, sorted; what is no pattern, or exists by that very name,
/// stands for itself.
fn expanded(argument: &Path) -> Result<Vec<PathBuf>, Failure> {
    let Some(pattern) = argument.to_str().filter(|text| text.contains(['*', '?', '['])) else {
        return Ok(vec![argument.to_owned()]);
    };
    if argument.exists() {
        return Ok(vec![argument.to_owned()]);
    }
    let found = glob::glob(pattern).map_err(|error| Failure::Usage(format!("input {pattern}: {error}")))?;
    let found: Vec<PathBuf> = found
        .collect::<Result<_, _>>()
        .map_err(|error: glob::GlobError| Failure::Unavailable(format!("input {pattern}: {error}")))?;
    if found.is_empty() {
        return Err(Failure::Unavailable(format!("input {pattern}: no file matches")));
    }
    Ok(found)
}

/// A folder is one of source, or, where it holds none, one of rows; what is passed over is told.
pub(super) fn source_before_rows(inputs: &mut Vec<Input>, folder: &dyn std::fmt::Display) {
    if inputs.iter().any(|input| input.kind == InputKind::Python) {
        let all = inputs.len();
        inputs.retain(|input| input.kind == InputKind::Python);
        let left_out = all - inputs.len();
        if left_out > 0 {
            tracing::warn!(%folder, left_out, "a folder with .py files: its files of rows are left out, name them to read them");
        }
    }
}

/// Every file of a kind that is read below `folder`, links to files included; links to folders are not followed, as they
/// may be circular.
fn readable_files(folder: &Path, files: &mut Vec<(PathBuf, InputKind)>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            readable_files(&path, files)?;
        } else if let Some(kind) = InputKind::of_name(&entry.file_name().to_string_lossy()) {
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {}
                // Reading a pipe or a device may never end.
                Ok(metadata) if !metadata.is_file() => tracing::warn!(path = %path.display(), "not a file; left out"),
                _ => files.push((path, kind)),
            }
        }
    }
    Ok(())
}

/// A path as text, with `/` between its parts.
fn name(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/").replace("//", "/")
}
