//! What an expression says about the values in it.

use ruff_python_ast::{self as ast, Expr, Number, UnaryOp};

use super::{Constant, Kind, Part, Role, graph::Value, statements::Walk};

impl<'a> Walk<'a> {
    /// Reads an expression and gives its value.
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Value {
        match expr {
            Expr::Name(name) => self.name(name.id.as_str()),
            Expr::Call(call) => self.call(call),
            Expr::BinOp(binary) => self.binary(&binary.left, binary.op, &binary.right),
            Expr::Compare(compare) => self.compare(compare),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Attribute(attribute) => {
                let base = self.expr(&attribute.value);
                self.graph.vote(base, Kind::Object, 2);
                self.graph.part(base, Part::Attribute(attribute.attr.to_string()))
            }
            Expr::UnaryOp(unary) => {
                let operand = self.expr(&unary.operand);
                match unary.op {
                    UnaryOp::Not => {
                        self.graph.play(operand, Role::Truth);
                        self.graph.of(Kind::Bool)
                    }
                    UnaryOp::Invert => self.voted(operand, Kind::Int, 2),
                    UnaryOp::USub | UnaryOp::UAdd => self.voted(operand, Kind::Number, 2),
                }
            }
            Expr::BoolOp(operation) => {
                let values: Vec<Value> = operation.values.iter().map(|value| self.expr(value)).collect();
                values.iter().for_each(|value| self.graph.play(*value, Role::Truth));
                values.last().copied().unwrap_or_else(|| self.graph.fresh())
            }
            Expr::If(choice) => {
                let test = self.expr(&choice.test);
                self.graph.play(test, Role::Truth);
                let (body, _) = (self.expr(&choice.body), self.expr(&choice.orelse));
                body
            }
            Expr::List(list) => self.literal_of(Kind::List, &list.elts),
            Expr::Set(set) => self.literal_of(Kind::Set, &set.elts),
            Expr::Tuple(tuple) => self.tuple(&tuple.elts),
            Expr::Dict(dict) => self.dict(dict),
            Expr::ListComp(comp) => self.comprehension(Kind::List, &comp.generators, &comp.elt),
            Expr::SetComp(comp) => self.comprehension(Kind::Set, &comp.generators, &comp.elt),
            Expr::Generator(comp) => self.comprehension(Kind::Iterable, &comp.generators, &comp.elt),
            Expr::DictComp(comp) => {
                let around = self.environment.clone();
                self.generators(&comp.generators);
                if let Some(key) = &comp.key {
                    let key = self.expr(key);
                    self.graph.play(key, Role::Hashed);
                }
                self.expr(&comp.value);
                self.environment = around;
                self.graph.of(Kind::Dict)
            }
            Expr::FString(text) => {
                for element in text.value.elements().filter_map(|element| element.as_interpolation()) {
                    let shown = self.expr(&element.expression);
                    self.graph.play(shown, Role::Shown);
                    if element.format_spec.is_some() {
                        self.graph.vote(shown, Kind::Number, 1);
                    }
                }
                self.graph.of(Kind::Str)
            }
            Expr::Lambda(lambda) => {
                self.lambda(lambda, &[]);
                self.graph.of(Kind::Callable)
            }
            Expr::Named(named) => {
                let value = self.expr(&named.value);
                self.bind(&named.target, value);
                value
            }
            Expr::Starred(starred) => {
                let value = self.expr(&starred.value);
                self.graph.vote(value, Kind::Iterable, 1);
                value
            }
            Expr::Yield(ast::ExprYield { value: Some(value), .. }) => self.expr(value),
            Expr::YieldFrom(from) => {
                let value = self.expr(&from.value);
                self.voted(value, Kind::Iterable, 2)
            }
            Expr::Await(awaited) => self.expr(&awaited.value),
            Expr::NumberLiteral(number) => match number.value {
                Number::Int(_) => self.graph.of(Kind::Int),
                Number::Float(_) => self.graph.of(Kind::Float),
                Number::Complex { .. } => self.graph.fresh(),
            },
            Expr::StringLiteral(_) => self.graph.of(Kind::Str),
            Expr::BytesLiteral(_) => self.graph.of(Kind::Bytes),
            Expr::BooleanLiteral(_) => self.graph.of(Kind::Bool),
            _ => self.graph.fresh(),
        }
    }

