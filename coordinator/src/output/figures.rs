//! Distributions over samples, for the report.

use std::collections::BTreeMap;

use pipeline::records::{Example, Sample};
use serde::Serialize;

/// Upper bounds of the classes of held-out examples.
const HELD_OUT: [usize; 5] = [2, 5, 10, 20, 30];

/// Upper bounds of the classes of prompt lengths, in characters.
const PROMPT_CHARS: [usize; 6] = [250, 500, 1_000, 2_000, 4_000, 8_000];

/// Lower bounds of the classes of coverage, in percent.
const COVERAGE: [u32; 4] = [100, 90, 75, 50];

/// One class of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// What it is called.
    pub label: String,
    /// How many fall into it.
    pub count: u64,
}

/// Distributions over the samples of the parts that were looked at.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    samples: u64,
    shown: BTreeMap<usize, u64>,
    held_out: BTreeMap<usize, u64>,
    prompt_chars: BTreeMap<usize, u64>,
    coverage: BTreeMap<usize, u64>,
    outputs: BTreeMap<&'static str, u64>,
}

/// [`Figures`] as the report and `report --json` show them.
#[derive(Clone, Debug, Serialize)]
pub struct Distributions {
    /// Samples looked at.
    pub samples: u64,
    /// Examples that a prompt shows.
    pub examples_shown: Vec<Class>,
    /// Examples that it holds out.
    pub examples_held_out: Vec<Class>,
    /// Characters of a prompt.
    pub prompt_chars: Vec<Class>,
    /// Types of the outputs of all examples, the most frequent first.
    pub output_types: Vec<Class>,
    /// Share of a function's statements that its examples reach, in percent.
    pub coverage_percent: Vec<Class>,
}

impl Figures {
    /// Counts a sample.
    pub fn add(&mut self, sample: &Sample) {
        self.samples += 1;
        *self.shown.entry(sample.shown.len()).or_default() += 1;
        let held_out = sample.examples.len().saturating_sub(sample.shown.len());
        let class = HELD_OUT.iter().position(|bound| held_out < *bound).unwrap_or(HELD_OUT.len());
        *self.held_out.entry(class).or_default() += 1;
        let chars = sample.prompt.chars().count();
        let class = PROMPT_CHARS.iter().position(|bound| chars < *bound).unwrap_or(PROMPT_CHARS.len());
        *self.prompt_chars.entry(class).or_default() += 1;
        let class = match sample.measures.coverage {
            // Coverage is a rounded share.
            Some(share) => {
                COVERAGE.iter().position(|bound| share * 100.0 >= f64::from(*bound)).unwrap_or(COVERAGE.len())
            }
            None => COVERAGE.len() + 1,
        };
        *self.coverage.entry(class).or_default() += 1;
        for example in &sample.examples {
            *self.outputs.entry(output_type(example)).or_default() += 1;
        }
    }

    /// What was counted.
    pub fn distributions(&self) -> Distributions {
        let named = |counts: &BTreeMap<usize, u64>, name: &dyn Fn(usize) -> String| -> Vec<Class> {
            counts.iter().map(|(class, count)| Class { label: name(*class), count: *count }).collect()
        };
        let mut output_types: Vec<Class> =
            self.outputs.iter().map(|(label, count)| Class { label: (*label).to_owned(), count: *count }).collect();
        output_types.sort_by_key(|class| std::cmp::Reverse(class.count));
        Distributions {
            samples: self.samples,
            examples_shown: named(&self.shown, &|shown| shown.to_string()),
            examples_held_out: named(&self.held_out, &|class| match (class.checked_sub(1), HELD_OUT.get(class)) {
                (None, _) => format!("< {}", HELD_OUT[0]),
                (Some(below), Some(bound)) => format!("{}–{}", HELD_OUT[below], bound - 1),
                (Some(below), None) => format!("{}+", HELD_OUT[below]),
            }),
            prompt_chars: named(&self.prompt_chars, &|class| match (class.checked_sub(1), PROMPT_CHARS.get(class)) {
                (None, _) => format!("< {}", PROMPT_CHARS[0]),
                (Some(below), Some(bound)) => format!("{}–{bound}", PROMPT_CHARS[below]),
                (Some(below), None) => format!("> {}", PROMPT_CHARS[below]),
            }),
            output_types,
            coverage_percent: named(&self.coverage, &|class| match (class.checked_sub(1), COVERAGE.get(class)) {
                (None, _) => COVERAGE[0].to_string(),
                (Some(above), Some(bound)) => format!("{bound}–{}", COVERAGE[above] - 1),
                (Some(above), None) if class == COVERAGE.len() => format!("< {}", COVERAGE[above]),
                _ => "not measured".to_owned(),
            }),
        }
    }
}

/// The type of an output, by how its repr begins.
fn output_type(example: &Example) -> &'static str {
    let Some(repr) = &example.output else { return "raises" };
    match repr.as_bytes() {
        b"True" | b"False" => "bool",
        b"None" => "None",
        b"nan" | b"inf" | b"-inf" => "float",
        [b'\'' | b'"', ..] => "str",
        [b'b', b'\'' | b'"', ..] => "bytes",
        [b'[', ..] => "list",
        [b'(', ..] if repr.ends_with("j)") => "complex",
        [b'(', ..] => "tuple",
        b"{}" => "dict",
        b"set()" => "set",
        [b'{', ..] => {
            if is_dict(repr) {
                "dict"
            } else {
                "set"
            }
        }
        [b'-' | b'0'..=b'9', ..] if repr.ends_with('j') => "complex",
        [b'-' | b'0'..=b'9', ..] => {
            if repr.contains(['.', 'e', 'i', 'n']) {
                "float"
            } else {
                "int"
            }
        }
        _ => "other",
    }
}

/// Whether a colon stands among the entries of `{…}` before the first comma at their level.
fn is_dict(repr: &str) -> bool {
    let (mut depth, mut quote, mut escaped) = (0, None, false);
    for c in repr[1..].chars() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ':') if depth == 0 => return true,
            (None, ',') if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Example, output_type};

    #[test]
    fn types_show_in_reprs() {
        let table = [
            ("1", "int"),
            ("-2.5", "float"),
            ("1e-05", "float"),
            ("-inf", "float"),
            ("(1+2j)", "complex"),
            ("(1,)", "tuple"),
            ("{1: 2}", "dict"),
            ("{'a:', 'b'}", "set"),
            ("{(1, 2): 3}", "dict"),
            ("b'x'", "bytes"),
            ("datetime.date(1, 2, 3)", "other"),
        ];
        for (repr, wanted) in table {
            let example = Example { input: String::new(), output: Some(repr.to_owned()), error: None };
            assert_eq!(output_type(&example), wanted, "{repr}");
        }
    }
}
