//! `live docker`: the suites that need a real Docker engine and a real load balancer; what all live suites share.
//!
//! In: a Linux host. Out: their results. What is missing is installed (Debian, as root) and started;
//! what was started ends with the command, however it ends: the bed's own reaper sees to that.

use std::process::Command;

use crate::{cluster, problem::Problem, step::Steps, target, tools};

/// Test targets of `rollout-live` that need an engine; in its manifest they carry `test = false`.
pub(crate) const TARGETS: [&str; 4] = ["bed", "docker", "tool", "swarm"];
/// The suites of the adapter and of the command, and their test targets, of which the workspace has one each.
const SUITES: [(&str, &str); 2] = [("adapter suite", "live"), ("command suite", "cli")];
/// What live suites start: the test beds, and the command itself.
const PROGRAMS_BUILT: [&str; 3] = ["rollout", "rollout-bed", "rollout-cluster"];
/// Programs and the Debian packages they come from.
const PROGRAMS: [(&str, &str); 5] = [
    ("dockerd", "docker.io"),
    ("docker", "docker.io"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("busybox", "busybox-static"),
];

/// Installs what is missing for all live suites.
pub(crate) fn packages() -> Result<(), Problem> {
    let mut steps = Steps::new("live packages");
    let wanted: Vec<_> = PROGRAMS.into_iter().chain(cluster::PROGRAMS).collect();
    tools::debian(&mut steps, &wanted)?;
    steps.end();
    Ok(())
}

/// Runs the live suites on Docker.
pub(crate) fn docker() -> Result<(), Problem> {
    let mut steps = Steps::new("live docker");
    tools::debian(&mut steps, &PROGRAMS)?;
    bed(&mut steps)?;
    for (name, target) in SUITES {
        let mut suite = suite(on_bed(), target);
        steps.run(name, suite.args(["--", "--test-threads=1"]))?;
    }
    for name in TARGETS {
        let mut suite = suite(on_bed(), name);
        // One at a time: they measure, and there may be two cores only. Their reports are the point.
        suite.args(["--", "--test-threads=1", "--nocapture"]);
        steps.run(&format!("live suite `{name}`"), &mut suite)?;
    }
    steps.end();
    Ok(())
}

/// Builds the programs that live suites start. They are selected as `verify` selects its tests, the whole
/// workspace in one profile, so that nothing is built a second time with other features.
pub(crate) fn bed(steps: &mut Steps) -> Result<(), Problem> {
    let programs = PROGRAMS_BUILT.iter().flat_map(|program| ["--bin", program]);
    steps.cargo(
        "build the test bed",
        ["build", "--workspace", "--locked", "--test", TARGETS[0]].into_iter().chain(programs),
    )
}

/// Lets `command`, which ends with `cargo` or is it, run the test target `name`.
pub(crate) fn suite(mut command: Command, name: &str) -> Command {
    command.args(["test", "--workspace", "--locked", "--test", name]);
    command.env("ROLLOUT_REQUIRE_LIVE", "1");
    command
}

/// A program of the test bed.
pub(crate) fn program(name: &str) -> Command {
    Command::new(target().join("debug").join(name))
}

/// Cargo, beside a Docker engine that ends with it.
fn on_bed() -> Command {
    let mut command = program("rollout-bed");
    command.arg("cargo");
    command
}
