//! A program written again with less in it, or under another name: what it does stays the same.

use std::ops::Range;

use ruff_python_ast::{
    self as ast, Expr, ExprContext, Stmt,
    token::TokenKind,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextRange};

use super::module::Module;

/// What is left out of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retouch {
    /// Comments.
    pub comments: bool,
    /// Docstrings, unless the program reads `__doc__`.
    pub docstrings: bool,
    /// Annotations of the parameters and results of functions without decorators.
    pub annotations: bool,
}

/// Stands for what was left out until its line is tidied; no source holds it.
const GONE: char = '\0';

/// A piece of the source and what takes its place.
type Edit = (Range<usize>, String);

impl Module<'_> {
    /// The source with what `retouch` leaves out gone.
    pub fn retouched(&self, retouch: Retouch) -> String {
        let mut edits: Vec<Edit> = Vec::new();
        if retouch.comments {
            let comments = self.tokens.iter().filter(|token| token.kind() == TokenKind::Comment);
            edits.extend(comments.map(|comment| (comment.range().to_std_range(), GONE.to_string())));
        }
        if retouch.docstrings && !self.source.contains("__doc__") {
            let docstrings = self.statements.iter().flat_map(|statement| &statement.names.docstrings);
            edits.extend(docstrings.filter_map(|range| self.without_docstring(*range)));
        }
        if retouch.annotations {
            let mut annotations = Annotations { source: self.source, edits: Vec::new() };
            self.statements.iter().for_each(|statement| annotations.visit_stmt(statement.node));
            // A comment inside an annotation goes with it.
            edits.retain(|(range, _)| !annotations.edits.iter().any(|(around, _)| around.contains(&range.start)));
            edits.extend(annotations.edits);
        }
        if edits.is_empty() {
            return self.source.to_owned();
        }
        tidied(&applied(self.source, edits))
    }

    /// None where the docstring shares its line with something else.
    fn without_docstring(&self, range: TextRange) -> Option<Edit> {
        if !self.lines.before(range.start()).trim().is_empty() {
            return None;
        }
        let mut after = self
            .tokens
            .after(range.end())
            .iter()
            .map(|token| token.kind())
            .skip_while(|kind| matches!(kind, TokenKind::Comment));
        if after.next() != Some(TokenKind::Newline) {
            return None;
        }
        let next = after.find(|kind| !matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline));
        let alone = matches!(next, None | Some(TokenKind::Dedent | TokenKind::EndOfFile));
        Some((range.to_std_range(), if alone { "pass".into() } else { GONE.to_string() }))
    }

    /// The source with the function `name`, and every call of it, named `other`. None where that cannot be told from
    /// the words alone: the program binds the name a second time, or has `other` already.
    pub fn renamed(&self, name: &str, other: &str) -> Option<String> {
        let mut mentions = Mentions { name, found: Vec::new(), keywords: Vec::new() };
        self.statements.iter().for_each(|statement| mentions.visit_stmt(statement.node));
        let mut definitions = 0;
        for statement in &self.statements {
            if let Stmt::FunctionDef(def) = statement.node
                && def.name.as_str() == name
            {
                definitions += 1;
                mentions.found.push(def.name.range());
            }
        }
        let mut after_dot = false;
        for token in self.tokens.iter() {
            let is_name = token.kind() == TokenKind::Name;
            let text = &self.source[token.range()];
            if is_name && text == other {
                return None;
            }
            let known = || mentions.found.contains(&token.range()) || mentions.keywords.contains(&token.range());
            if is_name && text == name && !after_dot && !known() {
                return None;
            }
            after_dot = token.kind() == TokenKind::Dot;
        }
        if definitions != 1 {
            return None;
        }
        let edits = mentions.found.iter().map(|range| (range.to_std_range(), other.to_owned())).collect();
        Some(applied(self.source, edits))
    }
}

fn applied(source: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let (mut text, mut at) = (String::with_capacity(source.len()), 0);
    for (range, replacement) in edits {
        if range.start >= at {
            text.push_str(&source[at..range.start]);
            text.push_str(&replacement);
            at = range.end;
        }
    }
    text.push_str(&source[at..]);
    text
}

/// Takes away lines of which nothing is left, the space before what is gone, and blank lines that separate nothing.
fn tidied(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut dropped = false;
    for line in text.split('\n') {
        match line.split_once(GONE) {
            Some((before, after)) if before.trim().is_empty() && after.trim_matches([GONE, ' ', '\t']).is_empty() => {
                dropped = true;
                continue;
            }
            Some((before, _)) => lines.push(before.trim_end()),
            // Right behind a line that is gone no string goes on: a blank line here is layout.
            None if dropped && line.trim().is_empty() => {
                if lines.last().is_some_and(|last| !last.trim().is_empty() && !last.ends_with(':')) {
                    lines.push(line);
                }
            }
            None => lines.push(line),
        }
        dropped = dropped && line.trim().is_empty();
    }
    lines.join("\n")
}

/// Where annotations of functions stand.
struct Annotations<'s> {
    source: &'s str,
    edits: Vec<Edit>,
}

