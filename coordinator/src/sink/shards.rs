//! Which shards are open, what they have seen, and when one is complete. Completion is counted, never guessed from
//! empty queues.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context;
use pipeline::{
    failpoint,
    message::{Address, Message, RecordType, RunClosed, RunOpen, ShardClosed},
    reason::{Reason, StageName},
};
use serde::{Deserialize, Serialize};

use super::{
    folder::{Known, OutputFolder},
    journal::{Entry, ItemOutcome, Journal},
    verdicts::{self, Verdicts},
};
use crate::{
    assemble::{AssembleSettings, Assembler},
    output::{PartWriter, StageSettings, stages},
    standing::{OpenStanding, Standing},
};

/// What became of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardSummary {
    /// The shard.
    pub shard: u64,
    /// Its items.
    pub items: u64,
    /// Functions that became samples.
    pub accepted: u64,
    /// Rows of samples.
    pub samples: u64,
    /// Rejected items by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Rejected items by stage: a reason such as `poison` is any stage's.
    pub rejected_by_stage: BTreeMap<StageName, u64>,
    /// Prompt tokens that its items cost.
    pub prompt_tokens: u64,
    /// Completion tokens that its items cost.
    pub completion_tokens: u64,
    /// Executed functions by what made them: model, prompt and Python. More than one is a fleet whose workers were set
    /// differently.
    #[serde(default)]
    pub made_by: BTreeMap<String, u64>,
}

impl ShardSummary {
    /// Of all of them together.
    pub fn sum<'a>(shards: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut total = Self::default();
        for summary in shards {
            total.items += summary.items;
            total.accepted += summary.accepted;
            total.samples += summary.samples;
            total.prompt_tokens += summary.prompt_tokens;
            total.completion_tokens += summary.completion_tokens;
            for (maker, count) in &summary.made_by {
                *total.made_by.entry(maker.clone()).or_default() += count;
            }
            for (reason, count) in &summary.rejected {
                *total.rejected.entry(*reason).or_default() += count;
            }
            for (stage, count) in &summary.rejected_by_stage {
                *total.rejected_by_stage.entry(*stage).or_default() += count;
            }
        }
        total
    }
}

/// All shards of a run.
pub struct Shards {
    folder: OutputFolder,
    settings: AssembleSettings,
    keep_stages: bool,
    parts: PartWriter,
    known: Known,
    open: HashMap<u64, OpenShard>,
    duplicates: u64,
    outcomes: u64,
}

struct OpenShard {
    journal: Journal,
    seen: HashSet<u64>,
}

/// Items that have their outcome on disk.
#[derive(Clone, Debug, Default)]
pub struct Journaled {
    done: HashSet<u64>,
    seen: HashMap<u64, HashSet<u64>>,
}

impl Journaled {
    /// Whether this item has one.
    pub fn has(&self, address: &Address) -> bool {
        self.has_item(address.shard, address.index)
    }

    /// [`Self::has`], by shard and index.
    pub fn has_item(&self, shard: u64, index: u64) -> bool {
        self.done.contains(&shard) || self.seen.get(&shard).is_some_and(|seen| seen.contains(&index))
    }
}

/// What a message is to the sink.
#[derive(Debug, PartialEq, Eq)]
pub enum Belongs {
    /// To this run.
    Here,
    /// The run is not open yet; ask again later.
    NotYet,
    /// To another run.
    Elsewhere(String),
}

