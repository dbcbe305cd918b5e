use std::{
    fs::File,
    io::{BufRead, BufReader, Read, stdin},
    vec::IntoIter,
};

use anyhow::Context as _;
use pipeline::{
    error::Failure,
    python,
    reason::Reason,
    records::{Meta, RawCode, Rejection},
};
use serde_json::json;

use super::{
    CollectSettings, Input, InputKind, Place,
    lines::{self, Line},
    row,
};

/// One piece of raw code, or the rejection of a row or file that could not be read, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw {
    /// Where it stands.
    pub place: Place,
    /// The code.
    pub code: Result<RawCode, Box<Rejection>>,
}

/// Reads inputs one after another as a stream: at most one line, or one Python file, of limited length is held.
pub struct RawReader {
    inputs: IntoIter<Input>,
    settings: CollectSettings,
    rows: Option<Rows>,
}

/// An open file of rows.
struct Rows {
    reader: Box<dyn BufRead + Send>,
    place: Place,
}

impl RawReader {
    /// Reads `inputs` in their order.
    pub fn new(inputs: Vec<Input>, settings: &CollectSettings) -> Self {
        Self { inputs: inputs.into_iter(), settings: settings.clone(), rows: None }
    }

    fn next_row(&self, rows: &mut Rows) -> anyhow::Result<Option<Raw>> {
        loop {
            let line = lines::next(&mut rows.reader, self.settings.max_line_bytes);
            let Some(line) = line.with_context(|| format!("reading {}", rows.place.file))? else { return Ok(None) };
            let number = rows.place.row.map_or(1, |row| row + 1);
            rows.place.row = Some(number);
            let place = rows.place.clone();
            let code = match line {
                Line::TooLong { bytes, start } => Err(self.too_large(&place, bytes, &start)),
                Line::Whole(line) => {
                    let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
                    if line.trim_ascii().is_empty() {
                        continue;
                    }
                    row::read(line, &place, &self.settings)
                }
            };
            return Ok(Some(Raw { place, code }));
        }
    }

    fn python_file(&self, input: &Input) -> Raw {
        let place = Place { file: input.name.clone(), row: None };
        let code = self.read_python(input, &place);
        Raw { place, code }
    }

    fn read_python(&self, input: &Input, place: &Place) -> Result<RawCode, Box<Rejection>> {
        let unreadable = |what: String, record: serde_json::Value| {
            Box::new(Rejection::new(place.id(), Reason::Unreadable, place.detail(what), &record))
        };
        let mut bytes = Vec::new();
        let limit = self.settings.max_line_bytes;
        let read = File::open(&input.path).and_then(|file| {
            let length = file.metadata()?.len();
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(length)
        });
        let length = read.map_err(|error| unreadable(format!("cannot be read: {}", error.kind()), json!(null)))?;
        if bytes.len() as u64 > limit {
            return Err(self.too_large(place, length, &bytes[..bytes.len().min(200)]));
        }
        let content = python::decode(&bytes).map_err(|error| {
            let record = json!({"id": place.id(), "content": String::from_utf8_lossy(&bytes)});
            unreadable(error.to_string(), record)
        })?;
        Ok(RawCode { id: place.id(), content: content.into_owned(), import_code: Vec::new(), meta: Meta::new() })
    }

    fn too_large(&self, place: &Place, bytes: u64, start: &[u8]) -> Box<Rejection> {
        let detail = place.detail(format!("{bytes} bytes, over --max-line-bytes {}", self.settings.max_line_bytes));
        let record = json!({"bytes": bytes, "start": String::from_utf8_lossy(start)});
        Box::new(Rejection::new(place.id(), Reason::TooLarge, detail, &record))
    }
}

impl Iterator for RawReader {
    /// # Errors
    /// A file of rows that cannot be opened ([`Failure::Unavailable`]), or that the disk stops giving.
    type Item = Result<Raw, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(mut rows) = self.rows.take() {
                match self.next_row(&mut rows) {
                    Ok(None) => continue,
                    Ok(Some(raw)) => {
                        self.rows = Some(rows);
                        return Some(Ok(raw));
                    }
                    Err(error) => return Some(Err(error.into())),
                }
            }
            let input = self.inputs.next()?;
            let reader: Box<dyn BufRead + Send> = match input.kind {
                InputKind::Python => return Some(Ok(self.python_file(&input))),
                InputKind::Stdin => Box::new(BufReader::with_capacity(1 << 20, stdin())),
                InputKind::JsonLines => match File::open(&input.path) {
                    Ok(file) => Box::new(BufReader::with_capacity(1 << 20, file)),
                    Err(error) => {
                        let message = format!("input {}: {error}", input.path.display());
                        return Some(Err(Failure::Unavailable(message)));
                    }
                },
            };
            self.rows = Some(Rows { reader, place: Place { file: input.name, row: None } });
        }
    }
}
