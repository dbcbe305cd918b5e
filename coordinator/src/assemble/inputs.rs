//! Which input of a function repeats an earlier one.

use std::borrow::Cow;

use foldhash::{HashMap, HashSet};
use pipeline::records::ExecutedFunction;

use super::literal;

/// The inputs met so far.
pub(super) struct Inputs<'a> {
    /// The last input of each [`likeness`]: only those of one likeness are compared by value.
    alike: HashMap<u64, &'a str>,
    by_value: HashSet<Cow<'a, str>>,
    /// Whether all inputs have their arguments in one order.
    in_order: bool,
}

impl<'a> Inputs<'a> {
    /// None met, of those of `executed`.
    pub fn of(executed: &'a ExecutedFunction) -> Self {
        let parameters = &executed.function.parameters;
        let in_order = executed.executions.iter().all(|execution| follows(&execution.arguments, parameters));
        Self { alike: HashMap::default(), by_value: HashSet::default(), in_order }
    }

    /// Meets one; tells whether it is none of those met before.
    pub fn is_new(&mut self, input: &'a str) -> bool {
        // Without a set or a dict among the arguments, equal inputs are the same text; and none of them equals one with.
        let input = input.trim();
        if self.in_order && input.strip_prefix('{').is_some_and(|inside| !inside.contains('{')) {
            return self.by_value.insert(Cow::Borrowed(input));
        }
        match self.alike.insert(likeness(input), input) {
            None => true,
            Some(other) => {
                self.by_value.insert(literal::canonical(other));
                self.by_value.insert(literal::canonical(input))
            }
        }
    }
}

/// Whether arguments stand in the order of the parameters.
fn follows(arguments: &[(String, String)], parameters: &[String]) -> bool {
    let mut rest = parameters.iter();
    arguments.iter().all(|(name, _)| rest.any(|parameter| parameter == name))
}

/// Equal for equal inputs, and seldom for others: those differ at most in the order of entries and in the commas and
/// space between them.
fn likeness(input: &str) -> u64 {
    let weight = |byte: u8| if matches!(byte, b'-'..=b'~') { u64::from(byte) * u64::from(byte) } else { 0 };
    input.bytes().map(weight).fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::{HashMap, HashSet, Inputs};

    #[test]
    fn an_input_is_new_once() {
        let met = [
            ("{'a': 12}", true),
            ("{'a': 21}", true),
            ("{'a': 12}", false),
            ("{'a': {'x': 1, 'y': 2}}", true),
            ("{'a': {'y': 1, 'x': 2}}", true),
            ("{'a': {'y': 2, 'x': 1}}", false),
            ("{'a': {2, 1}}", true),
            ("{'a': {1, 2}}", false),
            ("{'a': {1, 2}}", false),
        ];
        for in_order in [true, false] {
            let mut inputs = Inputs { alike: HashMap::default(), by_value: HashSet::default(), in_order };
            met.iter().for_each(|(input, new)| assert_eq!(inputs.is_new(input), *new, "{input}"));
        }
    }
}
