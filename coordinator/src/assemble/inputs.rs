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
        match self.alike.insert(likeness(input), input) {
            None => true,
            Some(other) => {
                self.by_value.insert(self.value(other));
                self.by_value.insert(self.value(input))
            }
        }
    }

    /// One text for equal inputs. Where all inputs have their arguments in one order, and no set or dict among them, that
    /// is the text itself.
    fn value(&self, input: &'a str) -> Cow<'a, str> {
        let plain = self.in_order && input.strip_prefix('{').is_some_and(|inside| !inside.contains('{'));
        if plain { Cow::Borrowed(input) } else { literal::canonical(input) }
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
