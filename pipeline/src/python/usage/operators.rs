//! What an operator says about the values on its sides.

use ruff_python_ast::{self as ast, CmpOp, Expr, Operator};

use super::{
    Constant, Kind, Part, Role,
    expressions::{constant, kind_of},
    graph::Value,
    statements::Walk,
};

impl<'a> Walk<'a> {
    /// An operator between two values; `a += b` comes here too.
    pub(super) fn binary(&mut self, left: &'a Expr, op: Operator, right: &'a Expr) -> Value {
        let (a, b) = (self.expr(left), self.expr(right));
        let literal = |expr: &Expr| matches!(expr, Expr::NumberLiteral(_));
        let graph = &mut self.graph;
        match op {
            Operator::Add => {
                graph.play(a, Role::Added);
                graph.play(b, Role::Added);
                if literal(left) || literal(right) {
                    let other = if literal(left) { b } else { a };
                    graph.vote(other, Kind::Number, 2);
                    return graph.of(Kind::Number);
                }
                graph.unify(a, b);
                // The sum may be rebound to something else; it shares the kind, not the name.
                a
            }
            Operator::Mult => {
                for (one, other) in [(a, b), (b, a)] {
                    graph.play(one, Role::Multiplied);
                    if [Kind::Str, Kind::List, Kind::Tuple].into_iter().any(|kind| graph.may_be(one, kind)) {
                        graph.vote(other, Kind::Int, 2);
                        graph.play(other, Role::Bound);
                        return one;
                    }
                }
                graph.vote(a, Kind::Number, 1);
                graph.vote(b, Kind::Number, 1);
                graph.of(Kind::Number)
            }
            Operator::Mod if graph.may_be(a, Kind::Str) => {
                graph.play(b, Role::Shown);
                graph.of(Kind::Str)
            }
            Operator::Pow | Operator::LShift | Operator::RShift => {
                graph.vote(a, if op == Operator::Pow { Kind::Number } else { Kind::Int }, 2);
                graph.vote(b, if op == Operator::Pow { Kind::Number } else { Kind::Int }, 2);
                if !literal(right) {
                    graph.play(b, Role::Bound);
                }
                graph.of(Kind::Number)
            }
            Operator::BitAnd | Operator::BitOr | Operator::BitXor => {
                graph.vote(a, Kind::Int, 1);
                graph.vote(b, Kind::Int, 1);
                graph.unify(a, b);
                a
            }
            Operator::Sub | Operator::Div | Operator::FloorDiv | Operator::Mod | Operator::MatMult => {
                let whole = matches!(op, Operator::Mod | Operator::FloorDiv);
                for value in [a, b] {
                    graph.vote(value, Kind::Number, 2);
                    if whole {
                        graph.vote(value, Kind::Int, 1);
                    }
                }
                if op != Operator::Sub {
                    graph.play(b, Role::Divisor);
                }
                graph.of(Kind::Number)
            }
        }
    }

    pub(super) fn compare(&mut self, compare: &'a ast::ExprCompare) -> Value {
        let mut left = &*compare.left;
        let mut a = self.expr(left);
        for (op, right) in compare.ops.iter().zip(&compare.comparators) {
            let b = self.expr(right);
            match op {
                CmpOp::In | CmpOp::NotIn => self.contained(left, a, right, b),
                CmpOp::Is | CmpOp::IsNot => {}
                _ => {
                    for (literal, other, value) in [(right, left, a), (left, right, b)] {
                        if let Some(constant) = constant(literal) {
                            self.compared(other, value, constant);
                        }
                        self.typed(other, literal);
                    }
                    if matches!(op, CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE) {
                        self.graph.play(a, Role::Ordered);
                        self.graph.play(b, Role::Ordered);
                        // `x < 5` does not say that x is whole.
                        for (literal, value) in [(right, a), (left, b)] {
                            if literal.is_number_literal_expr() {
                                self.graph.vote(value, Kind::Number, 2);
                            }
                        }
                    }
                    if !left.is_number_literal_expr() && !right.is_number_literal_expr() {
                        self.graph.unify(a, b);
                    } else {
                        self.graph.vote(a, Kind::Number, 1);
                        self.graph.vote(b, Kind::Number, 1);
                    }
                }
            }
            if right.is_none_literal_expr() {
                self.graph.play(a, Role::MaybeNone);
            }
            (left, a) = (right, b);
        }
        self.graph.of(Kind::Bool)
    }

    /// `value == constant`, where `of` is what the value's expression is: a slice is only a part of it.
    pub(super) fn compared(&mut self, of: &'a Expr, value: Value, constant: Constant) {
        let place = match (of, &constant) {
            (Expr::Subscript(subscript), Constant::Str(_) | Constant::Bytes(_)) => place(&subscript.slice),
            _ => None,
        };
        match place {
            Some((end, whole)) => {
                let base = if whole {
                    value
                } else if let Expr::Subscript(subscript) = of {
                    self.graph.compare(value, constant.clone());
                    self.expr(&subscript.value)
                } else {
                    value
                };
                if whole {
                    self.graph.vote(base, kind_of(&constant), 2);
                }
                self.graph.affix(base, constant, end);
            }
            None => self.graph.compare(value, constant),
        }
    }

    /// `type(value) == class`.
    fn typed(&mut self, asked: &'a Expr, class: &'a Expr) {
        if let Expr::Call(call) = asked
            && call.func.as_name_expr().is_some_and(|name| name.id.as_str() == "type")
            && let [value] = &*call.arguments.args
        {
            let value = self.expr(value);
            self.instance(value, class);
        }
    }

    /// `a in b`.
    fn contained(&mut self, left: &'a Expr, a: Value, right: &'a Expr, b: Value) {
        self.graph.play(b, Role::Container);
        if let Expr::StringLiteral(text) = right {
            self.graph.vote(a, Kind::Str, 3);
            for character in text.value.to_str().chars().take(6) {
                self.graph.compare(a, Constant::Str(character.to_string()));
            }
            return;
        }
        for member in self.graph.members(b) {
            let kind = kind_of(&member);
            self.graph.vote(a, kind, 2);
            self.compared(left, a, member);
        }
        match constant(left) {
            Some(constant) => {
                if matches!(constant, Constant::Str(_)) {
                    self.graph.vote(b, Kind::Str, 1);
                }
                self.graph.hint(b, constant);
            }
            None if self.graph.may_be(b, Kind::Str) => {
                self.graph.vote(a, Kind::Str, 2);
                let element = self.graph.part(b, Part::Element);
                self.graph.unify(element, a);
            }
            None if self.graph.may_be(b, Kind::Dict) => {
                let key = self.graph.part(b, Part::Key);
                self.graph.unify(key, a);
            }
            None => {
                let element = self.graph.part(b, Part::Element);
                self.graph.unify(element, a);
            }
        }
    }
}

/// Whether a subscript takes a text's end rather than its beginning, and whether it is a slice.
fn place(slice: &Expr) -> Option<(bool, bool)> {
    match slice {
        Expr::Slice(slice) => match (slice.lower.as_deref(), slice.upper.as_deref()) {
            (Some(lower), None) => matches!(constant(lower)?, Constant::Int(at) if at < 0).then_some((true, true)),
            (None, Some(_)) => Some((false, true)),
            (Some(lower), Some(_)) => (constant(lower)? == Constant::Int(0)).then_some((false, true)),
            (None, None) => None,
        },
        index => match constant(index)? {
            Constant::Int(0) => Some((false, false)),
            Constant::Int(-1) => Some((true, false)),
            _ => None,
        },
    }
}
