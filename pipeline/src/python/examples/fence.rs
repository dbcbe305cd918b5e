//! The code blocks of a Markdown answer.

/// Languages under which models write Python; compared in lower case.
const PYTHON: [&str; 5] = ["", "python", "python3", "py", "py3"];

/// What may be the block.
pub(super) struct Candidate {
    pub source: String,
    /// Whether a fence ends it: else the answer may have been cut short anywhere, even where it still parses.
    pub closed: bool,
}

/// The Python candidates of an answer, in order: its fenced blocks (one that never ends runs to the end of the text), or
/// the whole text where nothing is fenced. Blocks of other languages are none.
pub(super) fn candidates(text: &str) -> Vec<Candidate> {
    let (mut found, mut any) = (Vec::new(), false);
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let Some(opening) = Opening::of(line) else { continue };
        any = true;
        let (mut source, mut closed) = (String::new(), false);
        for line in lines.by_ref() {
            closed = opening.ends_at(line);
            if closed {
                break;
            }
            source.push_str(opening.dedented(line));
        }
        if opening.python {
            found.push(Candidate { source, closed });
        }
    }
    if any { found } else { vec![Candidate { source: text.to_owned(), closed: false }] }
}

/// The line that opens a block.
struct Opening {
    mark: char,
    length: usize,
    /// Spaces before the fence: a block within a list item is indented as a whole.
    indent: usize,
    python: bool,
}

impl Opening {
    fn of(line: &str) -> Option<Self> {
        let trimmed = line.trim_start_matches(' ');
        let mark = trimmed.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = trimmed.chars().take_while(|c| *c == mark).count();
        let language = trimmed[length..].split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        // Code in backticks within a line is no fence.
        let fence = length >= 3 && !(mark == '`' && trimmed[length..].contains('`'));
        fence.then(|| Self {
            mark,
            length,
            indent: line.len() - trimmed.len(),
            python: PYTHON.contains(&language.as_str()),
        })
    }

    fn ends_at(&self, line: &str) -> bool {
        let line = line.trim();
        line.chars().count() >= self.length && line.chars().all(|c| c == self.mark)
    }

    fn dedented<'a>(&self, line: &'a str) -> &'a str {
        let spaces = line.bytes().take_while(|byte| *byte == b' ').count();
        &line[spaces.min(self.indent)..]
    }
}
