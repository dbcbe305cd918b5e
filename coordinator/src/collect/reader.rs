use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, Read},
    vec::IntoIter,
};

use anyhow::Context as _;
use pipeline::{
    error::Failure,
    python,
    reason::Reason,
    records::{Meta, RawCode, Rejection},
};
use serde_json::{Map, Value, json};

use super::{
    CollectSettings, Input, InputKind, Place, chosen,
    lines::{self, Line},
    objects::Object,
    remote::{self, ObjectReader, Whole},
    row, rows,
    table::Table,
};

/// One piece of raw code, or the rejection of a row or file that could not be read, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw {
    /// Where it stands.
    pub place: Place,
    /// The code.
    pub code: Result<RawCode, Box<Rejection>>,
}

/// What was read of a file, before anybody looked into it: the rest can be done on any thread.
pub(super) struct Piece {
    place: Place,
    bytes: Bytes,
}

enum Bytes {
    Line(Vec<u8>),
    Columns(Map<String, Value>),
    Python(Vec<u8>),
    Unreadable(Box<Rejection>),
}

impl Piece {
    /// Bytes held, about.
    pub fn weight(&self) -> usize {
        match &self.bytes {
            Bytes::Line(bytes) | Bytes::Python(bytes) => bytes.len(),
            Bytes::Columns(columns) => columns.values().filter_map(Value::as_str).map(str::len).sum(),
            Bytes::Unreadable(_) => 0,
        }
    }

    /// The raw code in it; none where `--sample` left it out.
    pub fn read(self, settings: &CollectSettings) -> Option<Raw> {
        let Self { place, bytes } = self;
        let code = match bytes {
            Bytes::Line(line) => row::read(&line, &place, settings),
            Bytes::Columns(columns) => row::of_columns(columns, &place, settings),
            Bytes::Python(bytes) => of_python(&bytes, &place, settings),
            Bytes::Unreadable(rejection) => Err(rejection),
        };
        let id = code.as_ref().map_or_else(|rejection| &rejection.id, |raw| &raw.id);
        chosen::is_chosen(id, settings).then_some(Raw { place, code })
    }
}

fn of_python(bytes: &[u8], place: &Place, settings: &CollectSettings) -> Result<RawCode, Box<Rejection>> {
    let content = python::decode(bytes).map_err(|error| {
        let record = json!({"id": place.id(), "content": String::from_utf8_lossy(bytes)});
        Box::new(Rejection::new(place.id(), Reason::Unreadable, place.detail(error), &record))
    })?;
    let raw = RawCode { id: place.id(), content: content.into_owned(), import_code: Vec::new(), meta: Meta::new() };
    match row::license_refused(None, settings) {
        Some(what) => Err(Box::new(Rejection::new(place.id(), Reason::License, place.detail(what), &raw))),
        None => Ok(raw),
    }
}

/// Reads inputs one after another as a stream: at most one line, or one Python file, of limited length is held, and a
/// few rows of a Parquet file.
pub struct RawReader {
    inputs: IntoIter<Input>,
    settings: CollectSettings,
    open: Option<(Rows, Place)>,
    /// Where [`Self::skip_to`] stopped.
    found: Option<Piece>,
    /// The Python objects that come next, on their way.
    ahead: VecDeque<Whole>,
}

/// Python objects asked for at once: each is small, and its way is long.
const OBJECTS_AHEAD: usize = 16;

/// Largest one that is asked for ahead, in bytes.
const SMALL_OBJECT_BYTES: u64 = 1 << 20;

/// An open file of rows.
enum Rows {
    Lines(Box<dyn BufRead + Send>),
    Table(Box<Table>),
}

impl RawReader {
    /// Reads `inputs` in their order.
    pub fn new(inputs: Vec<Input>, settings: &CollectSettings) -> Self {
        Self { inputs: inputs.into_iter(), settings: settings.clone(), open: None, found: None, ahead: VecDeque::new() }
    }

    /// The next piece, unread; none at the end.
    ///
    /// # Errors
    /// A file of rows that cannot be opened ([`Failure::Unavailable`]), or that the disk stops giving; a Parquet file
    /// without the content's column ([`Failure::Usage`]).
    pub(super) fn next_piece(&mut self) -> Result<Option<Piece>, Failure> {
        if let Some(piece) = self.found.take() {
            return Ok(Some(piece));
        }
        loop {
            if let Some((mut rows, mut place)) = self.open.take() {
                let bytes = match &mut rows {
                    Rows::Lines(reader) => self.next_line(reader, &mut place)?,
                    Rows::Table(table) => next_of_table(table, &mut place)?,
                };
                match bytes {
                    None => continue,
                    // What is damaged gives nothing more.
                    Some((bytes, goes_on)) => {
                        let piece = Piece { place: place.clone(), bytes };
                        self.open = goes_on.then_some((rows, place));
                        return Ok(Some(piece));
                    }
                }
            }
            let Some(input) = self.inputs.next() else { return Ok(None) };
            let rows = match input.kind {
                InputKind::Python => return Ok(Some(self.python_file(&input)?)),
                InputKind::Stdin => Rows::Lines(rows::open_stdin()),
                InputKind::Parquet => match Table::open(&input, &self.settings)? {
                    Ok(table) => Rows::Table(Box::new(table)),
                    Err(words) => {
                        let place = Place { file: input.name, row: None };
                        let bytes = damaged(&place, &words);
                        return Ok(Some(Piece { place, bytes }));
                    }
                },
                InputKind::JsonLines(packing) => Rows::Lines(
                    match &input.object {
                        Some(object) => rows::unpack(ObjectReader::new(object), packing),
                        None => rows::open(&input.path, packing),
                    }
                    .map_err(|error| Failure::Unavailable(format!("input {}: {error}", input.path.display())))?,
                ),
            };
            self.open = Some((rows, Place { file: input.name, row: None }));
        }
    }

