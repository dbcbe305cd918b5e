//! Which examples a prompt shows, and which it holds out.

use super::{cases::Case, random::Random, reach::Reach, settings::Shown};

/// From so many examples on, some are held out, so that a sample carries its own test.
const HOLD_OUT_FROM: usize = 5;
const HELD_OUT: usize = 2;
/// Each so many branches of a function raise the fewest examples that it shows by one.
const WAYS_PER_EXAMPLE: usize = 3;
/// Characters of inputs and outputs above which fewer examples are shown, the largest left out first.
const BUDGET_CHARS: usize = 8_000;
/// Fewest and most examples of a published prompt.
const REFERENCE: Shown = Shown { least: 3, most: 10 };

/// Whether a case may be added to a choice, at this many of a kind.
type Fits = fn(&Choice<'_>, usize, usize) -> bool;

/// What a strict prompt shows, in the order shown. In this order of weight: two outputs that differ; every place that
/// the examples reach; where a place is reached twice, one that is held out; no kind of outcome above 60%; the number
/// that was drawn.
pub(super) fn strict(cases: &[Case], reach: &Reach, shown: Shown, random: &mut Random) -> Vec<usize> {
    let room = if cases.len() >= HOLD_OUT_FROM { cases.len() - HELD_OUT } else { cases.len() };
    let most = shown.most.min(room);
    // A function with more ways through it takes more examples to tell.
    let least = (shown.least + reach.branches() / WAYS_PER_EXAMPLE).min(most);
    let count = between(least, most, random);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    random.shuffle(&mut order);
    let mut choice = Choice::new(cases, reach);

    if let Some(first) = order.iter().find(|at| cases[**at].returns()) {
        choice.take(*first);
        let differs = |at: &&usize| cases[**at].returns() && cases[**at].outcome_key != cases[*first].outcome_key;
        order.iter().find(differs).into_iter().for_each(|at| choice.take(*at));
    }
    // The fewest that reach what all reach, each time the one that adds most.
    while choice.picked.len() < most {
        let gain = |at: &usize| reach.places(*at).iter().filter(|place| choice.shown_at[**place] == 0).count();
        // Of several, the last that `rev` meets: the first in the order drawn.
        let best = order.iter().rev().filter(|at| !choice.picked.contains(at)).max_by_key(|at| gain(at));
        match best {
            Some(best) if gain(best) > 0 => choice.take(*best),
            _ => break,
        }
    }
    let share = (count * 6 / 10).max(1);
    let passes: [(usize, Fits); 4] = [
        (count, |choice, at, share| choice.same_kind(at) < share && !choice.exhausts(at)),
        (least, |choice, at, share| choice.same_kind(at) < share),
        (least, |choice, at, _| !choice.exhausts(at)),
        (least, |_, _, _| true),
    ];
    for (wanted, fits) in passes {
        for at in &order {
            if choice.picked.len() < wanted && !choice.picked.contains(at) && fits(&choice, *at, share) {
                choice.take(*at);
            }
        }
    }
    choice.hold_out(least);
    choice.even_out(least);
    choice.within_budget(least);
    random.shuffle(&mut choice.picked);
    choice.picked
}

/// As published: 3 to 10 in any order.
pub(super) fn reference(cases: &[Case], random: &mut Random) -> Vec<usize> {
    let count = between(REFERENCE.least.min(cases.len()), REFERENCE.most.min(cases.len()), random);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    random.shuffle(&mut order);
    order.truncate(count);
    order
}

/// Cases that a question about one value may be about, in the order in which they are asked: literals in, a literal out.
pub(super) fn askable(cases: &[Case], random: &mut Random) -> Vec<usize> {
    let fits = |case: &Case| case.returns() && case.literal && case.plain_arguments();
    let mut order: Vec<usize> = (0..cases.len()).filter(|at| fits(&cases[*at])).collect();
    random.shuffle(&mut order);
    order
}

fn between(least: usize, most: usize, random: &mut Random) -> usize {
    least + random.below(most.saturating_sub(least) + 1)
}

/// All exceptions are one kind: their messages often repeat the input and would pass for variety.
fn kind<'a>(case: &'a Case<'_>) -> &'a str {
    if case.returns() { &case.outcome_key } else { "raises" }
}

/// What is picked so far.
struct Choice<'a> {
    cases: &'a [Case<'a>],
    reach: &'a Reach,
    picked: Vec<usize>,
    /// How many cases reach each place.
    reached_by: Vec<usize>,
    /// How many of those are picked.
    shown_at: Vec<usize>,
}

