use std::{path::PathBuf, vec::IntoIter};

use pipeline::{
    error::Failure,
    reason::Reason,
    records::{Function, RawCode, Rejection},
};

use super::{
    Candidate, CollectSettings, Input, Place, RawReader,
    candidates::{functions_of, row_of},
    cap::capped,
    reader::Raw,
    seen::Seen,
};

/// One numbered item: a top-level `def`, kept or not, or a row or file that has none or could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its number in input order, from 0.
    pub index: u64,
    /// The function, or why it is none.
    pub outcome: Result<Function, Box<Rejection>>,
}

/// Items in input order. The same inputs and settings give the same items, every time.
pub struct Collector {
    raw: RawReader,
    settings: CollectSettings,
    /// The raw code being worked on, and what is left of it.
    current: Option<(RawCode, Place, IntoIter<Candidate>)>,
    seen: Seen,
    index: u64,
    kept: u64,
    failed: bool,
}

impl Collector {
    /// A collector over what `arguments` name.
    ///
    /// # Errors
    /// As [`Input::discover`].
    pub fn new(arguments: &[PathBuf], settings: &CollectSettings) -> Result<Self, Failure> {
        Ok(Self::over(RawReader::new(Input::discover(arguments)?, settings), settings))
    }

    /// A collector over raw code that is read elsewhere.
    pub fn over(raw: RawReader, settings: &CollectSettings) -> Self {
        let settings = settings.clone();
        Self { raw, settings, current: None, seen: Seen::new(), index: 0, kept: 0, failed: false }
    }

    /// Turns a candidate down if the same came earlier. Only what is kept is remembered.
    fn screen(&mut self, candidate: Candidate, raw: &RawCode, place: &Place) -> Result<Function, Box<Rejection>> {
        let line = candidate.line;
        let function = candidate.outcome?;
        if candidate.fingerprint.is_none_or(|fingerprint| self.seen.insert(fingerprint)) {
            self.kept += 1;
            return Ok(function);
        }
        let detail = place.detail_at(line, format!("`{}`: the same code and context came earlier", function.name));
        let row = row_of(raw, &function.id, &function.code);
        Err(Box::new(Rejection::new(function.id, Reason::Duplicate, detail, &row)))
    }

    fn number(&mut self, outcome: Result<Function, Box<Rejection>>) -> Item {
        let index = self.index;
        self.index += 1;
        Item { index, outcome: capped(outcome) }
    }
}

impl Iterator for Collector {
    /// # Errors
    /// As [`RawReader`]; nothing comes after an error.
    type Item = Result<Item, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.settings.max_functions.is_some_and(|max| self.kept >= max) {
            return None;
        }
        loop {
            if let Some((raw, place, mut candidates)) = self.current.take()
                && let Some(candidate) = candidates.next()
            {
                let outcome = self.screen(candidate, &raw, &place);
                self.current = Some((raw, place, candidates));
                return Some(Ok(self.number(outcome)));
            }
            let Raw { place, code } = match self.raw.next()? {
                Ok(raw) => raw,
                Err(failure) => {
                    self.failed = true;
                    return Some(Err(failure));
                }
            };
            match code {
                Err(rejection) => return Some(Ok(self.number(Err(rejection)))),
                Ok(raw) => {
                    let candidates = functions_of(&raw, &place, &self.settings).into_iter();
                    self.current = Some((raw, place, candidates));
                }
            }
        }
    }
}
