//! Another value of the same type.

use std::collections::BTreeMap;

use super::literal::Literal;
use crate::builtin::Random;

/// Longest list or text that grows further.
const MAX_LENGTH: usize = 200;

/// What good entries give for each parameter.
pub(super) struct Donors(BTreeMap<String, Vec<Literal>>);

/// What must stay of a value, besides its type.
#[derive(Clone, Copy, Default)]
struct Keep {
    length: bool,
    keys: bool,
    sign: bool,
}

impl Donors {
    pub fn of(entries: &[Vec<(String, Literal)>]) -> Self {
        let mut values: BTreeMap<String, Vec<Literal>> = BTreeMap::new();
        for (name, value) in entries.iter().flatten() {
            values.entry(name.clone()).or_default().push(value.clone());
        }
        Self(values)
    }

    /// Another value for the parameter: one that another entry has, or a changed one.
    pub fn another(&self, name: &str, value: &Literal, random: &mut Random) -> Literal {
        let donors = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        if !donors.is_empty() && (random.chance(20) || is_choice(donors)) {
            return random.pick(donors).clone();
        }
        let keep = Keep { length: false, keys: is_record(donors), sign: !donors.iter().any(is_negative) };
        change(value, keep, random)
    }
}

/// Whether texts are the names of choices, such as modes: few, and each more than once.
fn is_choice(donors: &[Literal]) -> bool {
    let mut texts: Vec<&str> = Vec::new();
    for donor in donors {
        match donor {
            Literal::Str(text) if !texts.contains(&text.as_str()) => texts.push(text),
            Literal::Str(_) => {}
            _ => return false,
        }
    }
    donors.len() >= 3 && texts.len() * 2 <= donors.len()
}

/// Whether dicts have the same keys in all entries.
fn is_record(donors: &[Literal]) -> bool {
    let keys = |donor: &Literal| match donor {
        Literal::Dict(items) => Some(items.iter().map(|(key, _)| key.source()).collect::<Vec<_>>()),
        _ => None,
    };
    donors.len() > 1 && donors.windows(2).all(|pair| keys(&pair[0]) == keys(&pair[1]))
}

/// Whether a number below zero is in it.
fn is_negative(value: &Literal) -> bool {
    match value {
        Literal::Int(value) => *value < 0,
        Literal::Float(value) => *value < 0.0,
        Literal::List(items) | Literal::Tuple(items) | Literal::Set(items) => items.iter().any(is_negative),
        Literal::Dict(items) => items.iter().any(|(_, value)| is_negative(value)),
        _ => false,
    }
}

fn change(value: &Literal, keep: Keep, random: &mut Random) -> Literal {
    match value {
        Literal::None | Literal::Bytes(_) => value.clone(),
        Literal::Bool(value) => Literal::Bool(!value),
        Literal::Int(value) => Literal::Int(int(*value, keep, random)),
        Literal::Float(value) => Literal::Float(float(*value, keep, random)),
        Literal::Str(text) => Literal::Str(self::text(text, random)),
        Literal::List(items) => Literal::List(list(items, keep, random)),
        Literal::Tuple(items) => Literal::Tuple(one_changed(items, keep, random)),
        Literal::Set(items) => {
            let mut distinct: Vec<Literal> = Vec::new();
            for item in list(items, keep, random) {
                if !distinct.contains(&item) {
                    distinct.push(item);
                }
            }
            Literal::Set(distinct)
        }
        Literal::Dict(items) => Literal::Dict(dict(items, keep, random)),
    }
}

fn int(value: i64, keep: Keep, random: &mut Random) -> i64 {
    let step = i64::try_from(1 + random.below(10)).unwrap_or(1);
    let changed = match random.below(8) {
        0 => value.saturating_add(1),
        1 => value.saturating_sub(1),
        2 => value.saturating_mul(2),
        3 => value / 2,
        4 => *random.pick(&[0, 1, 2]),
        5 if !keep.sign => value.saturating_neg(),
        6 => value.saturating_sub(step),
        _ => value.saturating_add(step),
    };
    // Where the model gave no number below zero, none is wanted.
    if keep.sign { changed.max(0) } else { changed }
}

