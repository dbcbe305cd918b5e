//! What a function is made of, for those who ask which of its parts a call reached.

use std::ops::RangeInclusive;

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextSize};

use super::module::Module;

/// A place in a function that a call reaches or does not, told by the lines that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Reached if one of these lines ran …
    pub lines: RangeInclusive<u32>,
    /// … and none of these.
    pub unless: Option<RangeInclusive<u32>>,
}

impl Place {
    /// Whether a call reached the place in which the lines `at` ran where that is true; lines count as [`Anatomy`] does.
    pub fn reached(&self, at: &[bool]) -> bool {
        let ran = |wanted: &RangeInclusive<u32>| {
            let (first, behind) = (*wanted.start() as usize, *wanted.end() as usize + 1);
            at.get(first..behind.min(at.len())).is_some_and(|lines| lines.contains(&true))
        };
        ran(&self.lines) && !self.unless.as_ref().is_some_and(ran)
    }

    /// How long a table for [`Self::reached`] has to be.
    pub fn end(&self) -> usize {
        let last = self.unless.as_ref().map_or(0, |lines| *lines.end()).max(*self.lines.end());
        last as usize + 1
    }
}

/// The parts of one function; lines are counted from 1 where its statement starts, decorators and comments above it
/// included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// Its statements that run, nested ones included; of a compound one the header.
    pub statements: Vec<Place>,
    /// The ways that its branching statements offer: each body, each handler, and the way past them where that shows.
    pub branches: Vec<Place>,
}

impl Module<'_> {
    /// The anatomy of the last top-level function of that name. `first_line` is the module's line that counts as 1.
    pub fn anatomy(&self, name: &str, first_line: u32) -> Option<Anatomy> {
        let function = self.statements.iter().rev().find_map(|statement| match statement.node {
            Stmt::FunctionDef(def) if def.name.as_str() == name => Some(def),
            _ => None,
        })?;
        let mut survey = Survey { module: self, first_line, found: Anatomy::default() };
        survey.body(&function.body);
        Some(survey.found)
    }

    /// Whether any statement of the module binds a name, in whatever way.
    pub fn binds(&self, name: &str) -> bool {
        self.statements.iter().any(|statement| statement.names.binds.contains(name))
    }

    /// Names other than its own that a top-level function or class binds in the module, by `global`, when it runs.
    pub fn assigned_globals(&self) -> Vec<String> {
        let mut names = Vec::new();
        for statement in &self.statements {
            let own = match statement.node {
                Stmt::FunctionDef(def) => def.name.as_str(),
                Stmt::ClassDef(class) => class.name.as_str(),
                _ => continue,
            };
            names.extend(statement.names.binds.iter().filter(|name| *name != own).map(|name| name.to_string()));
        }
        names
    }
}

struct Survey<'m, 'a> {
    module: &'m Module<'a>,
    first_line: u32,
    found: Anatomy,
}