    fn name(&mut self, name: &str) -> Value {
        if let Some(value) = self.environment.get(name) {
            return *value;
        }
        let Some(global) = self.globals.get(name).copied() else { return self.graph.fresh() };
        // Once only, so that a global defined by itself ends.
        let value = self.graph.fresh();
        self.environment.insert(name.to_string(), value);
        let read = self.expr(global);
        self.graph.unify(value, read);
        value
    }

    /// Votes and gives the value on.
    pub(super) fn voted(&mut self, value: Value, kind: Kind, weight: u32) -> Value {
        self.graph.vote(value, kind, weight);
        value
    }

    fn literal_of(&mut self, kind: Kind, elements: &'a [Expr]) -> Value {
        let literal = self.graph.of(kind);
        for element in elements {
            let value = self.expr(element);
            if let Some(constant) = constant(element) {
                self.graph.add_member(literal, constant);
            }
            let common = self.graph.part(literal, Part::Element);
            self.graph.unify(common, value);
        }
        literal
    }

    fn tuple(&mut self, elements: &'a [Expr]) -> Value {
        let tuple = self.graph.of(Kind::Tuple);
        for (at, element) in (0..).zip(elements) {
            let value = self.expr(element);
            if let Some(constant) = constant(element) {
                self.graph.add_member(tuple, constant);
            }
            let item = self.graph.part(tuple, Part::Item(at));
            self.graph.unify(item, value);
        }
        tuple
    }

    fn dict(&mut self, dict: &'a ast::ExprDict) -> Value {
        let literal = self.graph.of(Kind::Dict);
        for item in &dict.items {
            if let Some(key) = &item.key {
                let value = self.expr(key);
                self.graph.play(value, Role::Hashed);
                if let Some(constant) = constant(key) {
                    self.graph.add_member(literal, constant);
                }
            }
            let value = self.expr(&item.value);
            if item.key.is_none() {
                self.graph.vote(value, Kind::Dict, 3);
            }
        }
        literal
    }

    fn subscript(&mut self, subscript: &'a ast::ExprSubscript) -> Value {
        let base = self.expr(&subscript.value);
        match &*subscript.slice {
            Expr::Slice(slice) => {
                self.graph.vote(base, Kind::Sequence, 3);
                for bound in [&slice.lower, &slice.upper, &slice.step].into_iter().flatten() {
                    let bound = self.expr(bound);
                    self.graph.vote(bound, Kind::Int, 3);
                }
                // A slice is of the same kind, but what is demanded of its length says nothing of the whole.
                base
            }
            key => match constant(key) {
                Some(Constant::Str(key)) => {
                    self.graph.vote(base, Kind::Dict, 3);
                    self.graph.part(base, Part::Entry(key))
                }
                Some(Constant::Int(at)) => {
                    self.graph.vote(base, Kind::Sequence, 2);
                    self.graph.part(base, Part::Item(at))
                }
                _ => self.looked_up(base, key),
            },
        }
    }

