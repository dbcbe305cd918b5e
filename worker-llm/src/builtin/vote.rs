//! Which kind the evidence speaks for.

use std::collections::BTreeMap;

use pipeline::python::{Constant, Kind, Part, Role, Use};

use super::shape::texts;

/// The kind with most evidence.
pub(super) fn kind(used: &Use, suggested: Option<Kind>) -> Option<Kind> {
    let mut scores: BTreeMap<Kind, u32> = BTreeMap::new();
    let mut vote = |kind: Kind, weight: u32| *scores.entry(kind).or_default() += weight;
    let element = used.parts.get(&Part::Element);
    let items = used.parts.keys().filter(|part| matches!(part, Part::Item(_))).count();
    for (kind, weight) in &used.kinds {
        let weight = weight * 10;
        match kind {
            Kind::Number => {
                vote(Kind::Int, weight);
                vote(Kind::Float, weight);
            }
            Kind::Sequence => [Kind::List, Kind::Str].into_iter().for_each(|kind| vote(kind, weight)),
            Kind::Iterable | Kind::Sized => {
                [Kind::List, Kind::Str].into_iter().for_each(|kind| vote(kind, weight));
                [Kind::Dict, Kind::Set].into_iter().for_each(|kind| vote(kind, weight / 2));
            }
            kind => vote(*kind, weight),
        }
    }
    for constant in &used.constants {
        vote(constant_kind(constant), 20 / u32::try_from(used.constants.len()).unwrap_or(20).min(20));
    }
    for role in used.roles.keys() {
        match role {
            Role::IntText => {
                // A number would come back as it is.
                vote(Kind::Str, 7);
                vote(Kind::Int, 6);
            }
            Role::FloatText => {
                vote(Kind::Str, 6);
                vote(Kind::Float, 12);
            }
            Role::Bound | Role::Index => vote(Kind::Int, 10),
            Role::Multiplied => [Kind::Int, Kind::Float].into_iter().for_each(|kind| vote(kind, 3)),
            Role::Ordered => vote(Kind::Int, 4),
            Role::Shown => [Kind::Str, Kind::Int].into_iter().for_each(|kind| vote(kind, 2)),
            Role::Added => [Kind::Str, Kind::Int].into_iter().for_each(|kind| vote(kind, 2)),
            Role::Container => [Kind::Str, Kind::List].into_iter().for_each(|kind| vote(kind, 8)),
            Role::Unpacked(_) => vote(Kind::Tuple, 12),
            Role::Json => vote(Kind::Str, 30),
            _ => {}
        }
    }
    if let Some(element) = element {
        let compound =
            [Part::Element, Part::Item(0), Part::Item(1)].iter().any(|part| element.parts.contains_key(part));
        let numeric = element.kinds.keys().any(|kind| matches!(kind, Kind::Int | Kind::Float | Kind::Number));
        let characters = texts(&element.constants);
        if compound || numeric || element.kinds.contains_key(&Kind::Dict) {
            vote(Kind::List, 15);
        }
        if !characters.is_empty() {
            let single = characters.iter().all(|text| text.chars().count() == 1);
            vote(if single { Kind::Str } else { Kind::List }, 12);
        }
        if element.kinds.contains_key(&Kind::Str) && !compound && characters.is_empty() {
            vote(Kind::List, 4);
        }
        if element.roles.contains_key(&Role::Character) {
            vote(Kind::Str, 10);
        }
        vote(Kind::List, 3);
    }
    if items > 0 {
        let numeric = used.parts.iter().filter(|(part, _)| matches!(part, Part::Item(_)));
        let numeric = numeric.flat_map(|(_, used)| used.kinds.keys());
        vote(Kind::List, if numeric.into_iter().any(|kind| !matches!(kind, Kind::Str)) { 12 } else { 2 });
    }
    if used.parts.keys().any(|part| matches!(part, Part::Entry(_))) {
        vote(Kind::Dict, 30);
    }
    for affix in used.prefixes.iter().chain(&used.suffixes).chain(&used.hints) {
        if matches!(affix, Constant::Bytes(_)) {
            vote(Kind::Bytes, 25);
        }
    }
    if let Some(suggested) = suggested {
        vote(suggested, 11);
    }
    let best = scores.iter().max_by_key(|(kind, score)| (**score, std::cmp::Reverse(**kind)));
    match best {
        Some((kind, score)) if *score > 0 => Some(*kind),
        // A parameter that is only tested for truth, or only handed on.
        _ if !used.roles.contains_key(&Role::Truth) => Some(Kind::Int),
        _ => Some(Kind::Bool),
    }
}

fn constant_kind(constant: &Constant) -> Kind {
    match constant {
        Constant::Int(_) => Kind::Int,
        Constant::Float(_) => Kind::Float,
        Constant::Str(_) => Kind::Str,
        Constant::Bytes(_) => Kind::Bytes,
        Constant::Bool(_) => Kind::Bool,
    }
}