impl Shards {
    /// Rebuilds what is known from the folder. Writes nothing: whether it is the same run is still to be seen.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn open(folder: OutputFolder, settings: AssembleSettings, stages: StageSettings) -> anyhow::Result<Self> {
        let parts = PartWriter::new(settings.format);
        let mut known = folder.known()?;
        known.closed.retain(|shard, _| !known.done.contains_key(shard));
        let mut open = HashMap::new();
        let mut outcomes = 0;
        for shard in folder.journals()? {
            let (journal, seen) = Journal::open(&folder.journal(shard))?;
            if known.done.contains_key(&shard) {
                journal.remove()?; // its parts were renamed and written down; only this step was missing
                continue;
            }
            let seen: HashSet<u64> = seen.into_iter().collect();
            outcomes += seen.len() as u64;
            open.insert(shard, OpenShard { journal, seen });
        }
        outcomes += known.done.values().map(|summary| summary.items).sum::<u64>();
        Ok(Self { folder, settings, keep_stages: !stages.no_stages, parts, known, open, duplicates: 0, outcomes })
    }

    /// What was written down of the run.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The folder.
    pub fn folder(&self) -> &OutputFolder {
        &self.folder
    }

    /// Gives the folder back, to close it.
    pub fn into_folder(self) -> OutputFolder {
        self.folder
    }

    /// Outcomes on disk, those of earlier processes included.
    pub fn outcomes(&self) -> u64 {
        self.outcomes
    }

    /// Outcomes that came again and were dropped.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Where the run stands.
    pub fn standing(&self) -> Standing {
        let Known { run, closed, end, done } = &self.known;
        let mut open: Vec<_> = self
            .open
            .iter()
            .map(|(shard, open)| OpenStanding {
                shard: *shard,
                outcomes: open.seen.len() as u64,
                items: closed.get(shard).map(|closed| closed.count),
            })
            .collect();
        let untouched = closed.values().filter(|closed| !self.open.contains_key(&closed.shard));
        open.extend(untouched.map(|closed| OpenStanding {
            shard: closed.shard,
            outcomes: 0,
            items: Some(closed.count),
        }));
        open.sort_by_key(|open| open.shard);
        Standing {
            evaluation: false,
            run_id: run.as_ref().map(|run| run.run_id.clone()),
            items: end.as_ref().map(|end| end.items),
            outcomes: self.outcomes,
            duplicates: self.duplicates,
            out_of_order: 0,
            shards: end.as_ref().map(|end| end.shards),
            written: done.len() as u64,
            open,
        }
    }

    /// What has its outcome already, to be skipped by a feed that starts again.
    pub fn journaled(&self) -> Journaled {
        let seen = self.open.iter().map(|(shard, open)| (*shard, open.seen.clone())).collect();
        Journaled { done: self.known.done.keys().copied().collect(), seen }
    }

    /// Whether an item has its outcome.
    pub fn has(&self, shard: u64, index: u64) -> bool {
        self.known.done.contains_key(&shard) || self.open.get(&shard).is_some_and(|open| open.seen.contains(&index))
    }

    /// The sum of all shards that are done.
    pub fn total(&self) -> ShardSummary {
        ShardSummary::sum(self.known.done.values())
    }

    /// Whether the last shard of the run is done.
    pub fn finished(&self) -> bool {
        self.known.end.as_ref().is_some_and(|end| self.known.done.len() as u64 == end.shards)
    }

    /// Whether a message is about this run.
    pub fn belongs(&self, message: &Message) -> Belongs {
        match &self.known.run {
            Some(run) if run.run_id == message.address.run_id => {
                let Address { shard, index, .. } = message.address;
                let is_outcome = matches!(message.record_type, RecordType::ExecutedFunction | RecordType::Rejection);
                if is_outcome && index / run.shard_size.max(1) != shard {
                    return Belongs::Elsewhere(format!("item {index} is not of shard {shard}"));
                }
                Belongs::Here
            }
            Some(run) => {
                Belongs::Elsewhere(format!("belongs to run {}, this is {}", message.address.run_id, run.run_id))
            }
            None if message.record_type == RecordType::RunOpen => Belongs::Here,
            None => Belongs::NotYet,
        }
    }

    /// Opens the run.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn open_run(&mut self, run: RunOpen) -> anyhow::Result<()> {
        if self.known.run.is_none() {
            self.folder.write_open(&run)?;
            self.known.run = Some(run);
        }
        Ok(())
    }

    /// Learns how many items a shard has.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn close_shard(&mut self, closed: ShardClosed) -> anyhow::Result<()> {
        let known = &self.known;
        if !known.closed.contains_key(&closed.shard) && !known.done.contains_key(&closed.shard) {
            self.folder.write_shard_closed(&closed)?;
            self.known.closed.insert(closed.shard, closed);
        }
        Ok(())
    }

    /// Learns where the run ends.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn close_run(&mut self, end: RunClosed) -> anyhow::Result<()> {
        if self.known.end.is_none() {
            self.folder.write_run_closed(&end)?;
            self.known.end = Some(end);
        }
        Ok(())
    }

    /// Puts outcomes on disk, each item's first one only. After an error the same batch can be given again.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn append(&mut self, shard: u64, entries: Vec<Entry>) -> anyhow::Result<()> {
        let total = entries.len();
        let mut new = Vec::with_capacity(total);
        let mut indices = HashSet::with_capacity(total);
        for entry in entries {
            if !self.has(shard, entry.index) && indices.insert(entry.index) {
                new.push(entry);
            }
        }
        self.duplicates += (total - new.len()) as u64;
        if new.is_empty() {
            return Ok(());
        }
        let open = match self.open.entry(shard) {
            std::collections::hash_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::hash_map::Entry::Vacant(vacant) => {
                let (journal, _) = Journal::open(&self.folder.journal(shard))?;
                vacant.insert(OpenShard { journal, seen: HashSet::new() })
            }
        };
        open.journal.append(&new)?;
        self.outcomes += new.len() as u64;
        open.seen.extend(indices);
        Ok(())
    }

    /// Writes the parts of every shard that has all its outcomes.
    ///
    /// # Errors
    /// The disk refuses; what was not finished is finished next time.
    pub fn complete(&mut self) -> anyhow::Result<()> {
        let complete: Vec<u64> = self
            .open
            .iter()
            .filter(|(shard, open)| {
                self.known.closed.get(shard).is_some_and(|closed| closed.count == open.seen.len() as u64)
            })
            .map(|(shard, _)| *shard)
            .collect();
        for shard in complete {
            self.write_parts(shard)?;
        }
        Ok(())
    }

    fn write_parts(&mut self, shard: u64) -> anyhow::Result<()> {
        let Some(mut open) = self.open.remove(&shard) else { return Ok(()) };
        match self.parts_of(shard, &mut open) {
            Ok(summary) => {
                self.known.closed.remove(&shard);
                self.known.done.insert(shard, summary);
                failpoint::pass("shard.done");
                open.journal.remove()?;
                Ok(())
            }
            Err(error) => {
                self.open.insert(shard, open);
                Err(error)
            }
        }
    }

    fn parts_of(&self, shard: u64, open: &mut OpenShard) -> anyhow::Result<ShardSummary> {
        let outcomes = open.journal.read()?;
        anyhow::ensure!(outcomes.len() == open.seen.len(), "the journal of shard {shard} is damaged");
        let outcomes: Vec<ItemOutcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        let seed = self.known.run.as_ref().map(|run| run.seed).context("the run was never opened")?;
        let assembler = Assembler::new(&self.settings, seed)?;
        if self.keep_stages {
            stages::write(self.folder.path(), shard, &outcomes)?;
        }
        let Verdicts { summary, samples, rejections } = verdicts::of_shard(shard, outcomes, &assembler);
        self.parts.write(self.folder.path(), shard, &samples, &rejections)?;
        self.folder.write_done(&summary)?;
        Ok(summary)
    }
}
