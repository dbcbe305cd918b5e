//! The writer that needs no model: it guesses from a function's source what its parameters are, and writes inputs.
//!
//! `pipeline::python` gives the evidence; `guess` turns it into a `shape::Shape` with what `types` and `naming`
//! know; `values` writes Python literals of a shape, and `relate` makes one argument from another.

mod compound;
mod form;
mod guess;
mod made;
mod naming;
mod objects;
mod random;
mod relate;
mod shape;
mod texts;
mod types;
mod values;
mod vote;
mod wording;

use pipeline::{
    python::{FunctionUses, ParameterUse, Part, parameter_uses},
    reason::Reason,
    records::{Function, GeneratedInputs, Generation, Rejection, WriteMethod},
    stage::Verdict,
};

pub(crate) use self::{
    form::{Form, forms},
    random::Random,
    texts::quote,
};
use self::{shape::Shape, values::Entry};

/// Entries that are written.
const ENTRIES: usize = 10;

/// Tries for as many distinct entries: a single bool has two.
const TRIES: usize = 80;

/// Doctest calls that become entries.
const MAX_DOCTESTS: usize = 4;

/// Names of parameters that stand for objects which no literal gives.
const OBJECTS: [&str; 12] =
    ["self", "cls", "request", "req", "session", "driver", "conn", "cursor", "sock", "socket", "bot", "ctx"];

/// Writes ten example inputs for a function, or says for which parameter it can write none.
///
/// The same function and seed give the same bytes. `prompt_sha256` is empty: there is no prompt.
pub fn write(function: &Function, seed: u64) -> Verdict<GeneratedInputs> {
    let refuse = |detail: String| Verdict::from(Rejection::of(function, Reason::NoInputsInferred, detail));
    let uses = match parameter_uses(&function.program(), &function.name) {
        Ok(uses) => uses,
        Err(error) => return refuse(format!("the source cannot be analysed: {error}")),
    };
    if uses.parameters.is_empty() {
        return refuse("the function has no parameter that can be given by name".into());
    }
    let mut shapes = Vec::new();
    for parameter in &uses.parameters {
        match shape_of(parameter) {
            Ok(Some(shape)) => shapes.push((parameter, shape)),
            Ok(None) => {}
            Err(detail) => return refuse(detail),
        }
    }
    let seed = derived(seed, &function.id);
    let block = block(&entries(&uses, &shapes, &mut Random::new(seed)));
    let generation = Generation {
        model: "builtin".into(),
        prompt: "builtin".into(),
        prompt_sha256: String::new(),
        temperature: 0.0,
        top_p: 1.0,
        seed: Some(seed),
        prompt_tokens: 0,
        completion_tokens: 0,
        finish_reason: "stop".into(),
        completion: block.clone(),
        method: WriteMethod::Builtin.into(),
    };
    Verdict::Pass(GeneratedInputs { function: function.clone(), examples: block, generation, repairs_left: 0 })
}

/// The shape of a parameter; none if it is left to its default.
fn shape_of(parameter: &ParameterUse) -> Result<Option<Shape>, String> {
    let name = &parameter.name;
    let optional = parameter.default.is_some();
    let refuse = |why: &str| if optional { Ok(None) } else { Err(format!("parameter `{name}`: {why}")) };
    if parameter.positional_only {
        return refuse("it can only be given by position");
    }
    let object = OBJECTS.contains(&name.as_str());
    if object && parameter.used.parts.keys().all(|part| *part == Part::Length) {
        return refuse("its name stands for an object that no literal gives");
    }
    match guess::parameter(parameter) {
        Some(shape) => Ok(Some(shape)),
        None => refuse("it is used as an object that no literal gives"),
    }
}

fn derived(seed: u64, id: &str) -> u64 {
    let hash = blake3::Hasher::new().update(&seed.to_le_bytes()).update(id.as_bytes()).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// Distinct entries, each as the source of keyword arguments.
fn entries(uses: &FunctionUses, shapes: &[(&ParameterUse, Shape)], random: &mut Random) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for call in &uses.doctests {
        let given = |parameter: &ParameterUse| call.iter().any(|(name, _)| *name == parameter.name);
        let whole = uses.parameters.iter().all(|one| one.default.is_some() || given(one));
        let entry = call.iter().map(|(name, source)| format!("{name}={source}")).collect::<Vec<_>>().join(", ");
        if whole && entries.len() < MAX_DOCTESTS && !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    for nth in 0..TRIES {
        if entries.len() >= ENTRIES {
            break;
        }
        let length = [3, 4, 5, 2, 6, 1, 3, 7, 4, 8][nth % 10];
        // Edge cases are the minority: an entry on which the function raises teaches less.
        let edges = nth % 4 == 3;
        let on_edge = random.below(shapes.len());
        // Values that others include come first.
        let mut order: Vec<usize> = (0..shapes.len()).collect();
        order.sort_by_key(|at| includes(&shapes[*at].1));
        let mut written: Vec<(String, String)> = Vec::new();
        for at in order {
            let (parameter, shape) = &shapes[at];
            // Every fourth entry leaves the optional parameters to their defaults.
            if parameter.default.is_some() && nth % 4 == 1 && !mutable_default(parameter) {
                continue;
            }
            let edge = edges && at == on_edge;
            let entry = Entry { length, edge, depth: 0, turn: nth + 3 * at, tight: nth % 3 == 2 };
            let value = values::write(shape, entry, &written, random);
            written.push((parameter.name.clone(), value));
        }
        if nth % 2 == 0 && nth > 0 {
            let of = |name: &str| shapes.iter().find(|(parameter, _)| parameter.name == name).map(|(_, shape)| shape);
            let shapes: Vec<&Shape> = written.iter().filter_map(|(name, _)| of(name)).collect();
            relate::related(&mut written, &shapes, random);
        }
        written.sort_by_key(|(name, _)| uses.parameters.iter().position(|one| one.name == *name));
        let arguments: Vec<String> = written.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let entry = arguments.join(", ");
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}

/// Whether the default is an object that calls share: what one call puts into it, the next one finds.
fn mutable_default(parameter: &ParameterUse) -> bool {
    let default = parameter.default.as_deref().unwrap_or_default();
    default.starts_with(['[', '{']) || ["list(", "dict(", "set("].iter().any(|call| default.starts_with(call))
}

fn includes(shape: &Shape) -> bool {
    match shape {
        Shape::Including(..) => true,
        Shape::Nullable(shape) => includes(shape),
        _ => false,
    }
}

fn block(entries: &[String]) -> String {
    let lines: String = entries.iter().map(|entry| format!("    dict({entry}),\n")).collect();
    format!("examples = [\n{lines}]\n")
}
