//! `deep`: the searches that are too long for every commit, and worth it before a release.
//!
//! In: nothing. Out: their reports, one step each; the first that finds something ends the command.

use crate::{problem::Problem, step::Steps};

/// Seeds of the swarm.
const SEEDS: &str = "0..1000000";

/// Runs them all, in release mode.
pub(crate) fn deep() -> Result<(), Problem> {
    let mut steps = Steps::new("deep");
    seeded(&mut steps)?;
    explored(&mut steps)?;
    makespans(&mut steps)?;
    steps.end();
    Ok(())
}

/// Seeded rollouts under faults.
fn seeded(steps: &mut Steps) -> Result<(), Problem> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads.to_string();
    steps.cargo(
        "seeded rollouts",
        ["run", "--locked", "--release", "--package", "rollout-sim", "--example", "swarm", "--"]
            .into_iter()
            .chain(["--seeds", SEEDS, "--threads", &threads]),
    )
}

/// Every small world of the table, to the end: each prints its states, depth and time, and whether it stopped
/// at its bound.
fn explored(steps: &mut Steps) -> Result<(), Problem> {
    steps.cargo(
        "small worlds",
        ["run", "--locked", "--release", "--package", "rollout-sim", "--example", "explore", "--"]
            .into_iter()
            .chain(["all"]),
    )
}

/// The full grid of makespans beside their bounds.
fn makespans(steps: &mut Steps) -> Result<(), Problem> {
    steps.cargo(
        "makespans",
        ["test", "--locked", "--release", "--package", "rollout-core", "--test", "makespan", "--"]
            .into_iter()
            .chain(["--ignored", "full_grid", "--nocapture"]),
    )
}
