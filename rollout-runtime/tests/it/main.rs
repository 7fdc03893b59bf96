//! Tests of the runtime from outside, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod control;
mod failures;
mod group_commit;
mod hooks;
mod journals;
mod metrics;
mod modules;
mod old_journals;
mod probes;
mod rollouts;
mod torn;
mod world;
