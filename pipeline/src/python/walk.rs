//! One walk over a statement's tree: which scope mentions which name how, in the order in which CPython's symbol table
//! meets them.

use std::borrow::Cow;

use ruff_python_ast::{
    self as ast, Expr, ExprContext, Stmt,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::{
    known,
    names::imported_name,
    scope::{Name, ScopeKind, Scopes, flag},
};

/// What the walk has found so far.
pub(super) struct Walk<'a> {
    pub scopes: Scopes<'a>,
    /// The innermost class, which mangles names like `__x`.
    class: Option<&'a str>,
    /// Inside the target of a comprehension's `for`.
    iterated: bool,
    pub returns: bool,
    pub imports: bool,
    pub annotated: bool,
    pub docstrings: Vec<TextRange>,
    error: Option<(TextSize, String)>,
}

impl<'a> Walk<'a> {
    /// Walks one module-level statement as if it stood alone.
    ///
    /// # Errors
    /// What CPython's symbol table refuses: the offset and the words.
    pub fn over(statement: &'a Stmt) -> Result<Self, (TextSize, String)> {
        let mut walk = Self {
            scopes: Scopes::new(),
            class: None,
            iterated: false,
            returns: false,
            imports: false,
            annotated: false,
            docstrings: Vec::new(),
            error: None,
        };
        walk.visit_stmt(statement);
        if let Some(error) = walk.error {
            return Err(error);
        }
        match walk.scopes.error() {
            Some(words) => Err((statement.start(), words)),
            None => Ok(walk),
        }
    }

    fn fail(&mut self, at: TextSize, words: impl Into<String>) {
        self.error.get_or_insert_with(|| (at, words.into()));
    }

    fn mangle(&self, name: &'a str) -> Name<'a> {
        let private = name.starts_with("__") && !name.ends_with("__") && !name.contains('.');
        match self.class.map(|class| class.trim_start_matches('_')) {
            Some(class) if private && !class.is_empty() => Cow::Owned(format!("_{class}{name}")),
            _ => Cow::Borrowed(name),
        }
    }

    fn bind(&mut self, name: &'a str, flags: u16) {
        let name = self.mangle(name);
        self.scopes.add(name, flags);
    }

    fn annotation(&mut self, annotation: Option<&'a Expr>) {
        if let Some(annotation) = annotation {
            self.annotated = true;
            self.visit_expr(annotation);
        }
    }

    /// Default values belong to the scope around the function.
    fn defaults(&mut self, parameters: &'a ast::Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
        }
    }

    fn parameters(&mut self, parameters: &'a ast::Parameters) {
        for parameter in parameters.iter() {
            let name = self.mangle(parameter.name().as_str());
            if self.scopes.flags(&name) & flag::PARAM != 0 {
                self.fail(parameter.name().start(), format!("duplicate argument '{name}' in function definition"));
            }
            self.scopes.add(name, flag::PARAM);
        }
    }

    fn type_parameters(&mut self, parameters: &'a ast::TypeParams) {
        self.scopes.enter(ScopeKind::Function);
        for parameter in &parameters.type_params {
            let name = parameter.name();
            if self.scopes.flags(name) & flag::PARAM != 0 {
                self.fail(name.start(), format!("duplicate type parameter '{name}'"));
            }
            self.bind(name.as_str(), flag::PARAM);
        }
        visitor::walk_type_params(self, parameters);
    }

    fn docstring(&mut self, body: &'a [Stmt]) {
        if let Some(Stmt::Expr(first)) = body.first()
            && first.value.is_string_literal_expr()
        {
            self.docstrings.push(first.range());
        }
    }

