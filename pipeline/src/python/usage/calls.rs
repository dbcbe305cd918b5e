//! What a call says about its arguments: functions by name, builtins first.

use ruff_python_ast::{self as ast, Expr};

use super::{Kind, Part, Role, graph::Value, statements::Walk};

impl<'a> Walk<'a> {
    pub(super) fn call(&mut self, call: &'a ast::ExprCall) -> Value {
        match &*call.func {
            Expr::Name(name) if !self.environment.contains_key(name.id.as_str()) => {
                self.named_call(name.id.as_str(), call)
            }
            Expr::Attribute(attribute) => match &*attribute.value {
                Expr::Name(base)
                    if !self.environment.contains_key(base.id.as_str())
                        && !self.globals.contains_key(base.id.as_str()) =>
                {
                    let arguments = self.arguments(call);
                    self.library(base.id.as_str(), attribute.attr.as_str(), &arguments)
                }
                base => {
                    let base = self.expr(base);
                    self.method(base, attribute.attr.as_str(), call)
                }
            },
            function => {
                let function = self.expr(function);
                let arguments = self.arguments(call);
                if arguments.len() == call.arguments.len() && !call.arguments.args.iter().any(Expr::is_starred_expr) {
                    self.graph.play(function, Role::Called(arguments.len()));
                }
                self.called(function)
            }
        }
    }

    pub(super) fn arguments(&mut self, call: &'a ast::ExprCall) -> Vec<Value> {
        let arguments = call.arguments.args.iter().map(|argument| self.expr(argument)).collect();
        call.arguments.keywords.iter().for_each(|keyword| _ = self.expr(&keyword.value));
        arguments
    }

    fn named_call(&mut self, name: &str, call: &'a ast::ExprCall) -> Value {
        let sources = &call.arguments.args;
        if let ("map" | "filter", [Expr::Lambda(lambda), iterables @ ..]) = (name, sources.as_ref()) {
            let mut elements = Vec::new();
            for iterable in iterables {
                let iterable = self.expr(iterable);
                elements.push(self.element(iterable));
            }
            let result = self.lambda(lambda, &elements);
            let made = self.graph.of(Kind::Iterable);
            let element = self.graph.part(made, Part::Element);
            self.graph.unify(element, if name == "map" { result } else { elements.first().copied().unwrap_or(result) });
            return made;
        }
        let values: Vec<Value> = sources.iter().map(|argument| self.expr(argument)).collect();
        let first = values.first().copied().unwrap_or_else(|| self.graph.fresh());
        for keyword in &call.arguments.keywords {
            if let (Some("key"), Expr::Lambda(lambda)) = (keyword.arg.as_deref(), &keyword.value) {
                let element = self.element(first);
                self.lambda(lambda, &[element]);
            }
        }
        let mut keywords = Vec::new();
        for keyword in &call.arguments.keywords {
            let value = self.expr(&keyword.value);
            if let Some(name) = &keyword.arg {
                keywords.push((name.to_string(), value));
            }
        }
        if let Some(result) = self.call_beside(name, &values, &keywords) {
            return result;
        }
        if let ("isinstance" | "issubclass", [_, class]) = (name, sources.as_ref()) {
            if name == "issubclass" {
                self.graph.play(first, Role::Class);
            }
            self.instance(first, class);
            let second = self.expr(class);
            self.graph.play(second, Role::Class);
            return self.graph.of(Kind::Bool);
        }
        if let ("hasattr" | "getattr" | "setattr", [_, Expr::StringLiteral(attribute), rest @ ..]) =
            (name, sources.as_ref())
        {
            let attribute = attribute.value.to_str();
            self.graph.vote(first, Kind::Object, 3);
            if name == "hasattr" {
                self.graph.part(first, Part::Attribute(attribute.to_string()));
                return self.graph.of(Kind::Bool);
            }
            let read = self.graph.part(first, Part::Attribute(attribute.to_string()));
            if let [default] = rest
                && !default.is_none_literal_expr()
            {
                let default = self.expr(default);
                self.graph.unify(read, default);
            }
            return read;
        }
        if let ("map" | "filter", [Expr::Name(function), ..]) = (name, sources.as_ref()) {
            return self.mapped(function.id.as_str(), &values);
        }
        self.builtin(name, first, &values)
    }

    /// `map(int, text)`.
    fn mapped(&mut self, function: &str, values: &[Value]) -> Value {
        let mut elements = Vec::new();
        for iterable in values.iter().skip(1) {
            elements.push(self.element(*iterable));
        }
        let made = self.graph.of(Kind::Iterable);
        let element = self.graph.part(made, Part::Element);
        let first = elements.first().copied().unwrap_or_else(|| self.graph.fresh());
        let result = match (self.environment.get(function).copied(), self.call_beside(function, &elements, &[])) {
            (Some(local), _) => {
                self.graph.play(local, Role::Called(elements.len()));
                self.called(local)
            }
            (None, Some(result)) => result,
            (None, None) => self.builtin(function, first, &elements),
        };
        self.graph.unify(element, result);
        made
    }

    /// What a call of a value gives.
    pub(super) fn called(&mut self, function: Value) -> Value {
        self.graph.vote(function, Kind::Callable, 3);
        self.graph.part(function, Part::Returned)
    }

