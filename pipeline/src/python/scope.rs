//! The scopes of one statement and what their names refer to, by the rules of CPython 3.11's symbol table
//! (`Python/symtable.c`): the same flags for a symbol, the same resolution, the same errors.

use std::{borrow::Cow, collections::BTreeSet};

use foldhash::{HashMap, HashMapExt as _};

/// A name as the source has it, or mangled by the class around it.
pub(super) type Name<'a> = Cow<'a, str>;

/// What happens to a name in a scope.
pub(super) mod flag {
    /// Read.
    pub const USE: u16 = 1;
    /// Assigned, deleted, defined, caught.
    pub const LOCAL: u16 = 2;
    /// A parameter, or a type parameter.
    pub const PARAM: u16 = 4;
    /// Bound by an import.
    pub const IMPORT: u16 = 8;
    /// Declared `global`.
    pub const GLOBAL: u16 = 16;
    /// Declared `nonlocal`.
    pub const NONLOCAL: u16 = 32;
    /// Annotated.
    pub const ANNOTATED: u16 = 64;
    /// The target of a comprehension's `for`.
    pub const ITERATED: u16 = 128;
    /// Bound in this scope unless declared otherwise.
    pub const BOUND: u16 = LOCAL | PARAM | IMPORT;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Module,
    Class,
    Function,
    Comprehension,
}

#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub kind: ScopeKind,
    /// Whether its code runs as soon as the statement does.
    pub eager: bool,
    /// Depth of iterables of comprehensions around the code being visited: no `:=` in there.
    pub iterables: u32,
    parent: usize,
    symbols: HashMap<Name<'a>, u16>,
}

/// The scopes of one statement, its own module scope first.
#[derive(Debug)]
pub(super) struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    /// The scope being visited.
    current: usize,
}

impl<'a> Scopes<'a> {
    pub fn new() -> Self {
        let module = Scope { kind: ScopeKind::Module, eager: true, iterables: 0, parent: 0, symbols: HashMap::new() };
        Self { scopes: vec![module], current: 0 }
    }

    pub fn current(&mut self) -> &mut Scope<'a> {
        &mut self.scopes[self.current]
    }

    pub fn enter(&mut self, kind: ScopeKind) {
        let around = &self.scopes[self.current];
        let scope = Scope {
            kind,
            eager: around.eager && kind != ScopeKind::Function,
            iterables: around.iterables,
            parent: self.current,
            symbols: HashMap::new(),
        };
        self.scopes.push(scope);
        self.current = self.scopes.len() - 1;
    }

    pub fn leave(&mut self) {
        self.current = self.scopes[self.current].parent;
    }

    /// The flags of `name` in the current scope so far.
    pub fn flags(&self, name: &str) -> u16 {
        self.scopes[self.current].symbols.get(name).copied().unwrap_or(0)
    }

    pub fn add(&mut self, name: Name<'a>, flags: u16) {
        *self.current().symbols.entry(name).or_insert(0) |= flags;
    }

    /// Binds the target of a `:=` within a comprehension in the scope around all comprehensions.
    pub fn add_walrus(&mut self, name: &Name<'a>) -> Result<(), String> {
        let mut at = self.current;
        while self.scopes[at].kind == ScopeKind::Comprehension {
            if self.scopes[at].symbols.get(name).is_some_and(|flags| flags & flag::ITERATED != 0) {
                return Err(format!("assignment expression cannot rebind comprehension iteration variable '{name}'"));
            }
            at = self.scopes[at].parent;
        }
        let outer = self.scopes[at].symbols.get(name).copied().unwrap_or(0);
        let (here, there) = match self.scopes[at].kind {
            ScopeKind::Class => {
                return Err("assignment expression within a comprehension cannot be used in a class body".into());
            }
            ScopeKind::Module => (flag::GLOBAL, flag::GLOBAL),
            _ if outer & flag::GLOBAL != 0 => (flag::GLOBAL, flag::LOCAL),
            _ => (flag::NONLOCAL, flag::LOCAL),
        };
        self.add(name.clone(), here);
        *self.scopes[at].symbols.entry(name.clone()).or_insert(0) |= there;
        Ok(())
    }

    /// Names that the statement binds in its module: `global` declarations in scopes inside it count.
    pub fn bound(&self) -> BTreeSet<Name<'a>> {
        let binds = |scope: &Scope, flags: u16| match scope.kind {
            ScopeKind::Module => flags & (flag::LOCAL | flag::IMPORT) != 0,
            _ => flags & flag::GLOBAL != 0 && flags & flag::LOCAL != 0,
        };
        self.select(|_, scope, _, flags| binds(scope, flags))
    }

    /// Names that the statement reads from its module, in whatever scope.
    pub fn global_reads(&self) -> BTreeSet<Name<'a>> {
        self.select(|at, _, name, flags| self.reads_global(at, name, flags))
    }

    /// Those of [`Self::global_reads`] that are read while the statement itself runs, not only once something that it
    /// defines is called.
    pub fn eager_reads(&self) -> BTreeSet<Name<'a>> {
        self.select(|at, scope, name, flags| scope.eager && self.reads_global(at, name, flags))
    }

    /// The error that CPython finds when it resolves names: a `nonlocal` that nothing around binds.
    pub fn error(&self) -> Option<String> {
        self.scopes.iter().enumerate().find_map(|(at, scope)| {
            let nonlocal = scope.symbols.iter().filter(|(_, flags)| **flags & flag::NONLOCAL != 0);
            let name = nonlocal.map(|(name, _)| name).filter(|name| !self.enclosing_binds(at, name)).min()?;
            Some(format!("no binding for nonlocal '{name}' found"))
        })
    }

    fn select(&self, keep: impl Fn(usize, &Scope<'a>, &Name<'a>, u16) -> bool) -> BTreeSet<Name<'a>> {
        let mut names = BTreeSet::new();
        for (at, scope) in self.scopes.iter().enumerate() {
            let kept = scope.symbols.iter().filter(|(name, flags)| keep(at, scope, name, **flags));
            names.extend(kept.map(|(name, _)| name.clone()));
        }
        names
    }

    fn reads_global(&self, at: usize, name: &str, flags: u16) -> bool {
        match self.scopes[at].kind {
            ScopeKind::Module => flags & flag::USE != 0,
            _ if flags & (flag::USE | flag::LOCAL) == 0 => false,
            _ if flags & flag::GLOBAL != 0 => true,
            _ if flags & (flag::NONLOCAL | flag::BOUND) != 0 => false,
            _ => !self.enclosing_binds(at, name),
        }
    }

    /// Whether a function around scope `at` binds `name`, so that it is no global in there.
    fn enclosing_binds(&self, mut at: usize, name: &str) -> bool {
        while at != 0 {
            at = self.scopes[at].parent;
            let scope = &self.scopes[at];
            match scope.kind {
                ScopeKind::Module => return false,
                // What a class body binds is not seen in the functions inside it, but for `__class__`.
                ScopeKind::Class => {
                    if name == "__class__" {
                        return true;
                    }
                }
                ScopeKind::Function | ScopeKind::Comprehension => {
                    let flags = scope.symbols.get(name).copied().unwrap_or(0);
                    if flags & flag::GLOBAL != 0 {
                        return false;
                    }
                    if flags & flag::BOUND != 0 && flags & flag::NONLOCAL == 0 {
                        return true;
                    }
                }
            }
        }
        false
    }
}