impl<'a> Choice<'a> {
    fn new(cases: &'a [Case<'a>], reach: &'a Reach) -> Self {
        let mut reached_by = vec![0; reach.len()];
        (0..cases.len()).flat_map(|at| reach.places(at)).for_each(|place| reached_by[*place] += 1);
        Self { cases, reach, picked: Vec::new(), shown_at: vec![0; reach.len()], reached_by }
    }

    fn take(&mut self, at: usize) {
        self.picked.push(at);
        self.reach.places(at).iter().for_each(|place| self.shown_at[*place] += 1);
    }

    fn leave(&mut self, at: usize) {
        self.picked.retain(|other| *other != at);
        self.reach.places(at).iter().for_each(|place| self.shown_at[*place] -= 1);
    }

    fn same_kind(&self, at: usize) -> usize {
        self.picked.iter().filter(|other| kind(&self.cases[**other]) == kind(&self.cases[at])).count()
    }

    /// Whether with this one every case that reaches some place would be shown, though there are two.
    fn exhausts(&self, at: usize) -> bool {
        self.can_hold_out()
            && self
                .reach
                .places(at)
                .iter()
                .any(|place| self.reached_by[*place] > 1 && self.shown_at[*place] + 1 == self.reached_by[*place])
    }

    fn can_hold_out(&self) -> bool {
        self.cases.len() >= HOLD_OUT_FROM
    }

    /// Whether all that is shown is still shown without this one: each place, and two outputs.
    fn can_spare(&self, at: usize) -> bool {
        let outputs = |without: Option<usize>| {
            let left = self.picked.iter().filter(|other| Some(**other) != without);
            let mut kinds: Vec<&str> =
                left.filter(|other| self.cases[**other].returns()).map(|other| kind(&self.cases[*other])).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds.len()
        };
        self.reach.places(at).iter().all(|place| self.shown_at[*place] > 1) && outputs(Some(at)) >= outputs(None).min(2)
    }

    /// Gives up a shown example where a place would be without one that is held out; another takes its place where
    /// there would be too few.
    fn hold_out(&mut self, least: usize) {
        if !self.can_hold_out() {
            return;
        }
        for place in 0..self.reach.len() {
            if self.reached_by[place] < 2 || self.shown_at[place] < self.reached_by[place] {
                continue;
            }
            let spare = |at: &&usize| self.reach.places(**at).contains(&place) && self.can_spare(**at);
            let Some(spare) = self.picked.iter().find(spare).copied() else { continue };
            self.leave(spare);
            if self.picked.len() < least {
                let other =
                    (0..self.cases.len()).find(|at| *at != spare && !self.picked.contains(at) && !self.exhausts(*at));
                self.take(other.unwrap_or(spare));
            }
        }
    }

    /// Gives up shown examples of a kind that is above 60%.
    fn even_out(&mut self, least: usize) {
        while self.picked.len() > least {
            let crowded = |at: &&usize| self.same_kind(**at) * 10 > self.picked.len() * 6 && self.can_spare(**at);
            match self.picked.iter().rev().find(crowded).copied() {
                Some(spare) => self.leave(spare),
                None => break,
            }
        }
    }

    /// Gives up the largest until what is shown is short enough.
    fn within_budget(&mut self, least: usize) {
        // Bytes are no fewer than characters: nearly always that settles it.
        let bytes = |at: &usize| self.cases[*at].keywords_len() + self.cases[*at].outcome_key.len();
        if self.picked.iter().map(bytes).sum::<usize>() <= BUDGET_CHARS {
            return;
        }
        let chars = |at: usize| self.cases[at].keywords().chars().count() + self.cases[at].outcome_key.chars().count();
        let size: Vec<usize> = (0..self.cases.len()).map(chars).collect();
        while self.picked.len() > least && self.picked.iter().map(|at| size[*at]).sum::<usize>() > BUDGET_CHARS {
            let spare = self.picked.iter().copied().filter(|at| self.can_spare(*at)).max_by_key(|at| size[*at]);
            let Some(spare) = spare.or_else(|| self.picked.iter().copied().max_by_key(|at| size[*at])) else { break };
            self.leave(spare);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use pipeline::{
        python::{Anatomy, Place},
        records::{Execution, Outcome},
    };

    use super::*;

    /// Cases as `output: lines`; an output of `!` is an exception.
    fn executions(table: &[(&str, &[u32])]) -> Vec<Execution> {
        let execution = |(at, (output, lines)): (usize, &(&str, &[u32]))| {
            let outcome = match *output {
                "!" => Outcome::Error(pipeline::records::RaisedError {
                    class: "ValueError".into(),
                    message: at.to_string(),
                    explicit: true,
                }),
                output => Outcome::Return(output.into()),
            };
            let arguments = vec![("a".into(), at.to_string())];
            let input = format!("{{'a': {at}}}");
            Execution { input, arguments, outcome, literal: true, lines: Some(lines.to_vec()) }
        };
        table.iter().enumerate().map(execution).collect()
    }

    #[test]
    fn what_is_shown_covers_and_what_is_held_out_can_tell() {
        let table: [(&str, &[u32]); 12] = [
            ("1", &[1, 2, 9]),
            ("1", &[1, 2, 9]),
            ("1", &[1, 2, 9]),
            ("1", &[1, 2, 9]),
            ("1", &[1, 2, 9]),
            ("1", &[1, 2, 9]),
            ("2", &[1, 3, 9]),
            ("3", &[1, 3, 9]),
            ("!", &[1, 4]),
            ("!", &[1, 4]),
            ("4", &[1, 5, 9]),
            ("5", &[1, 2, 9]),
        ];
        let place = |line: u32| Place { lines: line..=line, unless: None };
        let anatomy = Anatomy { statements: [1, 2, 3, 4, 5, 9].map(place).to_vec(), branches: Vec::new() };
        let executions = executions(&table);
        let cases: Vec<Case> = executions.iter().filter_map(Case::of).collect();
        let reach = Reach::of(&anatomy, &cases);
        let lines = |of: &[usize]| of.iter().flat_map(|at| table[*at].1).copied().collect::<BTreeSet<u32>>();
        let mut counts = BTreeSet::new();
        for seed in 0..300 {
            let shown = strict(&cases, &reach, Shown::default(), &mut Random::new(seed, "f"));
            let held_out: Vec<usize> = (0..cases.len()).filter(|at| !shown.contains(at)).collect();
            assert_eq!(lines(&shown), BTreeSet::from([1, 2, 3, 4, 5, 9]), "{shown:?}");
            // Line 5 is reached once.
            assert_eq!(lines(&held_out), BTreeSet::from([1, 2, 3, 4, 9]), "{shown:?}");
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            shown.iter().for_each(|at| *kinds.entry(kind(&cases[*at])).or_default() += 1);
            assert!(kinds.values().all(|same| same * 10 <= shown.len() * 6), "{kinds:?}");
            assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len());
            counts.insert(shown.len());
        }
        assert_eq!(counts, BTreeSet::from([4, 5, 6, 7, 8]), "every number is drawn that covers");
    }

    #[test]
    fn large_examples_give_way_first() {
        let long = "1".repeat(5_000);
        let table: [(&str, &[u32]); 7] =
            [("1", &[1]), (&long, &[1]), ("2", &[1]), ("3", &[1]), (&long, &[1]), ("4", &[1]), ("5", &[1])];
        let executions = executions(&table);
        let cases: Vec<Case> = executions.iter().filter_map(Case::of).collect();
        let reach = Reach::of(&Anatomy::default(), &cases);
        for seed in 0..50 {
            let shown = strict(&cases, &reach, Shown { least: 3, most: 5 }, &mut Random::new(seed, "f"));
            assert!(shown.iter().filter(|at| cases[**at].outcome_key.len() > 1_000).count() <= 1 || shown.len() == 3);
        }
    }
}
