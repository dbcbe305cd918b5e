//! Which case reaches which part of the function.

use pipeline::python::{Anatomy, Place};

use super::cases::Case;

/// The parts of a function that its cases reach.
pub(super) struct Reach {
    /// Of each case, the places that it reaches, in order: those of statements first, then those of branches.
    by_case: Vec<Vec<usize>>,
    statements: usize,
    branches: usize,
    measured: bool,
}

impl Reach {
    /// Works it out from the lines that ran.
    pub fn of(anatomy: &Anatomy, cases: &[Case]) -> Self {
        let places = || anatomy.statements.iter().chain(&anatomy.branches);
        // One table for all cases: which lines ran, up to the last that a place asks for.
        let mut ran = vec![false; places().map(Place::end).max().unwrap_or(0)];
        let reached = |case: &Case| {
            let mut reached = Vec::new();
            let Some(lines) = case.lines else { return reached };
            ran.fill(false);
            for line in lines {
                usize::try_from(*line).ok().and_then(|line| ran.get_mut(line)).into_iter().for_each(|ran| *ran = true);
            }
            reached.reserve(places().count());
            reached.extend(places().enumerate().filter(|(_, place)| place.reached(&ran)).map(|(at, _)| at));
            reached
        };
        Self {
            by_case: cases.iter().map(reached).collect(),
            statements: anatomy.statements.len(),
            branches: anatomy.branches.len(),
            measured: !cases.is_empty() && cases.iter().all(|case| case.lines.is_some()),
        }
    }

    /// The places that a case reaches.
    pub fn places(&self, case: usize) -> &[usize] {
        &self.by_case[case]
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.statements + self.branches
    }

    /// Statements of the function.
    pub fn statements(&self) -> usize {
        self.statements
    }

    /// Ways that its branching statements offer.
    pub fn branches(&self) -> usize {
        self.branches
    }

    /// The share of the statements that some case reaches; none where lines were not measured.
    pub fn coverage(&self) -> Option<f64> {
        let mut reached = vec![false; self.len()];
        self.by_case.iter().flatten().for_each(|at| reached[*at] = true);
        let statements = reached[..self.statements].iter().filter(|reached| **reached).count();
        (self.measured && self.statements > 0).then(|| statements as f64 / self.statements as f64)
    }
}
