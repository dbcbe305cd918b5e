//! How a function uses its parameters: the evidence from which a writer that needs no model guesses inputs. Plain data,
//! no judgement: what a parameter *is* stands in `worker-llm`.

mod calls;
mod doctest;
mod expressions;
mod graph;
mod methods;
mod operators;
mod statements;

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};
use ruff_text_size::Ranged;

use self::statements::Walk;
use super::module::{SyntaxError, with_module};

/// A kind of value. Broad ones (`Number`, `Sequence`, `Iterable`) are evidence for each kind that they cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "Python's own names")]
pub enum Kind {
    Int,
    Float,
    Bool,
    Str,
    Bytes,
    List,
    Tuple,
    Set,
    Dict,
    None,
    /// Int or float.
    Number,
    /// List, tuple or str: sliced, indexed by a number.
    Sequence,
    /// Anything that `for` takes.
    Iterable,
    /// Anything that `len` takes.
    Sized,
    /// Called.
    Callable,
    /// Has an attribute that no builtin type has.
    Object,
}

/// What a value is there for, where that limits which values are useful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Exponent, range bound, repetition or shift: large values cost time.
    Bound,
    /// Divisor: zero raises.
    Divisor,
    /// Index into another value.
    Index,
    /// Read by `int`: a str must be digits.
    IntText,
    /// Read by `float`.
    FloatText,
    /// One character: `ord`.
    Character,
    /// Passed to `chr`.
    CodePoint,
    /// Tested for truth.
    Truth,
    /// Compared with `None`.
    MaybeNone,
    /// Put into a set or used as a key.
    Hashed,
    /// `max`, `min`, indexing: an empty one raises.
    NotEmpty,
    /// Turned into text: any value will do.
    Shown,
    /// Under a square root or logarithm.
    Positive,
    /// Ordered against other values.
    Ordered,
    /// The function calls itself.
    Recursive,
    /// Added with `+`: a number, str or list.
    Added,
    /// Multiplied with `*`.
    Multiplied,
    /// Something is looked for in it with `in`.
    Container,
    /// Unpacked into so many parts.
    Unpacked(usize),
    /// Read as JSON.
    Json,
    /// Subscripted with something of unknown kind.
    Subscripted,
    /// Asked whether it is of this kind: `isinstance`, `type(x) == …`.
    Instance(Kind),
    /// A text whose outer spaces are taken away.
    Stripped,
    /// Taken from one by one with `next`.
    Iterator,
    /// A class: the second argument of `isinstance`.
    Class,
    /// Asked whether it is a class.
    MaybeClass,
    /// Called with so many arguments.
    Called(usize),
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What iteration or an index gives.
    Element,
    /// A mapping's key.
    Key,
    /// A mapping's value under any key.
    Value,
    /// The element at a constant place; negative counts from the end.
    Item(i64),
    /// A mapping's value under a constant key.
    Entry(String),
    /// What a subscript of unknown kind gives.
    Subscript,
    /// What splitting a text gives: a list.
    Pieces,
    /// An attribute.
    Attribute(String),
    /// What a call of it gives.
    Returned,
    /// What `len` gives.
    Length,
}

/// A literal in the source.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "Python's own names")]
pub enum Constant {
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    Bool(bool),
}

/// What is known about one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Use {
    /// Evidence for kinds, with its weight (1 weak, 3 certain; summed).
    pub kinds: BTreeMap<Kind, u32>,
    /// Roles, with how often each is played.
    pub roles: BTreeMap<Role, u32>,
    /// Literals that it is compared with.
    pub constants: Vec<Constant>,
    /// Literals that are looked for within it: separators, prefixes.
    pub hints: Vec<Constant>,
    /// Literals that it is asked to begin with.
    pub prefixes: Vec<Constant>,
    /// Literals that it is asked to end with.
    pub suffixes: Vec<Constant>,
    /// Parameters that are of this very type: compared with it, looked up in it.
    pub names: Vec<String>,
    /// What is known about its parts.
    pub parts: BTreeMap<Part, Use>,
}

/// One parameter, `*args` and `**kwargs` left out.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterUse {
    /// Its name.
    pub name: String,
    /// Whether it can only be given by position.
    pub positional_only: bool,
    /// Source of the annotation.
    pub annotation: Option<String>,
    /// Type that the docstring gives, in its own words.
    pub documented: Option<String>,
    /// Source of the default.
    pub default: Option<String>,
    /// How it is used; the default counts as evidence.
    pub used: Use,
}

/// What a function's source says about its inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionUses {
    /// In order.
    pub parameters: Vec<ParameterUse>,
    /// Calls in the docstring's examples whose arguments are literals: `(parameter, source)` pairs.
    pub doctests: Vec<Vec<(String, String)>>,
}

/// Analyses the last top-level `def` called `name` in `program`, and the functions beside it that it calls.
///
/// # Errors
/// Source that does not parse, or that has no such function.
pub fn parameter_uses(program: &str, name: &str) -> Result<FunctionUses, SyntaxError> {
    let analysed = with_module(program, |module| {
        let body: Vec<&Stmt> = module.statements.iter().map(|statement| statement.node).collect();
        let of_name = |statement: &&&Stmt| matches!(statement, Stmt::FunctionDef(def) if def.name.as_str() == name);
        let Some(Stmt::FunctionDef(def)) = body.iter().rev().find(of_name) else { return None };
        Some(analyse(program, &body, def))
    })?;
    analysed.ok_or_else(|| SyntaxError { line: None, message: format!("no function `{name}` at the top level") })
}

fn analyse(source: &str, body: &[&Stmt], def: &StmtFunctionDef) -> FunctionUses {
    let mut walk = Walk::new(body);
    let values = walk.run(def);
    let docstring = docstring(def);
    let names = def.parameters.iter_non_variadic_params().map(|parameter| parameter.name().to_string());
    walk.graph.names = names.zip(values.iter().copied()).collect();
    let text = |expr: &Expr| source[expr.range()].to_string();
    let mut parameters = Vec::new();
    for (at, parameter) in def.parameters.iter_non_variadic_params().enumerate() {
        let name = parameter.name().to_string();
        parameters.push(ParameterUse {
            positional_only: at < def.parameters.posonlyargs.len(),
            annotation: parameter.annotation().map(text),
            documented: docstring.and_then(|docstring| doctest::type_of(docstring, &name)),
            default: parameter.default().map(text),
            used: walk.graph.describe(values[at]),
            name,
        });
    }
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let doctests = docstring.map(|text| doctest::calls(text, def.name.as_str(), &names)).unwrap_or_default();
    FunctionUses { parameters, doctests }
}

fn docstring(def: &StmtFunctionDef) -> Option<&str> {
    match def.body.first() {
        Some(Stmt::Expr(first)) => Some(first.value.as_string_literal_expr()?.value.to_str()),
        _ => None,
    }
}
