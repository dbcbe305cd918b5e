//! Walks the statements of a function, and of the functions beside it that it calls, and binds names to values.

use std::collections::{BTreeMap, HashMap};

use ruff_python_ast::{self as ast, ExceptHandler, Expr, Stmt, StmtFunctionDef, visitor::Visitor};

use super::{
    Kind, Part, Role,
    expressions::{constant, kind_of},
    graph::{Graph, Value},
};

/// Functions beside the analysed one that are followed, so that a huge module costs no more than a small one.
const MAX_FOLLOWED: usize = 40;

/// Parameters by name, their order, and the result.
type Signature = (BTreeMap<String, Value>, Vec<String>, Value);

pub(super) struct Walk<'a> {
    pub graph: Graph,
    /// Names to their present values.
    pub environment: HashMap<String, Value>,
    /// Assignments of the module to plain names.
    pub globals: HashMap<&'a str, &'a Expr>,
    definitions: HashMap<&'a str, &'a StmtFunctionDef>,
    /// Parameters and result of each function that is followed.
    followed: HashMap<&'a str, Signature>,
    waiting: Vec<&'a StmtFunctionDef>,
    result: Value,
}

impl<'a> Walk<'a> {
    pub fn new(body: &[&'a Stmt]) -> Self {
        let (mut definitions, mut globals) = (HashMap::new(), HashMap::new());
        for statement in body {
            match statement {
                Stmt::FunctionDef(def) => _ = definitions.insert(def.name.as_str(), def),
                Stmt::Assign(assign) => {
                    if let [Expr::Name(name)] = assign.targets.as_slice() {
                        globals.insert(name.id.as_str(), &*assign.value);
                    }
                }
                _ => {}
            }
        }
        let mut graph = Graph::default();
        let result = graph.fresh();
        let (environment, followed) = (HashMap::new(), HashMap::new());
        Self { graph, environment, globals, definitions, followed, waiting: Vec::new(), result }
    }

    /// Reads the whole function and all that it calls; gives its parameters' values in order.
    pub fn run(&mut self, def: &'a StmtFunctionDef) -> Vec<Value> {
        self.definitions.insert(def.name.as_str(), def);
        let (parameters, order, _) = self.signature(def);
        while let Some(next) = self.waiting.pop() {
            let (parameters, _, result) = self.signature(next);
            self.environment = parameters.into_iter().collect();
            self.result = result;
            self.body(&next.body);
        }
        order.iter().filter_map(|name| parameters.get(name).copied()).collect()
    }

    fn signature(&mut self, def: &'a StmtFunctionDef) -> Signature {
        if let Some(known) = self.followed.get(def.name.as_str()) {
            return known.clone();
        }
        let (mut parameters, mut order) = (BTreeMap::new(), Vec::new());
        for parameter in def.parameters.iter_non_variadic_params() {
            let value = self.graph.fresh();
            match parameter.default() {
                Some(Expr::NoneLiteral(_)) => self.graph.play(value, Role::MaybeNone),
                Some(default) => {
                    let default = self.expr(default);
                    self.graph.unify(value, default);
                }
                None => {}
            }
            parameters.insert(parameter.name().to_string(), value);
            order.push(parameter.name().to_string());
        }
        let known = (parameters, order, self.graph.fresh());
        self.followed.insert(def.name.as_str(), known.clone());
        self.waiting.push(def);
        known
    }

    /// A call of a function of this module; none if `name` is no such function.
    pub fn call_beside(&mut self, name: &str, arguments: &[Value], keywords: &[(String, Value)]) -> Option<Value> {
        let def = *self.definitions.get(name)?;
        if self.followed.len() >= MAX_FOLLOWED && !self.followed.contains_key(name) {
            return None;
        }
        let again = self.followed.contains_key(name);
        let (parameters, order, result) = self.signature(def);
        let by_place = order.iter().zip(arguments).map(|(name, value)| (name.clone(), *value));
        for (name, argument) in by_place.chain(keywords.iter().cloned()) {
            if let Some(parameter) = parameters.get(&name) {
                self.graph.unify(*parameter, argument);
                if again {
                    self.graph.play(*parameter, Role::Recursive);
                }
            }
        }
        Some(result)
    }

    pub fn body(&mut self, body: &'a [Stmt]) {
        body.iter().for_each(|statement| self.statement(statement));
    }

    /// A body that may not run: names keep the values that they had before it.
    fn branch(&mut self, body: &'a [Stmt]) {
        let before = self.environment.clone();
        self.body(body);
        self.environment.extend(before);
    }

    fn test(&mut self, test: &'a Expr) {
        let value = self.expr(test);
        self.graph.play(value, Role::Truth);
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                let value = self.expr(&assign.value);
                assign.targets.iter().for_each(|target| self.bind(target, value));
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.expr(value);
                    self.bind(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => {
                let value = self.binary(&assign.target, assign.op, &assign.value);
                if assign.target.is_name_expr() {
                    self.bind(&assign.target, value);
                }
            }
            Stmt::For(each) => {
                let iterated = self.expr(&each.iter);
                let element = self.element(iterated);
                self.bind(&each.target, element);
                self.branch(&each.body);
                self.branch(&each.orelse);
            }
            Stmt::While(repeat) => {
                self.test(&repeat.test);
                self.branch(&repeat.body);
                self.branch(&repeat.orelse);
            }
            Stmt::If(choice) => {
                self.test(&choice.test);
                self.branch(&choice.body);
                for clause in &choice.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.test(test);
                    }
                    self.branch(&clause.body);
                }
            }
            Stmt::Try(attempt) => {
                self.body(&attempt.body);
                for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                    self.branch(&handler.body);
                }
                self.body(&attempt.orelse);
                self.body(&attempt.finalbody);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let value = self.expr(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.bind(target, value);
                    }
                }
                self.body(&with.body);
            }
            Stmt::Match(choice) => {
                let subject = self.expr(&choice.subject);
                for case in &choice.cases {
                    self.pattern(&case.pattern, subject);
                    case.guard.iter().for_each(|guard| self.test(guard));
                    self.branch(&case.body);
                }
            }
            Stmt::Return(ast::StmtReturn { value: Some(value), .. }) => {
                let value = self.expr(value);
                if !matches!(statement, Stmt::Return(back) if back.value.as_deref().is_some_and(is_literal)) {
                    self.graph.unify(self.result, value);
                }
            }
            Stmt::Expr(expression) => _ = self.expr(&expression.value),
            Stmt::Assert(assert) => self.test(&assert.test),
            Stmt::FunctionDef(def) => {
                let around = self.environment.clone();
                for parameter in def.parameters.iter_non_variadic_params() {
                    let value = self.graph.fresh();
                    self.environment.insert(parameter.name().to_string(), value);
                }
                let result = self.graph.fresh();
                let outer = std::mem::replace(&mut self.result, result);
                self.body(&def.body);
                self.result = outer;
                self.environment = around;
            }
            _ => Rest(self).visit_inner(statement),
        }
    }

    /// Gives the names of a target their value.
    pub fn bind(&mut self, target: &'a Expr, value: Value) {
        match target {
            Expr::Name(name) => _ = self.environment.insert(name.id.to_string(), value),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let starred = elts.iter().any(Expr::is_starred_expr);
                if !starred {
                    self.graph.play(value, Role::Unpacked(elts.len()));
                }
                self.graph.vote(value, Kind::Sequence, 1);
                for (at, target) in (0..).zip(elts) {
                    let part = if starred { Part::Element } else { Part::Item(at) };
                    let item = self.graph.part(value, part);
                    self.bind(target, item);
                }
            }
            Expr::Starred(starred) => {
                let rest = self.graph.of(Kind::List);
                self.bind(&starred.value, rest);
            }
            Expr::Subscript(subscript) => {
                let place = self.expr(target);
                self.graph.unify(place, value);
                let base = self.expr(&subscript.value);
                if !self.graph.may_be(base, Kind::Dict) {
                    self.graph.vote(base, Kind::List, 2);
                }
            }
            other => _ = self.expr(other),
        }
    }

    fn pattern(&mut self, pattern: &'a ast::Pattern, subject: Value) {
        match pattern {
            ast::Pattern::MatchValue(literal) => {
                if let Some(constant) = constant(&literal.value) {
                    self.graph.vote(subject, kind_of(&constant), 2);
                    self.graph.compare(subject, constant);
                }
            }
            ast::Pattern::MatchOr(either) => {
                either.patterns.iter().for_each(|pattern| self.pattern(pattern, subject));
            }
            ast::Pattern::MatchAs(capture) => {
                if let Some(inner) = &capture.pattern {
                    self.pattern(inner, subject);
                }
                if let Some(name) = &capture.name {
                    self.environment.insert(name.to_string(), subject);
                }
            }
            ast::Pattern::MatchSequence(sequence) => {
                self.graph.vote(subject, Kind::Sequence, 3);
                for (at, pattern) in (0..).zip(&sequence.patterns) {
                    let item = self.graph.part(subject, Part::Item(at));
                    self.pattern(pattern, item);
                }
            }
            _ => {}
        }
    }
}

fn is_literal(expr: &Expr) -> bool {
    constant(expr).is_some() || expr.is_none_literal_expr()
}

/// Reads the expressions of statements that bind nothing: `raise`, `del`.
struct Rest<'w, 'a>(&'w mut Walk<'a>);

impl<'a> Rest<'_, 'a> {
    fn visit_inner(&mut self, statement: &'a Stmt) {
        ast::visitor::walk_stmt(self, statement);
    }
}

impl<'a> Visitor<'a> for Rest<'_, 'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0.expr(expr);
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.0.statement(statement);
    }
}
