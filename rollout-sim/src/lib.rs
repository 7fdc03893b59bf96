//! Deterministic simulator of the rollout engine.
//!
//! In: a seed or a scenario. Out: what a rollout does to a fleet with ground truth, under faults, faster
//! than real time, and every promise it breaks. Absent: clocks, threads inside a run, floats, hash-map
//! order. The same seed gives the same bytes.

pub mod random;
pub mod world;
pub mod invariants;
pub mod ledger;
