//! What a method call says: methods of builtin types, functions of the standard library.

use ruff_python_ast::{self as ast, Expr};

use super::{
    Kind, Part, Role,
    expressions::{constant, kind_of},
    graph::Value,
    statements::Walk,
};

impl<'a> Walk<'a> {
    pub(super) fn method(&mut self, base: Value, name: &str, call: &'a ast::ExprCall) -> Value {
        let values = self.arguments(call);
        for keyword in &call.arguments.keywords {
            if let (Some("key"), "sort", Expr::Lambda(lambda)) = (keyword.arg.as_deref(), name, &keyword.value) {
                let element = self.element(base);
                self.lambda(lambda, &[element]);
            }
        }
        let literal = call.arguments.args.first().and_then(constant);
        let argument = values.first().copied();
        // `date.replace(hour=0)`: texts take no keywords there.
        let text = if name == "replace" && values.is_empty() { None } else { text_method(name) };
        if let Some((kind, result)) = text {
            let bytes = values.iter().any(|value| self.graph.may_be(*value, Kind::Bytes));
            let bytes = bytes || asked_for_bytes(call);
            let kind = if bytes && kind == Kind::Str { Kind::Bytes } else { kind };
            self.graph.vote(base, kind, 3);
            let wants_text = !matches!(name, "join" | "format" | "zfill" | "center" | "ljust" | "rjust");
            for (value, source) in values.iter().zip(&call.arguments.args) {
                if wants_text && !source.is_number_literal_expr() && !source.is_none_literal_expr() {
                    let kind = if bytes { Kind::Bytes } else { Kind::Str };
                    self.graph.vote(*value, kind, if matches!(name, "split" | "encode") { 1 } else { 2 });
                }
            }
            let asked = call.arguments.args.first();
            for literal in literal.into_iter().chain(asked.into_iter().flat_map(members)) {
                match name {
                    "startswith" | "removeprefix" => self.graph.affix(base, literal, false),
                    "endswith" | "removesuffix" => self.graph.affix(base, literal, true),
                    "encode" | "decode" => {}
                    "strip" | "lstrip" | "rstrip" => self.graph.affix(base, literal, name == "rstrip"),
                    _ if wants_text => self.graph.hint(base, literal),
                    _ => {}
                }
            }
            if matches!(name, "strip" | "lstrip" | "rstrip") && call.arguments.args.is_empty() {
                self.graph.play(base, Role::Stripped);
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
            let same =
                matches!(name, "lower" | "upper" | "strip" | "lstrip" | "rstrip" | "casefold" | "title" | "replace");
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
                                let (key, value) =
                                    (graph.part(element, Part::Item(0)), graph.part(element, Part::Item(1)));
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
                let method = graph.part(base, Part::Attribute(name.to_string()));
                self.called(method)
            }
        }
    }

    /// A call of something imported.
    pub(super) fn library(&mut self, module: &str, name: &str, values: &[Value]) -> Value {
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

/// The literals in a tuple: `startswith(('a', 'b'))`.
fn members(expr: &Expr) -> Vec<super::Constant> {
    match expr {
        Expr::Tuple(tuple) => tuple.elts.iter().filter_map(constant).collect(),
        _ => Vec::new(),
    }
}

fn asked_for_bytes(call: &ast::ExprCall) -> bool {
    let first = call.arguments.args.first();
    first.is_some_and(|first| members(first).iter().any(|member| matches!(member, super::Constant::Bytes(_))))
}

/// Methods that only text has: the kind that has it, and the kind of what it gives.
fn text_method(name: &str) -> Option<(Kind, Kind)> {
    Some(match name {
        "upper" | "lower" | "strip" | "lstrip" | "rstrip" | "title" | "capitalize" | "swapcase" | "replace"
        | "join" | "format" | "zfill" | "center" | "ljust" | "rjust" | "translate" | "expandtabs" | "casefold"
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
