//! `live docker`: the suites that need a real Docker engine and a real load balancer.
//!
//! In: a Linux host. Out: their results. What is missing is installed (Debian, as root) and started;
//! what was started ends with the command, however it ends: the bed's own reaper sees to that.

use std::process::Command;

use crate::{problem::Problem, step::Steps, target, tools};

/// Test targets of `rollout-live` that need an engine; in its manifest they carry `test = false`.
pub(crate) const TARGETS: [&str; 4] = ["bed", "docker", "tool", "swarm"];
/// Programs and the Debian packages they come from.
const PROGRAMS: [(&str, &str); 5] = [
    ("dockerd", "docker.io"),
    ("docker", "docker.io"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("busybox", "busybox-static"),
];

/// Runs the live suites on Docker.
pub(crate) fn docker() -> Result<(), Problem> {
    let mut steps = Steps::new("live docker");
    tools::debian(&mut steps, &PROGRAMS)?;
    steps.cargo(
        "build the test bed",
        ["build", "--release", "--locked", "--package", "rollout-live", "--package", "rollout-cli"],
    )?;
    for (name, package) in [("adapter suite", "rollout-docker"), ("command suite", "rollout-cli")] {
        let mut suite = on_bed();
        suite.args(["test", "--release", "--locked", "--package", package]);
        suite.args(["--", "--test-threads=1"]);
        steps.run(name, &mut suite)?;
    }
    for name in TARGETS {
        let mut suite = on_bed();
        suite.args(["test", "--release", "--locked", "--package", "rollout-live", "--test", name]);
        // One at a time: they measure, and there may be two cores only. Their reports are the point.
        suite.args(["--", "--test-threads=1", "--nocapture"]);
        steps.run(&format!("live suite `{name}`"), &mut suite)?;
    }
    steps.end();
    Ok(())
}

/// Cargo, beside a Docker engine that ends with it.
fn on_bed() -> Command {
    let mut command = Command::new(target().join("release").join("rollout-bed"));
    command.arg("cargo").env("ROLLOUT_REQUIRE_LIVE", "1");
    command
}