    fn function(&mut self, def: &'a ast::StmtFunctionDef) {
        self.bind(def.name.as_str(), flag::LOCAL);
        self.defaults(&def.parameters);
        for decorator in &def.decorator_list {
            self.visit_decorator(decorator);
        }
        if let Some(parameters) = &def.type_params {
            self.type_parameters(parameters);
        }
        for parameter in def.parameters.iter() {
            self.annotation(parameter.annotation());
        }
        self.annotation(def.returns.as_deref());
        self.scopes.enter(ScopeKind::Function);
        self.parameters(&def.parameters);
        self.docstring(&def.body);
        self.visit_body(&def.body);
        self.scopes.leave();
        if def.type_params.is_some() {
            self.scopes.leave();
        }
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) {
        self.bind(class.name.as_str(), flag::LOCAL);
        for decorator in &class.decorator_list {
            self.visit_decorator(decorator);
        }
        if let Some(parameters) = &class.type_params {
            self.type_parameters(parameters);
        }
        if let Some(arguments) = &class.arguments {
            self.visit_arguments(arguments);
        }
        self.scopes.enter(ScopeKind::Class);
        let around = self.class.replace(class.name.as_str());
        self.docstring(&class.body);
        self.visit_body(&class.body);
        self.class = around;
        self.scopes.leave();
        if class.type_params.is_some() {
            self.scopes.leave();
        }
    }