    pub(super) fn instance(&mut self, value: Value, class: &'a Expr) {
        match class {
            Expr::Tuple(classes) => classes.elts.iter().for_each(|class| self.instance(value, class)),
            Expr::Name(name) => {
                if let Some(kind) = class_kind(name.id.as_str()) {
                    self.graph.vote(value, kind, 3);
                    self.graph.play(value, Role::Instance(kind));
                }
                if name.id.as_str() == "type" {
                    self.graph.play(value, Role::MaybeClass);
                }
            }
            _ => {}
        }
    }

    fn builtin(&mut self, name: &str, first: Value, values: &[Value]) -> Value {
        let graph = &mut self.graph;
        match name {
            "len" => {
                graph.vote(first, Kind::Sized, 2);
                let length = graph.part(first, Part::Length);
                graph.vote(length, Kind::Int, 3);
                length
            }
            "range" => {
                for bound in values {
                    graph.vote(*bound, Kind::Int, 3);
                    graph.play(*bound, Role::Bound);
                }
                let range = graph.fresh();
                graph.vote(range, Kind::Iterable, 1);
                let element = graph.part(range, Part::Element);
                graph.vote(element, Kind::Int, 3);
                range
            }
            "int" => {
                graph.play(first, Role::IntText);
                if values.len() > 1 {
                    graph.vote(first, Kind::Str, 3);
                }
                graph.of(Kind::Int)
            }
            "float" => {
                graph.play(first, Role::FloatText);
                graph.of(Kind::Float)
            }
            "str" | "repr" | "format" | "print" => {
                graph.play(first, Role::Shown);
                graph.of(Kind::Str)
            }
            "bool" => graph.of(Kind::Bool),
            "abs" | "round" | "divmod" | "pow" | "complex" => {
                values.iter().for_each(|value| graph.vote(*value, Kind::Number, 2));
                if let ("pow", Some(exponent)) = (name, values.get(1)) {
                    graph.play(*exponent, Role::Bound);
                }
                if let ("round", Some(digits)) = (name, values.get(1)) {
                    graph.vote(*digits, Kind::Int, 3);
                    graph.play(*digits, Role::Bound);
                }
                graph.of(Kind::Number)
            }
            "bin" | "hex" | "oct" => {
                graph.vote(first, Kind::Int, 3);
                graph.of(Kind::Str)
            }
            "chr" => {
                graph.vote(first, Kind::Int, 3);
                graph.play(first, Role::CodePoint);
                graph.of(Kind::Str)
            }
            "ord" => {
                graph.vote(first, Kind::Str, 3);
                graph.play(first, Role::Character);
                graph.of(Kind::Int)
            }
            "min" | "max" if values.len() > 1 => {
                for other in &values[1..] {
                    graph.unify(first, *other);
                }
                graph.play(first, Role::Ordered);
                first
            }
            "iter" => {
                let element = self.element(first);
                self.collected(name, element)
            }
            "min" | "max" | "next" => {
                if name == "next" {
                    graph.play(first, Role::Iterator);
                }
                let element = self.element(first);
                self.graph.play(first, Role::NotEmpty);
                self.graph.play(element, Role::Ordered);
                element
            }
            "sum" => {
                let element = self.element(first);
                self.graph.vote(element, Kind::Number, 2);
                self.graph.of(Kind::Number)
            }
            "sorted" | "list" | "tuple" | "set" | "frozenset" | "reversed" | "enumerate" | "any" | "all" => {
                let element = self.element(first);
                self.collected(name, element)
            }
            "zip" => {
                let pairs = self.graph.of(Kind::Iterable);
                let pair = self.graph.part(pairs, Part::Element);
                for (at, value) in (0..).zip(values) {
                    let element = self.element(*value);
                    let item = self.graph.part(pair, Part::Item(at));
                    self.graph.unify(item, element);
                }
                pairs
            }
            "dict" => {
                let made = graph.of(Kind::Dict);
                if !values.is_empty() {
                    graph.vote(first, Kind::Dict, 2);
                    graph.unify(first, made);
                }
                made
            }
            "callable" => {
                graph.vote(first, Kind::Callable, 2);
                graph.of(Kind::Bool)
            }
            "open" | "vars" => {
                graph.vote(first, Kind::Object, 1);
                graph.fresh()
            }
            _ => graph.fresh(),
        }
    }

    /// What `list(values)` and its like give.
    fn collected(&mut self, name: &str, element: Value) -> Value {
        let graph = &mut self.graph;
        let kind = match name {
            "any" | "all" => {
                graph.play(element, Role::Truth);
                return graph.of(Kind::Bool);
            }
            "tuple" => Kind::Tuple,
            "set" | "frozenset" => {
                graph.play(element, Role::Hashed);
                Kind::Set
            }
            "reversed" | "enumerate" | "iter" => Kind::Iterable,
            _ => Kind::List,
        };
        if name == "sorted" {
            graph.play(element, Role::Ordered);
        }
        let made = graph.of(kind);
        let mut inside = graph.part(made, Part::Element);
        if name == "enumerate" {
            let count = graph.part(inside, Part::Item(0));
            graph.vote(count, Kind::Int, 3);
            inside = graph.part(inside, Part::Item(1));
        }
        graph.unify(inside, element);
        made
    }
}

/// The kind that a class's name gives.
fn class_kind(name: &str) -> Option<Kind> {
    Some(match name {
        "int" => Kind::Int,
        "float" => Kind::Float,
        "bool" => Kind::Bool,
        "str" | "basestring" | "unicode" => Kind::Str,
        "bytes" | "bytearray" => Kind::Bytes,
        "list" => Kind::List,
        "tuple" => Kind::Tuple,
        "set" | "frozenset" => Kind::Set,
        "dict" => Kind::Dict,
        _ => return None,
    })
}
