//! Arguments that have to do with one another: what is looked for is in the list, one text is part of the other. Code
//! that compares its arguments gives one answer for all that are chosen alone.

use super::{
    random::Random,
    shape::{Shape, Style},
};
use crate::mutate::literal::Literal;

/// An entry's arguments with one of them made from another; as they were where no two can be related.
pub(super) fn related(written: &mut [(String, String)], shapes: &[&Shape], random: &mut Random) {
    let values: Vec<Option<Literal>> = written.iter().map(|(_, source)| Literal::parse(source)).collect();
    let mut made = Vec::new();
    for (from, source) in values.iter().enumerate() {
        for (to, target) in values.iter().enumerate() {
            if let (true, Some(source), Some(target)) = (from != to, source, target)
                && let Some(value) = from_other(source, target, random).filter(|value| fits(shapes[to], value))
                && value != *target
            {
                made.push((to, value));
            }
        }
    }
    if !made.is_empty() {
        let (to, value) = random.pick(&made);
        written[*to].1 = value.source();
    }
}

/// A value of the target's type that is made from the source.
fn from_other(source: &Literal, target: &Literal, random: &mut Random) -> Option<Literal> {
    match (source, target) {
        (Literal::List(all), Literal::List(some)) => {
            let alike = some.iter().all(|one| all.iter().all(|other| one.is_like(other)));
            let kept: Vec<Literal> = all.iter().filter(|_| random.chance(70)).cloned().collect();
            (alike && !kept.is_empty()).then_some(Literal::List(kept))
        }
        (Literal::List(items) | Literal::Tuple(items) | Literal::Set(items), _) => {
            let alike: Vec<&Literal> = items.iter().filter(|item| item.is_like(target)).collect();
            let (first, last) = (alike.first()?, alike.last()?);
            match (first, last) {
                (Literal::Int(one), Literal::Int(other)) if alike.len() > 1 && random.chance(40) => {
                    Some(Literal::Int(one.saturating_add(*other)))
                }
                _ if random.chance(50) => Some((*first).clone()),
                _ => Some((*random.pick(&alike)).clone()),
            }
        }
        (Literal::Dict(items), _) => {
            let keys: Vec<&Literal> = items.iter().map(|(key, _)| key).filter(|key| key.is_like(target)).collect();
            (!keys.is_empty()).then(|| (*random.pick(&keys)).clone())
        }
        (Literal::Str(all), Literal::Str(_)) => {
            let characters: Vec<char> = all.chars().collect();
            let start = random.below(characters.len());
            let end = (start + 1 + random.below(characters.len())).min(characters.len());
            match random.below(3) {
                _ if all.is_empty() => None,
                0 => Some(source.clone()),
                1 => Some(Literal::Str(characters.iter().rev().collect())),
                _ => Some(Literal::Str(characters[start..end].iter().collect())),
            }
        }
        (Literal::Int(_), Literal::Int(_)) | (Literal::Float(_), Literal::Float(_)) => Some(source.clone()),
        _ => None,
    }
}

/// Whether the value keeps what the shape demands.
fn fits(shape: &Shape, value: &Literal) -> bool {
    match (shape, value) {
        (Shape::Nullable(shape) | Shape::Including(shape, _), value) => fits(shape, value),
        (Shape::Int { low, high, zero, .. }, Literal::Int(value)) => {
            (low..=high).contains(&value) && (*zero || *value != 0)
        }
        (Shape::Float { low, high, zero, .. }, Literal::Float(value)) => {
            (low..=high).contains(&value) && (*zero || *value != 0.0)
        }
        (Shape::Str { style: Style::Character, .. }, Literal::Str(text)) => text.chars().count() == 1,
        // One of a few texts is not to be any other.
        (Shape::Str { style: Style::Word | Style::Sentence | Style::Around(_), special, .. }, Literal::Str(_)) => {
            special.is_empty()
        }
        (Shape::List { min, exact, .. }, Literal::List(items)) => items.len() >= *min && !exact,
        _ => false,
    }
}
