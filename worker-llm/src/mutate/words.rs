//! What a function compares its parameters with: the values beside which its branches lie. Fuzzers call it a dictionary.

use std::collections::BTreeMap;

use pipeline::{
    python::{Constant, Use, parameter_uses},
    records::Function,
};

use super::literal::Literal;
use crate::builtin::Random;

/// Constants of a function's source, by the parameter that they are about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words(BTreeMap<String, Vec<Literal>>);

impl Words {
    /// Of a function; none where its source does not parse.
    pub fn of(function: &Function) -> Self {
        let uses = parameter_uses(&function.program(), &function.name);
        let parameters = uses.map(|uses| uses.parameters).unwrap_or_default();
        let words = parameters.into_iter().map(|parameter| {
            let mut words = Vec::new();
            collect(&parameter.used, &mut words);
            (parameter.name, words)
        });
        Self(words.filter(|(_, words)| !words.is_empty()).collect())
    }

    /// `value` with a word of the parameter in it, or in the place of it; none where no word is of its type.
    pub(super) fn with(&self, name: &str, value: &Literal, random: &mut Random) -> Option<Literal> {
        let words = self.0.get(name)?;
        match value {
            Literal::List(items) if !items.is_empty() => {
                let mut items = items.clone();
                let at = random.below(items.len());
                items[at] = worded(&items[at], words, random)?;
                Some(Literal::List(items))
            }
            value => worded(value, words, random),
        }
    }
}

fn collect(used: &Use, words: &mut Vec<Literal>) {
    for constant in used.constants.iter().chain(&used.hints) {
        let word = match constant {
            Constant::Int(value) => Literal::Int(*value),
            Constant::Float(value) => Literal::Float(*value),
            Constant::Str(text) => Literal::Str(text.clone()),
            Constant::Bool(_) | Constant::Bytes(_) => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    used.parts.values().for_each(|part| collect(part, words));
}

fn worded(value: &Literal, words: &[Literal], random: &mut Random) -> Option<Literal> {
    let fitting: Vec<&Literal> = words
        .iter()
        .filter(|word| word.is_like(value) || matches!((value, word), (Literal::Float(_), Literal::Int(_))))
        .collect();
    if fitting.is_empty() {
        return None;
    }
    let step = *random.pick(&[-1i64, 0, 1]);
    Some(match (value, *random.pick(&fitting)) {
        (Literal::Int(_), Literal::Int(word)) => Literal::Int(word.saturating_add(step)),
        #[expect(clippy::cast_precision_loss, reason = "a boundary in a program is small")]
        (Literal::Float(_), Literal::Int(word)) => Literal::Float(*word as f64 + step as f64 / 2.0),
        #[expect(clippy::cast_precision_loss, reason = "-1, 0 or 1")]
        (Literal::Float(_), Literal::Float(word)) => Literal::Float(word + step as f64 / 2.0),
        (Literal::Str(text), Literal::Str(word)) => Literal::Str(match random.below(4) {
            0 => word.clone(),
            1 => format!("{word}{text}"),
            2 => format!("{text}{word}"),
            _ => {
                let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
                format!("{}{word}{}", &text[..middle], &text[middle..])
            }
        }),
        (value, _) => value.clone(),
    })
}
