//! `summary.json`: what came of an evaluation. It depends on its inputs, its settings and the sandbox, on nothing else.

use std::collections::BTreeMap;

use pipeline::records::SandboxInfo;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    item::Item,
    published::Raw,
    score::{Score, score},
    settings::ScoreSettings,
    standard::{self, Standard},
    verdict::{Clean, Verdict},
};

/// What of an item cannot tell right from wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    /// The item.
    pub id: String,
    /// Its inputs.
    pub inputs: usize,
    /// Those that its prompt shows.
    pub shown: usize,
    /// Those that are neither shown nor equal to one that is.
    pub held_out: usize,
    /// Whether a shown input can tell.
    pub shown_scoreable: bool,
    /// Whether a held-out input can tell.
    pub held_out_scoreable: bool,
    /// Inputs set aside, and why.
    pub aside: BTreeMap<usize, standard::Aside>,
    /// What the item's own code said of itself where it does not run.
    pub problem: Option<String>,
}

impl Aside {
    /// Of this item.
    pub fn of(item: &Item, standard: &Standard) -> Self {
        let count = |wanted: fn(&standard::Input) -> bool| standard.inputs.iter().filter(|input| wanted(input)).count();
        let aside = |(at, input): (usize, &standard::Input)| Some((at, *input.expected.as_ref().err()?));
        Self {
            id: item.id.clone(),
            inputs: standard.inputs.len(),
            shown: count(|input| input.shown),
            held_out: count(|input| input.held_out),
            shown_scoreable: count(|input| input.shown && input.expected.is_ok()) > 0,
            held_out_scoreable: count(|input| input.held_out && input.expected.is_ok()) > 0,
            aside: standard.inputs.iter().enumerate().filter_map(aside).collect(),
            problem: standard.problem.clone(),
        }
    }

    /// Whether no input of it can tell.
    pub fn whole(&self) -> bool {
        self.aside.len() == self.inputs
    }
}

/// Scores of one k.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// By the published rule, over all items.
    pub raw: Score,
    /// By value, over the items that have an input that can tell.
    pub clean: Score,
    /// By value, on the shown inputs alone.
    pub shown: Score,
    /// By value, on the held-out inputs alone.
    pub held_out: Score,
}

/// What inputs there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputCounts {
    /// All.
    pub all: usize,
    /// Those that a prompt shows.
    pub shown: usize,
    /// Those that are not shown, but equal to one that is.
    pub repeats: usize,
    /// The others.
    pub held_out: usize,
    /// Those that cannot tell right from wrong.
    pub set_aside: usize,
}

/// The file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Of this program.
    pub version: String,
    /// The settings that verdicts depend on.
    pub identity: Map<String, Value>,
    /// What completions ran in.
    pub sandbox: SandboxInfo,
    /// Items of the test set.
    pub items: usize,
    /// Completions of these items.
    pub completions: usize,
    /// Completions of items that the test set does not have; they are left out.
    pub unknown: usize,
    /// Completions an item has at the most; what others have less counts as missing.
    pub completions_per_item: usize,
    /// Verdicts by the published rule.
    pub raw: BTreeMap<String, usize>,
    /// Verdicts by value.
    pub clean: BTreeMap<String, usize>,
    /// pass@k.
    pub pass_at: BTreeMap<usize, Scores>,
    /// Inputs of all items.
    pub inputs: InputCounts,
    /// Why inputs were set aside, and how many for each reason.
    pub set_aside: BTreeMap<standard::Aside, usize>,
    /// Items without an input that can tell.
    pub items_set_aside: usize,
    /// Items of which something was set aside.
    pub aside: Vec<Aside>,
}

/// Where things come from.
pub struct Origin {
    /// See [`Summary::identity`].
    pub identity: Map<String, Value>,
    /// See [`Summary::sandbox`].
    pub sandbox: SandboxInfo,
    /// See [`Summary::unknown`].
    pub unknown: usize,
    /// See [`Summary::completions_per_item`].
    pub per_item: usize,
}

impl Summary {
    /// Of all items in order, each with what was set aside and with its rows.
    pub fn of(items: &[(&Aside, &[Verdict])], origin: Origin, settings: &ScoreSettings, ks: &[usize]) -> Self {
        let Origin { identity, sandbox, unknown, per_item } = origin;
        let rows = || items.iter().flat_map(|(_, rows)| rows.iter());
        let raw = |raw: Raw| (raw.as_str().to_owned(), rows().filter(|row| row.raw == raw).count());
        let clean = |clean: Clean| (clean.as_str().to_owned(), rows().filter(|row| row.clean == clean).count());
        let (mut inputs, mut set_aside) = (InputCounts::default(), BTreeMap::new());
        for (aside, _) in items {
            inputs.all += aside.inputs;
            inputs.shown += aside.shown;
            inputs.held_out += aside.held_out;
            inputs.set_aside += aside.aside.len();
            aside.aside.values().for_each(|reason| *set_aside.entry(*reason).or_default() += 1);
        }
        inputs.repeats = inputs.all - inputs.shown - inputs.held_out;
        let scores = |k: usize| {
            let of = |right: &dyn Fn(&Verdict) -> Option<bool>| {
                let of_item = |(_, rows): &(&Aside, &[Verdict])| rows.iter().map(right).collect::<Option<Vec<_>>>();
                let each: Vec<Vec<bool>> = items.iter().filter_map(of_item).collect();
                score(&each, k, settings.bootstrap, settings.seed)
            };
            let by_value = |clean: Clean| (clean != Clean::Unscoreable).then_some(clean == Clean::Correct);
            Scores {
                raw: of(&|row| Some(row.raw == Raw::Correct)),
                clean: of(&|row| by_value(row.clean)),
                shown: of(&|row| by_value(row.shown)),
                held_out: of(&|row| by_value(row.held_out)),
            }
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            identity,
            sandbox,
            items: items.len(),
            completions: rows().filter(|row| row.raw != Raw::Missing).count(),
            unknown,
            completions_per_item: per_item,
            raw: Raw::ALL.into_iter().map(raw).collect(),
            clean: Clean::ALL.into_iter().map(clean).collect(),
            pass_at: ks.iter().map(|k| (*k, scores(*k))).collect(),
            inputs,
            set_aside,
            items_set_aside: items.iter().filter(|(aside, _)| aside.whole()).count(),
            aside: items
                .iter()
                .filter(|(aside, _)| !aside.aside.is_empty())
                .map(|(aside, _)| (*aside).clone())
                .collect(),
        }
    }
}
