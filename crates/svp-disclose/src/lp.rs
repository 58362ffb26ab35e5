//! Linear programmes over a few numbers of a system: a thin cover of the solver, so that one file knows it.

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem};

/// Minimise Σ cost · column where each column keeps its bounds and every row sums to zero.
#[derive(Debug, Default)]
pub(crate) struct Program {
    columns: Vec<(f64, f64, f64)>,
    rows: Vec<Vec<(usize, f64)>>,
}

/// What the solver says. `Best` is to be checked by whoever relies on it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Solved {
    /// The value of each column at an optimum.
    Best(Vec<f64>),
    /// No assignment at all.
    Infeasible,
    /// The sum has no lower limit.
    Unbounded,
    /// No answer that the solver vouches for.
    Failed,
}

impl Program {
    /// Adds a column and gives its index.
    pub fn column(&mut self, cost: f64, lo: f64, hi: f64) -> usize {
        self.columns.push((cost, lo, hi));
        self.columns.len() - 1
    }

    /// Adds a row: (column, coefficient), each column once.
    pub fn row(&mut self, terms: Vec<(usize, f64)>) {
        self.rows.push(terms);
    }

    /// Solves it. The same programme always has the same answer: no clock, no chance.
    pub fn minimise(&self) -> Solved {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let columns: Vec<_> = self.columns.iter().map(|&(cost, lo, hi)| problem.add_var(cost, (lo, hi))).collect();
        for row in &self.rows {
            problem.add_constraint(row.iter().map(|&(c, x)| (columns[c], x)), ComparisonOp::Eq, 0.0);
        }
        match problem.solve() {
            Ok(outcome) if outcome.is_optimal() => match outcome.solution() {
                Some(solution) => Solved::Best(columns.iter().map(|&c| solution.var_value(c)).collect()),
                None => Solved::Failed,
            },
            Err(Error::Infeasible) => Solved::Infeasible,
            Err(Error::Unbounded) => Solved::Unbounded,
            _ => Solved::Failed,
        }
    }
}