impl Survey<'_, '_> {
    fn body(&mut self, statements: &[Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        let header = self.header(statement);
        if runs(statement) {
            self.found.statements.push(Place { lines: header.clone(), unless: None });
        }
        match statement {
            Stmt::If(r#if) => {
                let mut last = (header, self.way(&r#if.body));
                self.branch(&last.0, &r#if.body);
                self.body(&r#if.body);
                let mut open = true;
                for clause in &r#if.elif_else_clauses {
                    let test = clause.test.as_ref();
                    let header = test.map_or_else(|| self.line(clause.start()), |test| self.line(test.end()));
                    let header = self.line(clause.start())..=header;
                    self.branch(&header, &clause.body);
                    match test {
                        Some(_) => last = (header, self.way(&clause.body)),
                        None => open = false,
                    }
                    self.body(&clause.body);
                }
                if open {
                    self.past(last);
                }
            }
            Stmt::For(ast::StmtFor { body, orelse, .. }) | Stmt::While(ast::StmtWhile { body, orelse, .. }) => {
                self.branch(&header, body);
                self.past((header, self.way(body)));
                self.body(body);
                self.body(orelse);
            }
            Stmt::Try(r#try) => {
                self.body(&r#try.body);
                for ast::ExceptHandler::ExceptHandler(handler) in &r#try.handlers {
                    let header = self.line(handler.start());
                    self.branch(&(header..=header), &handler.body);
                    self.body(&handler.body);
                }
                self.body(&r#try.orelse);
                self.body(&r#try.finalbody);
            }
            Stmt::Match(r#match) => {
                for case in &r#match.cases {
                    let header = self.line(case.start())..=self.line(case.pattern.end());
                    self.branch(&header, &case.body);
                    self.body(&case.body);
                }
            }
            Stmt::With(with) => self.body(&with.body),
            Stmt::FunctionDef(def) => self.body(&def.body),
            Stmt::ClassDef(class) => self.body(&class.body),
            _ => {}
        }
    }

    /// The way into `body`; one that starts on the line of its header cannot be told from it.
    fn branch(&mut self, header: &RangeInclusive<u32>, body: &[Stmt]) {
        let Some(way) = self.way(body) else { return };
        if way.start() > header.end() {
            self.found.branches.push(Place { lines: way, unless: None });
        }
    }

    /// The way past a body: its header ran, and it did not.
    fn past(&mut self, (header, way): (RangeInclusive<u32>, Option<RangeInclusive<u32>>)) {
        if let Some(way) = way.filter(|way| way.start() > header.end()) {
            self.found.branches.push(Place { lines: header, unless: Some(way) });
        }
    }

    /// The lines of the first statement of a body that runs.
    fn way(&self, body: &[Stmt]) -> Option<RangeInclusive<u32>> {
        body.iter().find(|statement| runs(statement)).map(|statement| self.header(statement))
    }

    /// A statement's lines without those of the statements inside it.
    fn header(&self, statement: &Stmt) -> RangeInclusive<u32> {
        let end = match statement {
            Stmt::If(r#if) => r#if.test.end(),
            Stmt::For(r#for) => r#for.iter.end(),
            Stmt::While(r#while) => r#while.test.end(),
            Stmt::With(with) => with.items.last().map_or(with.start(), Ranged::end),
            Stmt::Match(r#match) => r#match.subject.end(),
            Stmt::Try(r#try) => r#try.start(),
            Stmt::FunctionDef(def) => def.name.end(),
            Stmt::ClassDef(class) => class.name.end(),
            simple => simple.end(),
        };
        self.line(statement.start())..=self.line(end)
    }

    fn line(&self, offset: TextSize) -> u32 {
        (self.module.lines.number(offset) + 1).saturating_sub(self.first_line)
    }
}

/// Whether CPython makes code of a statement that shows as a line: not of declarations, and not of constants alone.
fn runs(statement: &Stmt) -> bool {
    match statement {
        Stmt::Global(_) | Stmt::Nonlocal(_) => false,
        Stmt::AnnAssign(assign) => assign.value.is_some(),
        Stmt::Expr(expression) => {
            !(expression.value.is_literal_expr() || matches!(*expression.value, Expr::EllipsisLiteral(_)))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::with_module;

    /// Lines of places as `3`, `3-4` or `2!3` (2 ran and 3 did not).
    fn places(places: &[super::Place]) -> String {
        let range = |lines: &std::ops::RangeInclusive<u32>| {
            if lines.start() == lines.end() {
                lines.start().to_string()
            } else {
                format!("{}-{}", lines.start(), lines.end())
            }
        };
        let place = |place: &super::Place| match &place.unless {
            Some(unless) => format!("{}!{}", range(&place.lines), range(unless)),
            None => range(&place.lines),
        };
        places.iter().map(place).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn statements_and_ways() {
        let table = [
            ("def f(a):\n    'doc'\n    return a\n", "3", ""),
            ("def f(a):\n    if a:\n        return 1\n    return 2\n", "2 3 4", "3 2!3"),
            ("def f(a):\n    if a: return 1\n    return 2\n", "2 2 3", ""),
            (
                "def f(a):\n  if a:\n    b = 1\n  elif (a or\n      1):\n    b = 2\n  else:\n    b = 3\n  return b\n",
                "2 3 6 8 9",
                "3 6 8",
            ),
            (
                "def f(a):\n  for x in a:\n    yield x\n  while a:\n    a = (1,\n      2)\n",
                "2 3 4 5-6",
                "3 2!3 5-6 4!5-6",
            ),
            ("def f(a):\n  try:\n    g(a)\n  except KeyError:\n    pass\n  finally:\n    h()\n", "2 3 5 7", "5"),
            ("def f(a):\n  match a:\n    case 1:\n      return 2\n    case _:\n      return 3\n", "2 4 6", "4 6"),
            ("def f(a):\n  global g\n  def h():\n    return g\n  return h\n", "3 4 5", ""),
        ];
        for (source, statements, branches) in table {
            let anatomy = with_module(source, |module| module.anatomy("f", 1)).ok().flatten().expect("a function f");
            assert_eq!((places(&anatomy.statements), places(&anatomy.branches)), (statements.into(), branches.into()));
        }
    }

    #[test]
    fn only_what_a_function_assigns_is_assigned() {
        let source =
            "N = 1\ndef f(a):\n    global N\n    N += a\n    return N\ndef g(a):\n    global N\n    return N\n";
        assert_eq!(with_module(source, |module| module.assigned_globals()).ok(), Some(vec!["N".to_owned()]));
    }
}