impl<'a> Visitor<'a> for Annotations<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::FunctionDef(def) = statement
            && def.decorator_list.is_empty()
            && def.type_params.is_none()
        {
            self.parameters(&def.parameters);
            if let Some(returns) = &def.returns {
                self.gone(def.parameters.end().to_usize(), "->", returns.range());
            }
        }
        // The fields of a class are declared by their annotations: only its methods are looked at.
        visitor::walk_stmt(self, statement);
    }
}

impl Annotations<'_> {
    fn parameters(&mut self, parameters: &ast::Parameters) {
        for parameter in parameters.iter() {
            let Some(annotation) = parameter.annotation() else { continue };
            let name_end = parameter.name().end().to_usize();
            let plain = self.gone(name_end, ":", annotation.range());
            // `a: int = 1` becomes `a=1`.
            if let Some(default) = parameter.default().filter(|_| plain) {
                let between = annotation.end().to_usize()..default.start().to_usize();
                if self.source[between.clone()].trim() == "=" {
                    self.edits.push((between, "=".into()));
                }
            }
        }
    }

    /// Takes away an annotation that `mark` leads to. One in brackets of its own stays.
    fn gone(&mut self, from: usize, mark: &str, annotation: TextRange) -> bool {
        let plain = self.source[from..annotation.start().to_usize()].trim() == mark;
        if plain {
            self.edits.push((from..annotation.end().to_usize(), String::new()));
        }
        plain
    }
}

/// Where a name is read, and where it is the name of an argument in a call.
struct Mentions<'n> {
    name: &'n str,
    found: Vec<TextRange>,
    keywords: Vec<TextRange>,
}

impl<'a> Visitor<'a> for Mentions<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr
            && name.ctx == ExprContext::Load
            && name.id.as_str() == self.name
        {
            self.found.push(name.range());
        }
        visitor::walk_expr(self, expr);
    }

    fn visit_keyword(&mut self, keyword: &'a ast::Keyword) {
        if let Some(argument) = keyword.arg.as_ref().filter(|argument| argument.as_str() == self.name) {
            self.keywords.push(argument.range());
        }
        visitor::walk_keyword(self, keyword);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::with_module, Retouch};

    fn retouched(source: &str, retouch: Retouch) -> String {
        with_module(source, |module| module.retouched(retouch)).expect("it parses")
    }

    #[test]
    fn what_is_left_out_leaves_no_gap() {
        let retouch = Retouch { comments: true, docstrings: true, annotations: false };
        let table = [
            (
                "# above\ndef f(a):  # here\n    '''Doc.\n\n    More.\n    '''\n\n    return a\n",
                "def f(a):\n    return a\n",
            ),
            (
                "def f(a):\n    b = '# no'\n\n    # one\n    # two\n\n    return b  # end\n",
                "def f(a):\n    b = '# no'\n\n    return b\n",
            ),
            (
                "class E(Exception):\n    '''only'''\n\ndef f(a):\n    raise E\n",
                "class E(Exception):\n    pass\n\ndef f(a):\n    raise E\n",
            ),
            ("def f(a):\n    'doc'; return a\n", "def f(a):\n    'doc'; return a\n"),
            ("def f(a): 'doc'\n", "def f(a): 'doc'\n"),
            ("def f(a):\n    'doc'\n    # last\n", "def f(a):\n    pass\n"),
            ("def f(a):\n    return f.__doc__  # c\n", "def f(a):\n    return f.__doc__\n"),
            (
                "def f(a):\n    return [a,  # one\n        # two\n        '''\n\n# kept\n''']\n",
                "def f(a):\n    return [a,\n        '''\n\n# kept\n''']\n",
            ),
        ];
        for (source, wanted) in table {
            assert_eq!(retouched(source, retouch), wanted);
        }
    }

    #[test]
    fn annotations_go_where_nothing_needs_them() {
        let retouch = Retouch { annotations: true, ..Retouch::default() };
        let table = [
            (
                "def f(a: int, *b: str, c: int = 2, d: 'x'=3, e: (int) = (4), g: int = (5)) -> list[int]:\n    e: int = a\n",
                "def f(a, *b, c=2, d=3, e: (int) = (4), g = (5)):\n    e: int = a\n",
            ),
            (
                "class C:\n    x: int\n    def m(self, y: int) -> int: return y\n",
                "class C:\n    x: int\n    def m(self, y): return y\n",
            ),
            ("@register\ndef f(a: int): return a\n", "@register\ndef f(a: int): return a\n"),
        ];
        for (source, wanted) in table {
            assert_eq!(retouched(source, retouch), wanted);
        }
    }

    #[test]
    fn a_function_is_renamed_where_its_name_is_its_own() {
        let renamed = |source: &str| with_module(source, |module| module.renamed("fib", "f")).expect("it parses");
        assert_eq!(
            renamed("def g(x): return fib(x)\ndef fib(n):\n    return a.fib + fib(n - 1) + g(fib=1) + 'fib'\n")
                .as_deref(),
            Some("def g(x): return f(x)\ndef f(n):\n    return a.fib + f(n - 1) + g(fib=1) + 'fib'\n")
        );
        for own in [
            "def fib(fib):\n    return fib\n",
            "def fib(f):\n    return f\n",
            "def fib(n):\n    fib = n\n    return fib\n",
        ] {
            assert_eq!(renamed(own), None, "{own}");
        }
    }
}
