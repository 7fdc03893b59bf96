//! `deep`: the searches that are too long for every commit, and worth it before a release.
//!
//! In: nothing. Out: their reports, one step each; the first that finds something ends the command.

use crate::{problem::Problem, step::Steps};

/// Seeds of the swarm.
const SEEDS: &str = "0..1000000";
/// Seeds of the rollouts that crash at every point.
const TORTURED: &str = "0..200";

/// Runs them all, in release mode.
pub(crate) fn deep() -> Result<(), Problem> {
    let mut steps = Steps::new("deep");
    seeded(&mut steps)?;
    // Every small world of the table, to the end: each prints its states, depth and time, and whether it stopped
    // at its bound.
    searched(&mut steps, "small worlds", "explore", &["all"])?;
    searched(&mut steps, "crashes at every point", "torture", &[TORTURED])?;
    // Every planted bug made small: the events and the seconds that it takes, and their medians.
    searched(&mut steps, "counterexamples", "shrink", &["--bugs"])?;
    ignored(&mut steps, "torn writes", ["rollout-runtime", "it", "full_grid_of_torn_writes"])?;
    ignored(&mut steps, "makespans", ["rollout-core", "makespan", "full_grid"])?;
    // In the tests they are told by a build that is hardly optimized and has every assertion; here by the other kind.
    steps.cargo(
        "stories, byte by byte",
        ["test", "--locked", "--release", "--package", "rollout-sim", "--test", "sim", "stories"],
    )?;
    steps.end();
    Ok(())
}

/// Seeded rollouts under faults.
fn seeded(steps: &mut Steps) -> Result<(), Problem> {
    searched(steps, "seeded rollouts", "swarm", &["--seeds", SEEDS, "--threads", &threads()])
}

/// Threads that there are processors for.
pub(crate) fn threads() -> String {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).to_string()
}

/// A search of the simulator.
fn searched(steps: &mut Steps, name: &str, search: &str, words: &[&str]) -> Result<(), Problem> {
    let run = ["run", "--locked", "--release", "--package", "rollout-sim", "--example"];
    steps.cargo(name, run.iter().chain(&[search, "--"]).chain(words).copied())
}

/// A test that is left out of every other run: its package, its binary and its name.
fn ignored(steps: &mut Steps, name: &str, test: [&str; 3]) -> Result<(), Problem> {
    let [package, binary, test] = test;
    steps.cargo(
        name,
        ["test", "--locked", "--release", "--package", package, "--test", binary, "--"]
            .into_iter()
            .chain(["--ignored", test, "--nocapture"]),
    )
}