    /// Leaves out everything before `place`, unread but for the rows of its own file.
    ///
    /// # Errors
    /// As [`Self::next_piece`], or there is no such place.
    pub(super) fn skip_to(&mut self, place: &Place) -> Result<(), Failure> {
        if let Some(before) = self.inputs.as_slice().iter().position(|input| input.name == place.file) {
            self.inputs.by_ref().take(before).for_each(drop);
            while let Some(piece) = self.next_piece()? {
                if piece.place == *place {
                    self.found = Some(piece);
                    return Ok(());
                }
            }
        }
        let what = "collecting cannot go on from there; did the input change?";
        Err(Failure::Unavailable(place.detail(what)))
    }

    fn next_line(&self, reader: &mut impl BufRead, place: &mut Place) -> Result<Option<(Bytes, bool)>, Failure> {
        loop {
            let line = lines::next(reader, self.settings.max_line_bytes);
            let number = place.row.map_or(1, |row| row + 1);
            let line = match line {
                Err(error) if rows::is_damage(&error) => {
                    place.row = Some(number);
                    return Ok(Some((damaged(place, &error), false)));
                }
                Err(error) if let Some(lost) = remote::lost(&error) => return Err(lost),
                line => line.with_context(|| format!("reading {}", place.file))?,
            };
            let Some(line) = line else { return Ok(None) };
            place.row = Some(number);
            let bytes = match line {
                Line::TooLong { bytes, start } => Bytes::Unreadable(self.too_large(place, bytes, &start)),
                Line::Whole(mut line) => {
                    if number == 1 && line.starts_with(b"\xef\xbb\xbf") {
                        line.drain(..3);
                    }
                    if line.trim_ascii().is_empty() {
                        continue;
                    }
                    Bytes::Line(line)
                }
            };
            return Ok(Some((bytes, true)));
        }
    }

    /// A local file that cannot be read is one rejection: it stays so. A store that cannot be reached does not.
    fn python_file(&mut self, input: &Input) -> Result<Piece, Failure> {
        let place = Place { file: input.name.clone(), row: None };
        let mut bytes = Vec::new();
        let limit = self.settings.max_line_bytes;
        let read = if let Some(object) = &input.object {
            bytes = self.python_object(object)?;
            Ok(object.meta.size)
        } else {
            File::open(&input.path).and_then(|file| {
                let length = file.metadata()?.len();
                file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
                Ok(length)
            })
        };
        let bytes = match read {
            Err(error) => {
                let detail = place.detail(format!("cannot be read: {}", error.kind()));
                Bytes::Unreadable(Box::new(Rejection::new(place.id(), Reason::Unreadable, detail, &json!(null))))
            }
            Ok(length) if bytes.len() as u64 > limit => {
                Bytes::Unreadable(self.too_large(&place, length, &bytes[..bytes.len().min(200)]))
            }
            Ok(_) => Bytes::Python(bytes),
        };
        Ok(Piece { place, bytes })
    }

    /// The bytes of this object; those behind it are asked for while it is worked on.
    fn python_object(&mut self, object: &Object) -> Result<Vec<u8>, Failure> {
        let limit = self.settings.max_line_bytes.saturating_add(1);
        let small = |input: &Input| {
            let object = input.object.clone().filter(|object| object.meta.size <= SMALL_OBJECT_BYTES);
            object.filter(|_| input.kind == InputKind::Python)
        };
        // Those asked for are this one and, without a gap, its followers.
        if self.ahead.is_empty() {
            self.ahead.push_back(Whole::start(object, limit)?);
        }
        let followers = self.inputs.as_slice().iter().map_while(small);
        for follower in followers.take(OBJECTS_AHEAD).skip(self.ahead.len() - 1) {
            self.ahead.push_back(Whole::start(&follower, limit)?);
        }
        self.ahead.pop_front().map_or_else(|| Ok(Vec::new()), Whole::read)
    }

    fn too_large(&self, place: &Place, bytes: u64, start: &[u8]) -> Box<Rejection> {
        let detail = place.detail(format!("{bytes} bytes, over --max-line-bytes {}", self.settings.max_line_bytes));
        let record = json!({"bytes": bytes, "start": String::from_utf8_lossy(start)});
        Box::new(Rejection::new(place.id(), Reason::TooLarge, detail, &record))
    }
}

fn next_of_table(table: &mut Table, place: &mut Place) -> Result<Option<(Bytes, bool)>, Failure> {
    let Some(row) = table.next_row().transpose() else { return Ok(None) };
    place.row = Some(place.row.map_or(1, |row| row + 1));
    match row {
        Ok(columns) => Ok(Some((Bytes::Columns(columns), true))),
        Err(words) => table.lost().map_or_else(|| Ok(Some((damaged(place, &words), false))), Err),
    }
}

/// The one rejection that stands for all that a damaged file would have held from here on.
fn damaged(place: &Place, error: &dyn std::fmt::Display) -> Bytes {
    let detail = place.detail(format!("the file is damaged, nothing is read from here on: {error}"));
    Bytes::Unreadable(Box::new(Rejection::new(place.id(), Reason::Unreadable, detail, &json!(null))))
}

impl Iterator for RawReader {
    /// # Errors
    /// A file of rows that cannot be opened ([`Failure::Unavailable`]), or that the disk stops giving.
    type Item = Result<Raw, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_piece() {
                Err(failure) => return Some(Err(failure)),
                Ok(None) => return None,
                Ok(Some(piece)) => {
                    if let Some(raw) = piece.read(&self.settings) {
                        return Some(Ok(raw));
                    }
                }
            }
        }
    }
}
