//! The published rule: the text that the published script prints, read by its markers. `8_evaluation.py` of the sandbox
//! runs that script.

use serde::{Deserialize, Serialize};

use super::completion::strip;

const START: &str = "############ <|EXAMPLE OUTPUT START|> ############\n";
const END: &str = "############ <|EXAMPLE OUTPUT END|> ############";
const TURN: &str = "<|OUT|>";
const RETURNED: &str = "<|RETURN|>";
/// What stands before an exception.
pub const RAISED: &str = "<|EXCEPTION|>";

/// A verdict by the published rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raw {
    /// Every line is as published.
    Correct,
    /// Another number of lines, or another line.
    Wrong,
    /// It did not come to its end.
    NoOutput,
    /// The model did not come to the end of it.
    Truncated,
    /// There is no such completion.
    Missing,
}

impl Raw {
    /// All, in the order in which tables show them.
    pub const ALL: [Self; 5] = [Self::Correct, Self::Wrong, Self::NoOutput, Self::Truncated, Self::Missing];

    /// As in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Wrong => "wrong",
            Self::NoOutput => "no_output",
            Self::Truncated => "truncated",
            Self::Missing => "missing",
        }
    }
}

/// What the published evaluation says of what a script printed, where `expected` are the lines of the item.
pub fn verdict<'a>(printed: &str, expected: impl ExactSizeIterator<Item = &'a str>) -> Raw {
    // Read as text, in which every end of a line is the same.
    let printed = printed.replace("\r\n", "\n").replace('\r', "\n");
    let Some(lines) = printed.split_once(START).and_then(|(_, rest)| rest.split_once(END)).map(|(lines, _)| lines)
    else {
        return Raw::NoOutput;
    };
    let turns: Vec<&str> = strip(lines).split(TURN).map(strip).filter(|turn| !turn.is_empty()).collect();
    let same = |(turn, expected): (&str, &str)| {
        let line = if turn.contains(RAISED) {
            turn
        } else {
            match turn.split(RETURNED).collect::<Vec<_>>()[..] {
                [_, value] => strip(value),
                // It ends the published evaluation with an error.
                _ => return false,
            }
        };
        line == expected
    };
    if turns.len() == expected.len() && turns.into_iter().zip(expected).all(same) { Raw::Correct } else { Raw::Wrong }
}

#[cfg(test)]
mod tests {
    use super::{END, Raw, START, verdict};

    #[test]
    fn printed_text_is_read_by_its_markers() {
        let table = [
            ("<|OUT|>\n<|RETURN|> \"1\"\n", &["\"1\""][..], Raw::Correct),
            ("<|OUT|>\nhello\r\n<|RETURN|> \"1\"\n<|OUT|>\n<|RETURN|> \"2\"\n", &["\"1\"", "\"2\""], Raw::Correct),
            ("<|OUT|>\nhello\n<|EXCEPTION|> \"E: x\"\n", &["hello\n<|EXCEPTION|> \"E: x\""], Raw::Correct),
            ("<|OUT|>\nhello\n<|EXCEPTION|> \"E: x\"\n", &["<|EXCEPTION|> \"E: x\""], Raw::Wrong),
            ("<|OUT|>\n<|RETURN|> \"1\"\n", &["\"1\"", "\"2\""], Raw::Wrong),
            ("<|OUT|>\n<|RETURN|> <|RETURN|> \"1\"\n", &["\"1\""], Raw::Wrong),
            ("", &["\"1\""], Raw::Wrong),
        ];
        for (lines, expected, wanted) in table {
            let printed = format!("noise\n{START}{lines}{END}\n");
            assert_eq!(verdict(&printed, expected.iter().copied()), wanted, "{lines:?}");
        }
        assert_eq!(verdict(&format!("{START}<|OUT|>\n"), ["\"1\""].into_iter()), Raw::NoOutput);
        assert_eq!(verdict(END, ["\"1\""].into_iter()), Raw::NoOutput);
    }
}