fn float(value: f64, keep: Keep, random: &mut Random) -> f64 {
    let step = *random.pick(&[0.5, 1.0, 0.1, 2.5, 10.0]);
    let changed = match random.below(7) {
        0 => value * 2.0,
        1 => value / 2.0,
        2 => *random.pick(&[0.0, 1.0, 0.5]),
        3 if !keep.sign => -value,
        4 => value - step,
        _ => value + step,
    };
    let rounded = (changed * 1e4).round() / 1e4;
    let changed = if rounded.is_finite() && (rounded != 0.0 || changed == 0.0) { rounded } else { value };
    // `-0.0` is of no use.
    if changed == 0.0 || (keep.sign && changed < 0.0) { 0.0 } else { changed }
}

/// A character of the same class: digits stay digits, and punctuation as it is, so that dates, codes and formulas keep
/// their form.
fn alike(character: char, random: &mut Random) -> char {
    let from = match character {
        '0'..='9' => "0123456789",
        'a'..='z' => "abcdefghijklmnopqrstuvwxyz",
        'A'..='Z' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        other => return other,
    };
    char::from(*random.pick(from.as_bytes()))
}

fn text(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let length = characters.len();
    let formed = text.contains(|character: char| character.is_ascii_digit() || "{[(/@:=<".contains(character));
    let (one, other) = (random.below(length), random.below(length));
    match random.below(if formed { 3 } else { 10 }) {
        _ if length == 0 => characters.push('a'),
        0..=2 => {
            let places: Vec<usize> = (0..length).filter(|at| characters[*at].is_ascii_alphanumeric()).collect();
            if !places.is_empty() {
                let at = *random.pick(&places);
                characters[at] = alike(characters[at], random);
            }
        }
        3 => {
            characters.remove(one);
        }
        4 if length < MAX_LENGTH => characters.insert(one, characters[other]),
        5 => characters.swap(one, other),
        6 => characters.reverse(),
        7 => characters.truncate(length.div_ceil(2)),
        8 => return if text == text.to_uppercase() { text.to_lowercase() } else { text.to_uppercase() },
        _ => {
            characters.clear();
            if random.chance(70) {
                characters.extend(text.chars().rev().chain(text.chars().take(1)));
            }
        }
    }
    characters.into_iter().collect()
}

fn one_changed(items: &[Literal], keep: Keep, random: &mut Random) -> Vec<Literal> {
    let mut items = items.to_vec();
    if !items.is_empty() {
        let at = random.below(items.len());
        items[at] = change(&items[at], inside(&items, keep), random);
    }
    items
}

/// What stays of the items of a list: rows of equal length are a matrix, dicts are records.
fn inside(items: &[Literal], keep: Keep) -> Keep {
    let length = |item: &Literal| match item {
        Literal::List(items) => Some(items.len()),
        _ => None,
    };
    let matrix = items.len() > 1 && items.windows(2).all(|pair| length(&pair[0]) == length(&pair[1]));
    Keep { length: matrix, keys: true, sign: keep.sign }
}

fn list(items: &[Literal], keep: Keep, random: &mut Random) -> Vec<Literal> {
    let length = items.len();
    if length == 0 || keep.length {
        return one_changed(items, keep, random);
    }
    let mut changed = items.to_vec();
    let (one, other) = (random.below(length), random.below(length));
    match random.below(10) {
        0 => {
            changed.remove(one);
        }
        1 if length < MAX_LENGTH => changed.insert(one, items[other].clone()),
        2 if length < MAX_LENGTH => changed.push(change(&items[one], inside(items, keep), random)),
        3 => changed.swap(one, other),
        4 => changed.reverse(),
        5 => changed.truncate(length.div_ceil(2)),
        6 if random.chance(20) => changed.clear(),
        _ => return one_changed(items, keep, random),
    }
    changed
}

fn dict(items: &[(Literal, Literal)], keep: Keep, random: &mut Random) -> Vec<(Literal, Literal)> {
    let mut changed = items.to_vec();
    if items.is_empty() {
        return changed;
    }
    let at = random.below(items.len());
    let mixed = items.windows(2).any(|pair| !pair[0].1.is_like(&pair[1].1));
    let named = items.iter().all(|(key, _)| matches!(key, Literal::Str(_)));
    let record = keep.keys || (mixed && named);
    let inner = Keep { length: false, ..keep };
    match random.below(6) {
        0 if !record && items.len() > 1 => {
            changed.remove(at);
        }
        1 if !record => {
            let key = change(&items[at].0, inner, random);
            if !items.iter().any(|(known, _)| *known == key) {
                changed.push((key, change(&items[at].1, inner, random)));
            }
        }
        2 if !record => changed.swap(0, at),
        _ => changed[at].1 = change(&items[at].1, inner, random),
    }
    changed
}
