//! What a function needs of its module: which statements resolve the names that it reads, and what stays unresolved.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use ruff_python_ast::Stmt;

use super::{Definition, Fingerprint, Module, fingerprint, known, names::resolving, scope::Name, screens};

/// What a function reads from its module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Names that it reads and that are no builtins, sorted.
    pub free: Vec<String>,
    /// Those, and those of the statements that it carries along, that nothing resolves, sorted.
    pub missing: Vec<String>,
    /// Lines of the statements that it carries along, ascending.
    pub closure: Vec<u32>,
    /// Carried statements that use the function itself before it is defined: no program can hold them in front of it.
    pub circular: Vec<u32>,
    /// Whether it needs more statements than the search allowed; it ended there.
    pub excessive: bool,
    /// The carried statements' places among the module's statements, ascending.
    pub(super) carried: Vec<usize>,
}

/// The module-level names of a module and the one statement that resolves each.
#[derive(Debug)]
pub struct Bindings<'m> {
    pub(super) module: &'m Module<'m>,
    /// What its imports call their names.
    pub(super) imports: HashMap<&'m str, String>,
    /// A name that is bound twice, or in a way that resolves nothing, has no statement.
    found: HashMap<&'m str, Option<usize>>,
}

impl Module<'_> {
    /// Its bindings: one pass over all statements, to be made once a module.
    pub fn bindings(&self) -> Bindings<'_> {
        let mut found = HashMap::new();
        for (at, statement) in self.statements.iter().enumerate() {
            let plain: BTreeSet<&str> =
                if resolves(statement.node) { resolving(statement.node).collect() } else { BTreeSet::new() };
            for name in &statement.names.binds {
                let resolved = plain.contains(&**name).then_some(at);
                found.entry(&**name).and_modify(|known| *known = None).or_insert(resolved);
            }
        }
        Bindings { module: self, imports: screens::imports(self), found }
    }

    /// A digest of the definition and the statements carried with it, up to comments, docstrings and layout.
    pub fn fingerprint(&self, definition: &Definition, needs: Option<&Needs>) -> Fingerprint {
        let carried = needs.map_or(&[][..], |needs| &needs.carried);
        fingerprint::of(self, carried.iter().copied().chain([definition.at]))
    }
}

impl Bindings<'_> {
    /// Follows the names that `definition` reads through the module, up to `most` statements to carry: a generated module
    /// in which each function calls the next would otherwise be walked n² times.
    pub fn needs(&self, definition: &Definition, most: usize) -> Needs {
        let statements = &self.module.statements;
        let free = &statements[definition.at].names.free;
        let (mut missing, mut carried) = (BTreeSet::new(), BTreeSet::new());
        let mut todo: Vec<&Name> = free.iter().collect();
        let mut seen: BTreeSet<&str> = free.iter().map(|name| &**name).chain([definition.name.as_str()]).collect();
        while carried.len() <= most
            && let Some(name) = todo.pop()
        {
            match self.found.get(&**name).copied().flatten() {
                None => {
                    missing.insert(&**name);
                }
                Some(at) => {
                    if carried.insert(at) {
                        todo.extend(statements[at].names.free.iter().filter(|name| seen.insert(&***name)));
                    }
                }
            }
        }
        let own: Name = Cow::Borrowed(&definition.name);
        let circular = carried.iter().filter(|at| statements[**at].names.eager.contains(&own));
        Needs {
            free: free.iter().map(|name| name.to_string()).collect(),
            missing: missing.into_iter().map(str::to_owned).collect(),
            closure: carried.iter().map(|at| statements[*at].line).collect::<BTreeSet<_>>().into_iter().collect(),
            circular: circular.map(|at| statements[*at].line).collect(),
            excessive: carried.len() > most,
            carried: carried.into_iter().collect(),
        }
    }

    /// The source of the carried statements in file order. Where one of them has annotations and the module postpones
    /// their evaluation, that import comes first: an annotation may name what is defined below it.
    pub fn context(&self, needs: &Needs) -> String {
        let statements = &self.module.statements;
        let mut carried: BTreeSet<usize> = needs.carried.iter().copied().collect();
        if carried.iter().any(|at| statements[*at].names.annotated) {
            carried.extend(statements.iter().position(|statement| postpones_annotations(statement.node)));
        }
        carried.into_iter().map(|at| self.module.text(at)).collect()
    }
}

/// Whether the statement can resolve the names that it binds: imports only of allowed modules.
fn resolves(statement: &Stmt) -> bool {
    match statement {
        Stmt::Import(import) => import.names.iter().all(|alias| known::is_allowed_module(&alias.name)),
        Stmt::ImportFrom(import) => {
            let module = import.module.as_ref().is_some_and(|module| known::is_allowed_module(module));
            import.level == 0 && module && import.names.iter().all(|alias| alias.name.as_str() != "*")
        }
        statement => resolving(statement).next().is_some(),
    }
}

fn postpones_annotations(statement: &Stmt) -> bool {
    matches!(statement, Stmt::ImportFrom(import)
        if import.module.as_ref().is_some_and(|module| module.as_str() == "__future__")
            && import.names.iter().any(|alias| alias.name.as_str() == "annotations"))
}
