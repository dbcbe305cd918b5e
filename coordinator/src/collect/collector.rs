use std::{path::PathBuf, sync::Arc, vec::IntoIter};

use pipeline::{
    error::Failure,
    reason::Reason,
    records::{Function, RawCode, Rejection},
};

use super::{
    Candidate, CollectSettings, Input, Place, RawReader,
    candidates::row_of,
    cap::capped,
    excluded::Excluded,
    near::Near,
    parse::{Parsed, Parser},
    screening::Screening,
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

/// Items in input order. The same inputs and settings give the same items, every time, on any number of threads.
pub struct Collector {
    parser: Parser,
    settings: CollectSettings,
    excluded: Option<Excluded>,
    batch: IntoIter<Parsed>,
    /// The raw code being worked on, and what is left of it.
    current: Option<(RawCode, Place, IntoIter<Candidate>)>,
    seen: Seen,
    near: Near,
    index: u64,
    kept: u64,
    failed: bool,
}

impl Collector {
    /// A collector over what `arguments` name.
    ///
    /// # Errors
    /// As [`Input::discover`], or a setting names what cannot be read.
    pub fn new(arguments: &[PathBuf], settings: &CollectSettings) -> Result<Self, Failure> {
        Self::over(RawReader::new(Input::discover(arguments)?, settings), settings)
    }

    /// A collector over raw code that is read elsewhere.
    ///
    /// # Errors
    /// A setting names what cannot be read.
    pub fn over(raw: RawReader, settings: &CollectSettings) -> Result<Self, Failure> {
        let excluded = Excluded::read(&settings.exclude)?;
        let parser = Parser::new(raw, Arc::new(Screening::new(settings)?));
        Ok(Self {
            parser,
            settings: settings.clone(),
            excluded,
            batch: Vec::new().into_iter(),
            current: None,
            seen: Seen::new(),
            near: Near::default(),
            index: 0,
            kept: 0,
            failed: false,
        })
    }

    /// Turns a candidate down if the same came earlier. Only what is kept is remembered.
    fn screen(&mut self, candidate: Candidate, raw: &RawCode, place: &Place) -> Result<Function, Box<Rejection>> {
        let Candidate { line, outcome, fingerprint, signature } = candidate;
        let function = outcome?;
        let turned_down = |function: Function, reason, what: &str| {
            let detail = place.detail_at(line, format!("`{}`: {what}", function.name));
            let row = row_of(raw, &function.id, &function.code);
            Err(Box::new(Rejection::new(function.id, reason, detail, &row)))
        };
        if self.settings.screens(Reason::Duplicate)
            && fingerprint.is_some_and(|fingerprint| !self.seen.insert(fingerprint))
        {
            return turned_down(function, Reason::Duplicate, "the same code and context came earlier");
        }
        if let (Some(signature), Some(least)) = (signature, self.settings.near_duplicates)
            && let Some(part) = self.near.find_or_add(signature, least)
        {
            let what = format!("shares about {part:.2} of its passages with an earlier one");
            return turned_down(function, Reason::NearDuplicate, &what);
        }
        self.kept += 1;
        Ok(function)
    }

    fn is_excluded(&self, outcome: &Result<Function, Box<Rejection>>) -> bool {
        let id = outcome.as_ref().map_or_else(|rejection| &rejection.id, |function| &function.id);
        self.excluded.as_ref().is_some_and(|excluded| excluded.has(id))
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
                let passed_over = self.is_excluded(&candidate.outcome);
                let outcome = if passed_over { None } else { Some(self.screen(candidate, &raw, &place)) };
                self.current = Some((raw, place, candidates));
                match outcome {
                    Some(outcome) => return Some(Ok(self.number(outcome))),
                    None => continue,
                }
            }
            let Some(Parsed { place, code }) = self.batch.next() else {
                match self.parser.next()? {
                    Ok(batch) => self.batch = batch.into_iter(),
                    Err(failure) => {
                        self.failed = true;
                        return Some(Err(failure));
                    }
                }
                continue;
            };
            match code {
                Err(rejection) => {
                    let outcome = Err(rejection);
                    if !self.is_excluded(&outcome) {
                        return Some(Ok(self.number(outcome)));
                    }
                }
                Ok((raw, candidates)) => self.current = Some((raw, place, candidates.into_iter())),
            }
        }
    }
}