    fn comprehension(&mut self, generators: &'a [ast::Comprehension], elements: [Option<&'a Expr>; 2]) {
        let Some(outermost) = generators.first() else { return };
        self.iterable(&outermost.iter);
        self.scopes.enter(ScopeKind::Comprehension);
        for (nth, generator) in generators.iter().enumerate() {
            self.iterated = true;
            self.visit_expr(&generator.target);
            self.iterated = false;
            if nth > 0 {
                self.iterable(&generator.iter);
            }
            for condition in &generator.ifs {
                self.visit_expr(condition);
            }
        }
        for element in elements.into_iter().flatten() {
            self.visit_expr(element);
        }
        self.scopes.leave();
    }

    fn iterable(&mut self, iterable: &'a Expr) {
        self.scopes.current().iterables += 1;
        self.visit_expr(iterable);
        self.scopes.current().iterables -= 1;
    }

    fn walrus(&mut self, named: &'a ast::ExprNamed) {
        if self.scopes.current().iterables > 0 {
            self.fail(named.start(), "assignment expression cannot be used in a comprehension iterable expression");
        }
        if let (ScopeKind::Comprehension, Expr::Name(target)) = (self.scopes.current().kind, &*named.target) {
            let name = self.mangle(target.id.as_str());
            if let Err(words) = self.scopes.add_walrus(&name) {
                self.fail(named.start(), words);
            }
        }
        self.visit_expr(&named.value);
        self.visit_expr(&named.target);
    }

    /// `global` and `nonlocal` come before any other mention of the name in their scope.
    fn declare(&mut self, names: &'a [ast::Identifier], flags: u16) {
        let word = if flags == flag::GLOBAL { "global" } else { "nonlocal" };
        if flags == flag::NONLOCAL && self.scopes.current().kind == ScopeKind::Module {
            let at = names.first().map(Ranged::start).unwrap_or_default();
            self.fail(at, "nonlocal declaration not allowed at module level");
        }
        for identifier in names {
            let name = self.mangle(identifier.as_str());
            let seen = self.scopes.flags(&name);
            let at = identifier.start();
            if seen & flag::PARAM != 0 {
                self.fail(at, format!("name '{name}' is parameter and {word}"));
            } else if seen & flag::USE != 0 {
                self.fail(at, format!("name '{name}' is used prior to {word} declaration"));
            } else if seen & flag::ANNOTATED != 0 {
                self.fail(at, format!("annotated name '{name}' can't be {word}"));
            } else if seen & flag::LOCAL != 0 {
                self.fail(at, format!("name '{name}' is assigned to before {word} declaration"));
            } else if (seen | flags) & (flag::GLOBAL | flag::NONLOCAL) == flag::GLOBAL | flag::NONLOCAL {
                self.fail(at, format!("name '{name}' is nonlocal and global"));
            }
            self.scopes.add(name, flags);
        }
    }

    fn annotated_assignment(&mut self, assign: &'a ast::StmtAnnAssign) {
        match &*assign.target {
            Expr::Name(target) => {
                let name = self.mangle(target.id.as_str());
                let declared = self.scopes.flags(&name) & (flag::GLOBAL | flag::NONLOCAL) != 0;
                if declared && assign.simple && self.scopes.current().kind != ScopeKind::Module {
                    self.fail(assign.start(), format!("annotated name '{name}' can't be global"));
                }
                if assign.simple {
                    self.scopes.add(name, flag::ANNOTATED | flag::LOCAL);
                } else if assign.value.is_some() {
                    self.scopes.add(name, flag::LOCAL);
                }
            }
            target => self.visit_expr(target),
        }
        self.annotation(Some(&assign.annotation));
        if let Some(value) = &assign.value {
            self.visit_expr(value);
        }
    }

    fn import_from(&mut self, import: &'a ast::StmtImportFrom) {
        let future = import.module.as_ref().is_some_and(|module| module.as_str() == "__future__");
        for alias in &import.names {
            if future && !known::is_future_feature(&alias.name) {
                self.fail(import.start(), format!("future feature {} is not defined", alias.name));
            }
            if alias.name.as_str() != "*" {
                self.bind(imported_name(alias, false), flag::IMPORT);
            } else if self.scopes.current().kind != ScopeKind::Module {
                self.fail(import.start(), "import * only allowed at module level");
            }
        }
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(def) => return self.function(def),
            Stmt::ClassDef(class) => return self.class(class),
            Stmt::AnnAssign(assign) => return self.annotated_assignment(assign),
            Stmt::Global(global) => return self.declare(&global.names, flag::GLOBAL),
            Stmt::Nonlocal(nonlocal) => return self.declare(&nonlocal.names, flag::NONLOCAL),
            Stmt::Return(_) => self.returns = true,
            // The parser lets this one pass.
            Stmt::Try(attempt) if attempt.handlers.is_empty() && !attempt.orelse.is_empty() => {
                self.fail(attempt.start(), "expected 'except' block");
            }
            Stmt::Import(import) => {
                self.imports = true;
                for alias in &import.names {
                    self.bind(imported_name(alias, true), flag::IMPORT);
                }
            }
            Stmt::ImportFrom(import) => {
                self.imports = true;
                self.import_from(import);
            }
            Stmt::TypeAlias(alias) => {
                self.visit_expr(&alias.name);
                // The value is evaluated when asked for, in a scope of its own.
                match &alias.type_params {
                    Some(parameters) => self.type_parameters(parameters),
                    None => self.scopes.enter(ScopeKind::Function),
                }
                self.visit_expr(&alias.value);
                return self.scopes.leave();
            }
            _ => {}
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                let iterated = if self.iterated { flag::ITERATED } else { 0 };
                match name.ctx {
                    ExprContext::Load => self.bind(name.id.as_str(), flag::USE),
                    _ => self.bind(name.id.as_str(), flag::LOCAL | iterated),
                }
                let in_function = matches!(self.scopes.current().kind, ScopeKind::Function | ScopeKind::Comprehension);
                if in_function && name.ctx.is_load() && name.id.as_str() == "super" {
                    self.scopes.add(Cow::Borrowed("__class__"), flag::USE);
                }
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.defaults(parameters);
                }
                self.scopes.enter(ScopeKind::Function);
                if let Some(parameters) = &lambda.parameters {
                    self.parameters(parameters);
                }
                self.visit_expr(&lambda.body);
                self.scopes.leave();
            }
            Expr::ListComp(comp) => self.comprehension(&comp.generators, [Some(&comp.elt), None]),
            Expr::SetComp(comp) => self.comprehension(&comp.generators, [Some(&comp.elt), None]),
            Expr::Generator(comp) => self.comprehension(&comp.generators, [Some(&comp.elt), None]),
            Expr::DictComp(comp) => self.comprehension(&comp.generators, [comp.key.as_deref(), Some(&comp.value)]),
            Expr::Named(named) => self.walrus(named),
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                if self.scopes.current().kind == ScopeKind::Comprehension {
                    self.fail(expr.start(), "'yield' inside a comprehension");
                }
                visitor::walk_expr(self, expr);
            }
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(caught) = handler;
        if let Some(name) = &caught.name {
            self.bind(name.as_str(), flag::LOCAL);
        }
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        let captured = match pattern {
            ast::Pattern::MatchAs(capture) => capture.name.as_ref(),
            ast::Pattern::MatchStar(rest) => rest.name.as_ref(),
            ast::Pattern::MatchMapping(mapping) => mapping.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = captured {
            self.bind(name.as_str(), flag::LOCAL);
        }
        visitor::walk_pattern(self, pattern);
    }
}
