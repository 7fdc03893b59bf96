//! Deterministic simulator of the rollout engine.
//!
//! In: a seed or a scenario. Out: what a rollout does to a fleet with ground truth, under faults, faster
//! than real time, and every promise it breaks. Absent: clocks, threads inside a run, floats, hash-map
//! order. The same seed gives the same bytes.

pub mod conformance;
pub mod counterexample;
pub mod explore;
mod faults;
pub mod incident;
pub mod invariants;
mod kinds;
pub mod ledger;
pub mod museum;
pub mod oracles;
pub mod page;
pub mod random;
pub mod runner;
pub mod saboteur;
pub mod setting;
pub mod simulate;
pub mod torture;
mod transcript;
pub mod world;

pub use self::{
    faults::{CLASS_COUNT, class_name},
    runner::{FaultChoice, RunConfig, RunReport, run, run_with},
    simulate::{Candidate, Report, Scenario, simulate},
};
