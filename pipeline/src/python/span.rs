//! Lines of a source, and which comments belong to a statement.

use std::ops::Range;

use ruff_text_size::{TextRange, TextSize};

use super::source::coding_of;

/// Where the lines of a source start.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn new(source: &'a str) -> Self {
        let after_newlines = memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1);
        Self { source, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The line, from 1, that holds `offset`.
    pub fn number(&self, offset: TextSize) -> u32 {
        u32::try_from(self.index(offset.to_usize()) + 1).unwrap_or(u32::MAX)
    }

    /// What stands on the line of `offset` before it.
    pub fn before(&self, offset: TextSize) -> &'a str {
        let offset = offset.to_usize();
        &self.source[self.starts[self.index(offset)]..offset]
    }

    /// A statement's range, widened by the comments right above it (nothing between, not even a blank line), the one at
    /// the end of its last line, and, below a compound statement, the indented ones that follow at once. Nothing before
    /// `floor`, the end of the statement before.
    pub fn with_comments(&self, floor: usize, range: TextRange, compound: bool) -> Range<usize> {
        let (mut start, mut end) = (range.start().to_usize(), range.end().to_usize());
        let mut line = self.index(start);
        if self.source[self.starts[line]..start].trim().is_empty() && self.starts[line] >= floor {
            while line > 0 && self.starts[line - 1] >= floor && self.is_comment_above(line - 1) {
                line -= 1;
                start = self.starts[line];
            }
        }
        let last = self.index(end);
        let rest = self.line(last)[end - self.starts[last]..].trim();
        if rest.is_empty() || rest.starts_with('#') {
            end = self.starts[last] + self.line(last).len();
            let mut next = last + 1;
            while compound && next < self.starts.len() && is_indented_comment(self.line(next)) {
                end = self.starts[next] + self.line(next).len();
                next += 1;
            }
        }
        start..end
    }

    /// The line without its newline.
    fn line(&self, index: usize) -> &'a str {
        let end = self.starts.get(index + 1).map_or(self.source.len(), |next| next - 1);
        &self.source[self.starts[index]..end]
    }

    fn index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// A comment from column 0 that is about what follows: no interpreter line and no coding line, which speak of the
    /// file.
    fn is_comment_above(&self, index: usize) -> bool {
        let line = self.line(index);
        let of_the_file = index < 2 && (line.starts_with("#!") || coding_of(line.as_bytes()).is_some());
        line.starts_with('#') && !of_the_file
    }
}

fn is_indented_comment(line: &str) -> bool {
    line.starts_with([' ', '\t']) && line.trim_start().starts_with('#')
}
