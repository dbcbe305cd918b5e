use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use pipeline::{
    error::Failure,
    python::{self, Fingerprint, PASSAGE_WORDS, Passages},
};
use serde_json::Value;

use super::{
    inputs::{InputKind, Packing},
    lines::{self, Line},
    rows,
};

/// Longest line of a benchmark.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// What may not come out of a corpus: the prompts and solutions of benchmarks.
#[derive(Debug, Default)]
pub(super) struct Benchmarks {
    passages: HashSet<u64>,
    renamed: HashSet<Fingerprint>,
}

impl Benchmarks {
    /// Reads benchmark files, plain or packed. A row's columns tell its layout: HumanEval (`prompt`,
    /// `canonical_solution`), MBPP (`text` or `prompt`, `code`, `task_id`), Case2Code tests and samples (`code`).
    ///
    /// # Errors
    /// A file that cannot be read ([`Failure::Unavailable`]), or a row of none of these ([`Failure::Usage`]).
    pub fn read(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut benchmarks = Self::default();
        for file in files {
            benchmarks.add_file(file)?;
        }
        if !files.is_empty() {
            let (passages, solutions) = (benchmarks.passages.len(), benchmarks.renamed.len());
            tracing::info!(passages, solutions, "benchmarks read");
        }
        Ok(benchmarks)
    }

    fn add_file(&mut self, file: &Path) -> Result<(), Failure> {
        let name = file.display();
        let unavailable = |error: std::io::Error| Failure::Unavailable(format!("--decontaminate {name}: {error}"));
        let packing = match InputKind::of_name(&file.to_string_lossy()) {
            Some(InputKind::JsonLines(packing)) => packing,
            _ => Packing::None,
        };
        let mut reader = rows::open(file, packing).map_err(unavailable)?;
        let mut number = 0;
        while let Some(line) = lines::next(&mut reader, MAX_LINE_BYTES).map_err(unavailable)? {
            number += 1;
            let row = match &line {
                Line::Whole(line) if line.trim_ascii().is_empty() => continue,
                Line::Whole(line) => serde_json::from_slice::<Value>(line).ok(),
                Line::TooLong { .. } => None,
            };
            if !row.is_some_and(|row| self.add_row(&row)) {
                return Err(Failure::Usage(format!(
                    "--decontaminate {name}: line {number} is no row of HumanEval (prompt, canonical_solution), MBPP \
                     (text or prompt, code) or a Case2Code test (code)"
                )));
            }
        }
        Ok(())
    }

    fn add_row(&mut self, row: &Value) -> bool {
        let text = |name: &str| row[name].as_str();
        if let (Some(prompt), Some(solution)) = (text("prompt"), text("canonical_solution")) {
            self.add_text(prompt);
            self.add_code(&format!("{prompt}{solution}"));
            return true;
        }
        let Some(code) = text("code") else { return false };
        self.add_code(code);
        if row.get("task_id").is_some() {
            for words in [text("text"), text("prompt")].into_iter().flatten() {
                self.add_text(words);
            }
        }
        true
    }

    fn add_text(&mut self, text: &str) {
        self.passages.extend(python::passages(&python::words(text)));
    }

    fn add_code(&mut self, code: &str) {
        let read = python::with_module(&python::normalize(code), |module| {
            module.definitions().iter().map(|definition| module.passages(definition, None)).collect::<Vec<_>>()
        });
        match read {
            Ok(functions) if !functions.is_empty() => {
                for Passages { code, docstrings, renamed } in functions {
                    self.passages.extend([code].iter().chain(&docstrings).flat_map(|words| python::passages(words)));
                    self.renamed.insert(renamed);
                }
            }
            // Older Python, or a class: its words are still its words.
            _ => self.add_text(code),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.passages.is_empty() && self.renamed.is_empty()
    }

    /// What of a function is in a benchmark.
    pub fn shared(&self, function: &Passages) -> Option<String> {
        let has = |words: &[u64]| python::passages(words).any(|passage| self.passages.contains(&passage));
        if has(&function.code) {
            return Some(format!("shares {PASSAGE_WORDS} words in a row of its code with a benchmark"));
        }
        if function.docstrings.iter().any(|words| has(words)) {
            return Some(format!("shares {PASSAGE_WORDS} words in a row of a docstring with a benchmark"));
        }
        self.renamed.contains(&function.renamed).then(|| "a benchmark's solution with other names".to_owned())
    }
}
