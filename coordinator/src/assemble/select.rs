use super::{cases::Case, random::Random, rules::MIN_EXAMPLES};

/// From so many examples on, some are held out, so that a sample carries its own test.
const HOLD_OUT_FROM: usize = 5;
const HELD_OUT: usize = 2;
/// Characters of inputs and outputs after which no further example is shown, if there are enough.
const BUDGET_CHARS: usize = 8_000;
/// Most examples of a published prompt.
const REFERENCE_MAX: usize = 10;

/// Which examples a strict prompt shows, in the order shown: a drawn number up to `most`, with two different outputs
/// and none above 60% where the examples allow it.
pub(super) fn strict(cases: &[Case], most: usize, random: &mut Random) -> Vec<usize> {
    let room = if cases.len() >= HOLD_OUT_FROM { cases.len() - HELD_OUT } else { cases.len() };
    let count = between(MIN_EXAMPLES.min(room), most.min(room), random);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    random.shuffle(&mut order);

    let mut picked = Vec::new();
    // Two outputs that differ come first; then whatever no kind of outcome gets too common by; then the rest.
    if let Some(first) = order.iter().find(|at| cases[**at].returns()) {
        picked.push(*first);
        let differs = |at: &&usize| cases[**at].returns() && cases[**at].outcome_key != cases[*first].outcome_key;
        picked.extend(order.iter().find(differs));
    }
    let share = (count * 6 / 10).max(1);
    for cap in [share, usize::MAX] {
        for at in &order {
            let same = picked.iter().filter(|other| kind(&cases[**other]) == kind(&cases[*at])).count();
            if picked.len() < count && !picked.contains(at) && same < cap {
                picked.push(*at);
            }
        }
    }
    within_budget(cases, &mut picked);
    random.shuffle(&mut picked);
    picked
}

/// As published: 3 to 10 in any order.
pub(super) fn reference(cases: &[Case], random: &mut Random) -> Vec<usize> {
    let count = between(MIN_EXAMPLES.min(cases.len()), REFERENCE_MAX.min(cases.len()), random);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    random.shuffle(&mut order);
    order.truncate(count);
    order
}

fn between(least: usize, most: usize, random: &mut Random) -> usize {
    least + random.below(most.saturating_sub(least) + 1)
}

/// All exceptions are one kind: their messages often repeat the input and would pass for variety.
fn kind(case: &Case) -> &str {
    if case.returns() { &case.outcome_key } else { "raises" }
}

fn within_budget(cases: &[Case], picked: &mut Vec<usize>) {
    let mut chars = 0;
    let fits = picked.iter().take_while(|at| {
        chars += cases[**at].keywords().chars().count() + cases[**at].outcome_key.chars().count();
        chars <= BUDGET_CHARS
    });
    let fits = fits.count().max(MIN_EXAMPLES);
    picked.truncate(fits);
}
