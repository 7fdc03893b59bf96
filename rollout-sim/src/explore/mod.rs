//! Explorer: everything that can happen in a small world, on the production engine, fleet and guard.
//!
//! In: a [`Configuration`]. Out: an [`Exploration`]. Absent: chance, samples and depth limits: "explored"
//! means that no state is left that was not looked at; a run that stops at its bound says so.
//!
//! States count as one when the engine's imprint, the world and what is on its way between them are the
//! same; times count by their age, numbers by their order. That two such states have the same future is
//! checked on a sample of the merges of every run.

mod config;
mod ledger;
mod make;
mod moves;
mod named;
mod node;
mod promises;
mod search;
mod table;
mod world;

use std::{collections::BTreeMap, time::Duration};

pub use self::{
    config::{Configuration, Faults, revision},
    named::table,
    search::explore,
};

/// What was explored and found.
#[derive(Clone, Debug, Default)]
pub struct Exploration {
    /// Name of the configuration.
    pub name: String,
    /// Distinct states.
    pub states: u64,
    /// Moves between them.
    pub transitions: u64,
    /// Longest shortest way to a state, in moves.
    pub depth: u32,
    /// Most states at one depth.
    pub widest: usize,
    /// The bound on states, if it was met; otherwise everything was seen.
    pub bound: Option<u32>,
    /// States replayed from their journal and compared.
    pub replays: u64,
    /// Merges of two states that were checked, and those whose futures differed.
    pub merges: u64,
    /// Of those, the ones whose futures differed.
    pub merges_wrong: u64,
    /// Moves on which the guard refused a step for the first time.
    pub vetoes: u64,
    /// States whose fair run leaves what was explored; none if everything was.
    pub undecided: u64,
    /// States in which nothing happens any more, by the end of the rollout.
    pub ends: BTreeMap<&'static str, u64>,
    /// Moves that broke a promise.
    pub violations: u64,
    /// Each promise that was broken, by the shortest way to it.
    pub findings: Vec<Finding>,
    /// Time taken.
    pub elapsed: Duration,
}

/// A broken promise.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The promise, by its name in GUARANTEES.md.
    pub promise: &'static str,
    /// What is so instead.
    pub what: String,
    /// How it came to that.
    pub transcript: Vec<String>,
}
