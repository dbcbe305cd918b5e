//! What is known about values: nodes with evidence and parts, merged where code says that two values are of one type.

use std::collections::BTreeMap;

use super::{Constant, Kind, Part, Role, Use};

/// Most constants that are kept of one value: more would not fit into ten examples anyway.
const MAX_CONSTANTS: usize = 24;

/// How deep a value's parts are followed: `for row in grid: for cell in row: cell['x']` and one to spare.
const MAX_NESTING: usize = 5;

/// Index of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value(usize);

#[derive(Default)]
struct Node {
    /// The node that this one was merged into.
    into: Option<Value>,
    facts: Facts,
    parts: BTreeMap<Part, Value>,
    /// Keys or elements of a literal: whoever is looked up in it is probably one of them.
    members: Vec<Constant>,
}

#[derive(Default)]
struct Facts {
    kinds: BTreeMap<Kind, u32>,
    roles: BTreeMap<Role, u32>,
    constants: Vec<Constant>,
    hints: Vec<Constant>,
    prefixes: Vec<Constant>,
    suffixes: Vec<Constant>,
}

/// All values of a function and of those that it calls.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// Parameters, for [`Use::names`].
    pub names: Vec<(String, Value)>,
}

impl Graph {
    pub fn fresh(&mut self) -> Value {
        self.nodes.push(Node::default());
        Value(self.nodes.len() - 1)
    }

    /// A new value of which the kind is certain.
    pub fn of(&mut self, kind: Kind) -> Value {
        let value = self.fresh();
        self.vote(value, kind, 3);
        value
    }

    fn root(&mut self, value: Value) -> Value {
        let mut at = value;
        while let Some(next) = self.nodes[at.0].into {
            at = next;
        }
        if value != at {
            self.nodes[value.0].into = Some(at);
        }
        at
    }

    fn node(&mut self, value: Value) -> &mut Node {
        let root = self.root(value);
        &mut self.nodes[root.0]
    }

    pub fn vote(&mut self, value: Value, kind: Kind, weight: u32) {
        *self.node(value).facts.kinds.entry(kind).or_default() += weight;
    }

    /// Whether any evidence says `kind`.
    pub fn may_be(&mut self, value: Value, kind: Kind) -> bool {
        self.node(value).facts.kinds.contains_key(&kind)
    }

    pub fn play(&mut self, value: Value, role: Role) {
        *self.node(value).facts.roles.entry(role).or_default() += 1;
    }

    /// The value is compared with `constant`.
    pub fn compare(&mut self, value: Value, constant: Constant) {
        add(&mut self.node(value).facts.constants, constant);
    }

    /// `constant` is looked for within the value: a separator, a prefix.
    pub fn hint(&mut self, value: Value, constant: Constant) {
        add(&mut self.node(value).facts.hints, constant);
    }

    /// The value is asked whether it begins, or ends, with `constant`.
    pub fn affix(&mut self, value: Value, constant: Constant, end: bool) {
        let facts = &mut self.node(value).facts;
        add(if end { &mut facts.suffixes } else { &mut facts.prefixes }, constant);
    }

    /// Whether two values are one and the same.
    pub fn same(&mut self, a: Value, b: Value) -> bool {
        self.root(a) == self.root(b)
    }

    /// Whether the value has this part already.
    pub fn known_part(&mut self, value: Value, part: &Part) -> Option<Value> {
        self.node(value).parts.get(part).copied()
    }

    /// Whether the value plays the role.
    pub fn plays(&mut self, value: Value, role: Role) -> bool {
        self.node(value).facts.roles.contains_key(&role)
    }

    pub fn add_member(&mut self, value: Value, constant: Constant) {
        add(&mut self.node(value).members, constant);
    }

    pub fn members(&mut self, value: Value) -> Vec<Constant> {
        self.node(value).members.clone()
    }

    /// The value's part, made if it is new.
    pub fn part(&mut self, value: Value, part: Part) -> Value {
        if let Some(known) = self.node(value).parts.get(&part) {
            return *known;
        }
        let new = self.fresh();
        self.node(value).parts.insert(part, new);
        new
    }

    /// Says that two values are of one type. Values that contain one another stay apart.
    pub fn unify(&mut self, a: Value, b: Value) {
        let mut pairs = vec![(a, b)];
        while let Some((a, b)) = pairs.pop() {
            let (a, b) = (self.root(a), self.root(b));
            if a == b || self.contains(a, b, 0) || self.contains(b, a, 0) {
                continue;
            }
            let moved = std::mem::take(&mut self.nodes[b.0]);
            self.nodes[b.0].into = Some(a);
            let node = &mut self.nodes[a.0];
            for (kind, weight) in moved.facts.kinds {
                *node.facts.kinds.entry(kind).or_default() += weight;
            }
            for (role, count) in moved.facts.roles {
                *node.facts.roles.entry(role).or_default() += count;
            }
            moved.facts.constants.into_iter().for_each(|constant| add(&mut node.facts.constants, constant));
            moved.facts.hints.into_iter().for_each(|constant| add(&mut node.facts.hints, constant));
            moved.facts.prefixes.into_iter().for_each(|constant| add(&mut node.facts.prefixes, constant));
            moved.facts.suffixes.into_iter().for_each(|constant| add(&mut node.facts.suffixes, constant));
            moved.members.into_iter().for_each(|constant| add(&mut node.members, constant));
            for (part, theirs) in moved.parts {
                match node.parts.get(&part) {
                    Some(ours) => pairs.push((*ours, theirs)),
                    None => _ = node.parts.insert(part, theirs),
                }
            }
        }
    }

    fn contains(&mut self, outer: Value, inner: Value, depth: usize) -> bool {
        let parts: Vec<Value> = self.node(outer).parts.values().copied().collect();
        depth < MAX_NESTING
            && parts.into_iter().any(|part| self.root(part) == inner || self.contains(part, inner, depth + 1))
    }

    /// All that is known about a value, as plain data.
    pub fn describe(&mut self, value: Value) -> Use {
        self.describe_at(value, 0)
    }

    fn describe_at(&mut self, value: Value, depth: usize) -> Use {
        let root = self.root(value);
        let names = self.names.clone().into_iter().filter(|(_, value)| self.root(*value) == root);
        let names = names.map(|(name, _)| name).collect();
        let node = self.node(value);
        let facts = &node.facts;
        let mut described = Use {
            kinds: facts.kinds.clone(),
            roles: facts.roles.clone(),
            constants: facts.constants.clone(),
            hints: facts.hints.clone(),
            prefixes: facts.prefixes.clone(),
            suffixes: facts.suffixes.clone(),
            names,
            parts: BTreeMap::new(),
        };
        if depth < MAX_NESTING {
            let parts: Vec<_> = node.parts.iter().map(|(part, value)| (part.clone(), *value)).collect();
            described.parts = parts.into_iter().map(|(p, value)| (p, self.describe_at(value, depth + 1))).collect();
        }
        described
    }
}

fn add(constants: &mut Vec<Constant>, constant: Constant) {
    if constants.len() < MAX_CONSTANTS && !constants.contains(&constant) {
        constants.push(constant);
    }
}