    /// `base[key]` where the key is no constant.
    fn looked_up(&mut self, base: Value, key: &'a Expr) -> Value {
        let index = self.expr(key);
        let graph = &mut self.graph;
        let members = graph.members(base);
        if graph.may_be(base, Kind::Dict) {
            for member in members {
                graph.vote(index, kind_of(&member), 2);
                graph.compare(index, member);
            }
            let known = graph.part(base, Part::Key);
            graph.unify(known, index);
            return graph.part(base, Part::Value);
        }
        if key.is_tuple_expr() {
            graph.vote(base, Kind::Object, 1);
            return graph.fresh();
        }
        if graph.may_be(index, Kind::Str) {
            graph.vote(base, Kind::Dict, 2);
            return graph.part(base, Part::Value);
        }
        // `x in b` and `b[x]`: what is looked for is a key.
        if graph.plays(base, Role::Container)
            && let Some(element) = graph.known_part(base, &Part::Element)
            && graph.same(element, index)
        {
            graph.vote(base, Kind::Dict, 4);
            let key = graph.part(base, Part::Key);
            graph.unify(key, index);
            return graph.part(base, Part::Value);
        }
        graph.vote(base, Kind::Sequence, 2);
        graph.vote(index, Kind::Int, 2);
        graph.play(index, Role::Index);
        graph.play(base, Role::Subscripted);
        graph.part(base, Part::Element)
    }

    fn comprehension(&mut self, kind: Kind, generators: &'a [ast::Comprehension], element: &'a Expr) -> Value {
        let around = self.environment.clone();
        self.generators(generators);
        let element = self.expr(element);
        self.environment = around;
        let made = self.graph.of(kind);
        let common = self.graph.part(made, Part::Element);
        self.graph.unify(common, element);
        made
    }

    fn generators(&mut self, generators: &'a [ast::Comprehension]) {
        for generator in generators {
            let iterated = self.expr(&generator.iter);
            let element = self.element(iterated);
            self.bind(&generator.target, element);
            for condition in &generator.ifs {
                let condition = self.expr(condition);
                self.graph.play(condition, Role::Truth);
            }
        }
    }

    /// What `for` gives of a value.
    pub(super) fn element(&mut self, iterated: Value) -> Value {
        self.graph.vote(iterated, Kind::Iterable, 2);
        if self.graph.may_be(iterated, Kind::Dict) {
            return self.graph.part(iterated, Part::Key);
        }
        self.graph.part(iterated, Part::Element)
    }

    /// A lambda that is called with `arguments`.
    pub(super) fn lambda(&mut self, lambda: &'a ast::ExprLambda, arguments: &[Value]) -> Value {
        let around = self.environment.clone();
        let parameters = lambda.parameters.iter().flat_map(|parameters| parameters.iter_non_variadic_params());
        for (at, parameter) in parameters.enumerate() {
            let value = arguments.get(at).copied().unwrap_or_else(|| self.graph.fresh());
            self.environment.insert(parameter.name().to_string(), value);
        }
        let result = self.expr(&lambda.body);
        self.environment = around;
        result
    }
}

/// The literal that an expression is.
pub(super) fn constant(expr: &Expr) -> Option<Constant> {
    match expr {
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(value) => value.as_i64().map(Constant::Int),
            Number::Float(value) => Some(Constant::Float(*value)),
            Number::Complex { .. } => None,
        },
        Expr::UnaryOp(unary) if unary.op == UnaryOp::USub => match constant(&unary.operand)? {
            Constant::Int(value) => Some(Constant::Int(value.checked_neg()?)),
            Constant::Float(value) => Some(Constant::Float(-value)),
            _ => None,
        },
        Expr::StringLiteral(text) => Some(Constant::Str(text.value.to_str().to_string())),
        Expr::BytesLiteral(bytes) => Some(Constant::Bytes(bytes.value.bytes().collect())),
        Expr::BooleanLiteral(truth) => Some(Constant::Bool(truth.value)),
        _ => None,
    }
}

pub(super) fn kind_of(constant: &Constant) -> Kind {
    match constant {
        Constant::Int(_) => Kind::Int,
        Constant::Float(_) => Kind::Float,
        Constant::Str(_) => Kind::Str,
        Constant::Bytes(_) => Kind::Bytes,
        Constant::Bool(_) => Kind::Bool,
    }
}
