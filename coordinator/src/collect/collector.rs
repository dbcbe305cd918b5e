use std::{path::PathBuf, sync::Arc, vec::IntoIter};

use pipeline::{
    error::Failure,
    python::Fingerprint,
    reason::Reason,
    records::{Function, RawCode, Rejection},
};

use super::{
    Candidate, CollectSettings, Input, Place, RawReader,
    candidates::row_of,
    cap::capped,
    excluded::Excluded,
    marks::{self, Earlier, Mark},
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
    /// Of the first raw code, how many functions an earlier process has done.
    done_before: usize,
    /// The raw code of the last item, and how many of its functions are done.
    at: Option<(Place, usize)>,
    /// Fingerprints since the last mark, where marks are wanted.
    added: Option<Vec<Fingerprint>>,
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
            done_before: 0,
            at: None,
            added: None,
        })
    }

    /// As [`Self::new`], going on where an earlier collector of the same inputs and settings stood, with marks.
    ///
    /// # Errors
    /// As [`Self::new`], or the inputs hold no such place.
    pub fn going_on(
        arguments: &[PathBuf],
        settings: &CollectSettings,
        earlier: Option<Earlier>,
    ) -> Result<Self, Failure> {
        let mut reader = RawReader::new(Input::discover(arguments)?, settings);
        // What near duplicates are judged by is not written down: then all of it is collected again.
        let earlier = earlier.filter(|_| settings.near_duplicates.is_none());
        if let Some(Earlier { mark, .. }) = &earlier {
            reader.skip_to(&mark.place)?;
        }
        let mut collector = Self::over(reader, settings)?;
        if let Some(Earlier { mark, seen }) = earlier {
            (collector.index, collector.kept, collector.done_before) = (mark.items, mark.kept, mark.done);
            collector.seen = seen;
        }
        collector.added = settings.near_duplicates.is_none().then(Vec::new);
        Ok(collector)
    }

    /// Items so far, those of an earlier process included.
    pub fn items(&self) -> u64 {
        self.index
    }

    /// Where it stands now; none where no marks are wanted, or nothing was collected.
    pub fn mark(&mut self) -> Option<Mark> {
        let ((place, done), added) = (self.at.clone()?, self.added.as_mut()?);
        let fingerprints = marks::text(&std::mem::take(added));
        Some(Mark { items: self.index, kept: self.kept, place, done, fingerprints })
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
        if let Some(fingerprint) = fingerprint.filter(|_| self.settings.screens(Reason::Duplicate)) {
            if !self.seen.insert(fingerprint) {
                return turned_down(function, Reason::Duplicate, "the same code and context came earlier");
            }
            self.added.as_mut().into_iter().for_each(|added| added.push(fingerprint));
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
                match &mut self.at {
                    Some((at, done)) if *at == place => *done += 1,
                    at => *at = Some((place.clone(), 1)),
                }
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
            let before = std::mem::take(&mut self.done_before);
            match code {
                Err(_) if before > 0 => {}
                Err(rejection) => {
                    self.at = Some((place, 1));
                    let outcome = Err(rejection);
                    if !self.is_excluded(&outcome) {
                        return Some(Ok(self.number(outcome)));
                    }
                }
                Ok((raw, candidates)) => {
                    let mut candidates = candidates.into_iter();
                    candidates.by_ref().take(before).for_each(drop);
                    if before > 0 {
                        self.at = Some((place.clone(), before));
                    }
                    self.current = Some((raw, place, candidates));
                }
            }
        }
    }
}
