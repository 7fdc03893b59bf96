//! Oracles: what a run is held against beyond the promises: itself under another name, itself beside a
//! stranger, itself with longer times or with observations in two parts, its twin without faults, and a
//! small model that shares no code with the engine.
//!
//! In: a seed. Out: every [`Difference`]. They cost several runs each, so a search asks them of a sample.
//! Absent: promises, which are checked in every run.

mod again;
mod model;
mod relations;
mod twin;

use std::fmt;

/// Every how many-th run is held against the oracles.
pub const EVERY: u64 = 64;

/// Whether the run with this seed is one of the sample.
#[must_use]
pub const fn is_sampled(seed: u64) -> bool {
    // Not the multiples themselves: those are what other samples take.
    seed % EVERY == 17
}

/// A run that is not what an oracle says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The oracle.
    pub oracle: &'static str,
    /// Seed of the run.
    pub seed: u64,
    /// What is different, in words.
    pub detail: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: not as `{}` has it: {}", self.seed, self.oracle, self.detail)
    }
}

/// What an oracle asks.
type Question = fn(u64) -> Answer;

/// Whether an oracle had something to say of a run, and what was different.
struct Answer {
    applies: bool,
    different: Option<String>,
}

impl Answer {
    /// The run is nothing that the oracle speaks of.
    const NONE: Self = Self { applies: false, different: None };

    /// The first of these that is different.
    const fn of(different: Option<String>) -> Self {
        Self { applies: true, different }
    }
}

/// Every oracle with its name.
const ORACLES: [(&str, Question); 6] = [
    ("another name", relations::another_name),
    ("an idle neighbour", relations::idle_neighbour),
    ("the twin without faults", twin::without_faults),
    ("the small model", model::bounds_and_ends),
    ("the same with longer times", again::longer_times),
    ("observations in two parts", again::split_observation),
];

/// Number of oracles.
pub const ORACLE_COUNT: usize = ORACLES.len();

/// Name of an oracle.
#[must_use]
pub fn oracle_name(oracle: usize) -> &'static str {
    ORACLES[oracle].0
}

/// Holds the run with this seed against every oracle: which of them had something to say, and what was
/// different.
#[must_use]
pub fn ask(seed: u64) -> ([bool; ORACLE_COUNT], Vec<Difference>) {
    let mut applied = [false; ORACLE_COUNT];
    let mut different = Vec::new();
    for (place, (oracle, question)) in ORACLES.into_iter().enumerate() {
        let answer = question(seed);
        applied[place] = answer.applies;
        let found = answer.different.map(|detail| Difference { oracle, seed, detail });
        different.extend(found);
    }
    (applied, different)
}
