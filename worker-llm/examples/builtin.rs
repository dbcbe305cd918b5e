//! Measures the builtin writer.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]
use pipeline::records::Function;
use std::io::BufRead;
fn main() {
    for line in std::io::stdin().lock().lines() {
        let row: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let content = row["content"].as_str().unwrap();
        let imports: Vec<&str> = row["import_code"].as_array().unwrap().iter().filter_map(|l| l.as_str()).collect();
        let Ok(definitions) = pipeline::python::with_module(content, |module| module.definitions()) else { continue };
        let Some(definition) = definitions.last() else { continue };
        let function = Function {
            id: row["id"].as_str().unwrap().into(),
            name: definition.name.clone(),
            parameters: definition.parameters.clone(),
            code: content.into(),
            context: imports.join("\n"),
            meta: Default::default(),
        };
        let out = match worker_llm::builtin::write(&function, 0) {
            pipeline::stage::Verdict::Pass(g) => {
                serde_json::json!({"id": function.id, "name": function.name, "program": function.program(), "examples": g.examples})
            }
            pipeline::stage::Verdict::Reject(r) => {
                serde_json::json!({"id": function.id, "name": function.name, "program": function.program(), "reject": r.detail})
            }
        };
        println!("{out}");
    }
}
