//! What of code is compared with other code that is nearly the same: its words, and its shape with other names.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

use super::{Definition, Fingerprint, Module, Needs, known};

/// Words that two texts have to share in a row to share a passage.
pub const PASSAGE_WORDS: usize = 13;

/// A function as it is compared with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passages {
    /// Hashes of the words of its code, and of the code it carries along: names, keywords, numbers and what stands in
    /// strings, in lower case, without comments and docstrings.
    pub code: Vec<u64>,
    /// Those of each docstring.
    pub docstrings: Vec<Vec<u64>>,
    /// Equal for functions that differ in nothing but names, comments, docstrings and layout.
    pub renamed: Fingerprint,
}

/// Hashes of the words of a text in order: runs of letters, digits and `_`, in lower case.
pub fn words(text: &str) -> Vec<u64> {
    let words = text.split(|character: char| !character.is_alphanumeric() && character != '_');
    words.filter(|word| !word.is_empty()).map(|word| hash(&word.to_lowercase())).collect()
}

/// A hash of every run of [`PASSAGE_WORDS`] words.
pub fn passages(words: &[u64]) -> impl Iterator<Item = u64> {
    words.windows(PASSAGE_WORDS).map(hash)
}

impl Module<'_> {
    /// The function as it is compared with others, together with what it carries along.
    pub fn passages(&self, definition: &Definition, needs: Option<&Needs>) -> Passages {
        let (mut code, mut docstrings) = (Vec::new(), Vec::new());
        let carried = needs.map_or(&[][..], |needs| &needs.carried);
        for at in carried.iter().copied().chain([definition.at]) {
            for (_, text) in self.significant(at) {
                code.extend(words(text));
            }
            let own = &self.statements[at].names.docstrings;
            docstrings.extend(own.iter().map(|range| words(&self.source[*range])));
        }
        Passages { code, docstrings, renamed: self.shape(definition.at) }
    }

    /// Tokens of a statement that are neither comments, docstrings nor layout.
    fn significant(&self, at: usize) -> impl Iterator<Item = (TokenKind, &str)> {
        let statement = &self.statements[at];
        let mut docstrings = statement.names.docstrings.iter().copied().peekable();
        let layout = |kind| {
            matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::Newline | TokenKind::Indent)
        };
        self.tokens.in_range(statement.node.range()).iter().filter_map(move |token| {
            while docstrings.next_if(|docstring| docstring.end() <= token.start()).is_some() {}
            let docstring = docstrings.peek().is_some_and(|docstring| docstring.contains_range(token.range()));
            (!docstring && !layout(token.kind())).then(|| (token.kind(), &self.source[token.range()]))
        })
    }

    /// Names become numbers, in the order in which they come first; builtins and attributes keep theirs.
    fn shape(&self, at: usize) -> Fingerprint {
        let (mut hasher, mut numbers, mut attribute) = (blake3::Hasher::new(), HashMap::new(), false);
        for (kind, text) in self.significant(at) {
            if kind == TokenKind::Name && !attribute && !known::is_builtin(text) {
                let next = numbers.len();
                let number: usize = *numbers.entry(text).or_insert(next);
                hasher.update(&number.to_le_bytes());
            } else {
                hasher.update(text.as_bytes());
            }
            hasher.update(&[0xff, kind as u8]);
            attribute = kind == TokenKind::Dot;
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Fingerprint(digest)
    }
}

/// Not kept anywhere: the same within one process is enough.
fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
