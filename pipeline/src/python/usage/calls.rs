//! What a call says about its arguments: builtins, methods of builtin types, functions of the standard library.

use ruff_python_ast::{self as ast, Expr};

use super::{
    Kind, Part, Role,
    expressions::{constant, kind_of},
    graph::Value,
    statements::Walk,
};

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
                self.graph.vote(function, Kind::Callable, 3);
                self.arguments(call);
                self.graph.fresh()
            }
        }
    }

    fn arguments(&mut self, call: &'a ast::ExprCall) -> Vec<Value> {
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
        if let ("isinstance", [_, class]) = (name, sources.as_ref()) {
            self.instance(first, class);
            return self.graph.of(Kind::Bool);
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
        let result = match self.call_beside(function, &elements, &[]) {
            Some(result) => result,
            None => self.builtin(function, first, &elements),
        };
        self.graph.unify(element, result);
        made
    }

    fn instance(&mut self, value: Value, class: &'a Expr) {
        match class {
            Expr::Tuple(classes) => classes.elts.iter().for_each(|class| self.instance(value, class)),
            Expr::Name(name) => {
                if let Some(kind) = class_kind(name.id.as_str()) {
                    self.graph.vote(value, kind, 3);
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
                graph.of(Kind::Int)
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
            "min" | "max" | "next" | "iter" => {
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
            "open" | "getattr" | "setattr" | "vars" => {
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
            "reversed" | "enumerate" => Kind::Iterable,
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

    fn method(&mut self, base: Value, name: &str, call: &'a ast::ExprCall) -> Value {
        let values = self.arguments(call);
        for keyword in &call.arguments.keywords {
            if let (Some("key"), "sort", Expr::Lambda(lambda)) = (keyword.arg.as_deref(), name, &keyword.value) {
                let element = self.element(base);
                self.lambda(lambda, &[element]);
            }
        }
        let literal = call.arguments.args.first().and_then(constant);
        let argument = values.first().copied();
        if let Some((kind, result)) = text_method(name) {
            self.graph.vote(base, kind, 3);
            let wants_text = !matches!(name, "join" | "format" | "zfill" | "center" | "ljust" | "rjust");
            for (value, source) in values.iter().zip(&call.arguments.args) {
                if wants_text && !source.is_number_literal_expr() && !source.is_none_literal_expr() {
                    let kind = if kind == Kind::Bytes { Kind::Object } else { Kind::Str };
                    self.graph.vote(*value, kind, if matches!(name, "split" | "encode") { 1 } else { 2 });
                }
            }
            if let (true, Some(literal)) = (wants_text, literal) {
                self.graph.hint(base, literal);
            }
            let made = self.graph.of(result);
            match (name, argument) {
                ("join", Some(parts)) => {
                    let element = self.element(parts);
                    self.graph.vote(element, Kind::Str, 2);
                }
                ("format", _) => values.iter().for_each(|value| self.graph.play(*value, Role::Shown)),
                ("zfill" | "center" | "ljust" | "rjust", Some(width)) => self.graph.vote(width, Kind::Int, 3),
                _ => {}
            }
            if result == Kind::List {
                let element = self.graph.part(made, Part::Element);
                self.graph.vote(element, Kind::Str, 3);
                let pieces = self.graph.part(base, Part::Pieces);
                self.graph.unify(pieces, made);
                return pieces;
            }
            // Still about the same text: what is looked for in it is looked for in the original.
            let same = matches!(name, "lower" | "upper" | "strip" | "lstrip" | "rstrip" | "casefold" | "title" | "replace");
            return if same { base } else { made };
        }
        self.container_method(base, name, argument, literal)
    }

    fn container_method(
        &mut self,
        base: Value,
        name: &str,
        argument: Option<Value>,
        literal: Option<super::Constant>,
    ) -> Value {
        let graph = &mut self.graph;
        match name {
            "append" | "extend" | "insert" | "sort" | "reverse" | "remove" => {
                graph.vote(base, Kind::List, 3);
                if let ("append" | "remove", Some(argument)) = (name, argument) {
                    let element = graph.part(base, Part::Element);
                    graph.unify(element, argument);
                }
                if let ("extend", Some(argument)) = (name, argument) {
                    graph.vote(argument, Kind::Iterable, 2);
                }
                graph.fresh()
            }
            "items" | "keys" | "values" | "get" | "setdefault" | "popitem" => {
                graph.vote(base, Kind::Dict, 3);
                match (name, argument, literal) {
                    ("get" | "setdefault", _, Some(super::Constant::Str(key))) => graph.part(base, Part::Entry(key)),
                    ("get" | "setdefault", Some(key), _) => {
                        for member in graph.members(base) {
                            graph.vote(key, kind_of(&member), 2);
                            graph.compare(key, member);
                        }
                        let known = graph.part(base, Part::Key);
                        graph.unify(known, key);
                        graph.part(base, Part::Value)
                    }
                    _ => {
                        let parts = (graph.part(base, Part::Key), graph.part(base, Part::Value));
                        let made = graph.of(Kind::Iterable);
                        let element = graph.part(made, Part::Element);
                        match name {
                            "keys" => graph.unify(element, parts.0),
                            "values" => graph.unify(element, parts.1),
                            _ => {
                                let (key, value) = (graph.part(element, Part::Item(0)), graph.part(element, Part::Item(1)));
                                graph.unify(key, parts.0);
                                graph.unify(value, parts.1);
                            }
                        }
                        made
                    }
                }
            }
            "add" | "union" | "intersection" | "difference" | "issubset" | "issuperset" | "discard" => {
                graph.vote(base, Kind::Set, 3);
                if let (false, Some(argument)) = (matches!(name, "add" | "discard"), argument) {
                    graph.vote(argument, Kind::Iterable, 2);
                    graph.unify(base, argument);
                }
                base
            }
            "index" | "count" => {
                graph.vote(base, Kind::Sequence, 2);
                graph.vote(base, Kind::Iterable, 1);
                if let Some(argument) = argument {
                    if graph.may_be(argument, Kind::Str) {
                        graph.vote(base, Kind::Str, 2);
                    }
                    let element = graph.part(base, Part::Element);
                    graph.unify(element, argument);
                }
                if let Some(literal) = literal {
                    graph.hint(base, literal);
                }
                graph.of(Kind::Int)
            }
            "pop" => {
                let dict = matches!(literal, Some(super::Constant::Str(_)));
                graph.vote(base, if dict { Kind::Dict } else { Kind::List }, 2);
                graph.play(base, Role::NotEmpty);
                graph.part(base, Part::Element)
            }
            "copy" => {
                graph.vote(base, Kind::List, 1);
                base
            }
            "update" => {
                graph.vote(base, Kind::Dict, 1);
                if let Some(argument) = argument {
                    graph.unify(base, argument);
                }
                graph.fresh()
            }
            "is_integer" | "conjugate" | "hex" => {
                graph.vote(base, Kind::Float, 3);
                graph.fresh()
            }
            "bit_length" | "bit_count" | "to_bytes" => {
                graph.vote(base, Kind::Int, 3);
                graph.of(Kind::Int)
            }
            _ => {
                graph.vote(base, Kind::Object, 3);
                graph.part(base, Part::Attribute(name.to_string()))
            }
        }
    }

    /// A call of something imported.
    fn library(&mut self, module: &str, name: &str, values: &[Value]) -> Value {
        let first = values.first().copied().unwrap_or_else(|| self.graph.fresh());
        let graph = &mut self.graph;
        match (module, name) {
            ("math" | "np" | "numpy" | "cmath", "factorial" | "comb" | "perm" | "isqrt" | "gcd" | "lcm") => {
                for value in values {
                    graph.vote(*value, Kind::Int, 3);
                    graph.play(*value, Role::Positive);
                    if name == "factorial" {
                        graph.play(*value, Role::Bound);
                    }
                }
                graph.of(Kind::Int)
            }
            ("math" | "cmath", _) => {
                for value in values {
                    graph.vote(*value, Kind::Number, 3);
                    match name {
                        "sqrt" | "log" | "log2" | "log10" | "acos" | "asin" => graph.play(*value, Role::Positive),
                        "exp" | "pow" => graph.play(*value, Role::Bound),
                        _ => {}
                    }
                }
                graph.of(Kind::Number)
            }
            ("re", _) => {
                let text = if matches!(name, "sub" | "subn") { values.get(2) } else { values.get(1) };
                if let Some(text) = text {
                    graph.vote(*text, Kind::Str, 3);
                }
                graph.vote(first, Kind::Str, 1);
                if name == "sub" { graph.of(Kind::Str) } else { graph.fresh() }
            }
            ("json", "loads") => {
                graph.vote(first, Kind::Str, 3);
                graph.play(first, Role::Json);
                graph.fresh()
            }
            ("json", "dumps") | ("copy", _) => first,
            ("str" | "string", _) => {
                graph.vote(first, Kind::Str, 2);
                graph.of(Kind::Str)
            }
            ("itertools" | "collections" | "Counter" | "random" | "statistics" | "heapq", _) => {
                graph.vote(first, Kind::Iterable, 1);
                graph.fresh()
            }
            ("os" | "path", "getenv" | "basename" | "dirname") => {
                graph.vote(first, Kind::Str, 2);
                graph.of(Kind::Str)
            }
            _ => graph.fresh(),
        }
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

/// Methods that only text has: the kind that has it, and the kind of what it gives.
fn text_method(name: &str) -> Option<(Kind, Kind)> {
    Some(match name {
        "upper" | "lower" | "strip" | "lstrip" | "rstrip" | "title" | "capitalize" | "swapcase" | "replace" | "join"
        | "format" | "zfill" | "center" | "ljust" | "rjust" | "translate" | "expandtabs" | "casefold"
        | "removeprefix" | "removesuffix" | "format_map" => (Kind::Str, Kind::Str),
        "split" | "rsplit" | "splitlines" | "partition" | "rpartition" => (Kind::Str, Kind::List),
        "startswith" | "endswith" | "isdigit" | "isalpha" | "isalnum" | "isupper" | "islower" | "isspace"
        | "isnumeric" | "isdecimal" | "isidentifier" | "istitle" | "isascii" | "isprintable" => (Kind::Str, Kind::Bool),
        "find" | "rfind" | "rindex" => (Kind::Str, Kind::Int),
        "encode" => (Kind::Str, Kind::Bytes),
        "decode" => (Kind::Bytes, Kind::Str),
        _ => return None,
    })
}
