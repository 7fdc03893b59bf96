//! `cargo xtask`: every habit of the project is one command, and no tool has to be installed first.
//!
//! In: a command name. Out: what it does, step by step with its time, and an exit code: 0 all well,
//! 1 a step failed, 2 no such command. Absent: dependencies, so that it builds in a second.

mod cluster;
mod deep;
mod live;
mod mutants;
mod problem;
mod step;
mod tidy;
mod tools;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use crate::{problem::Problem, step::Steps};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  verify           everything that must hold before a commit; writes nothing
  fix              formats, and applies what clippy can apply by itself
  tidy             the rules of the house alone: sizes, headers, links, words, arrows
  live packages    installs what the live suites need of Debian, and nothing else
  live docker      the live suites on a real Docker engine; installs and starts what is missing
  live kubernetes  the live suites on a real Kubernetes; installs, builds and starts what is missing
  cluster up       a real Kubernetes for you to try things on, with a kubeconfig; it stays
  cluster down     removes it
  cluster build    builds its programs and starts nothing
  bench            the benchmarks
  bench kubernetes the engine beside the Deployment controller on a real Kubernetes; or parts of it alone, by name:
                   real, many, abort, rest, fleet, idle, the last two with `=N` workloads
  mutants          the core's tests against small changes to what the core's last commits changed; `mutants 0/4`
                   a quarter of that; `mutants guard [0/4]` against changes to all of the guard
  deep             the long searches of the simulator and the full grid of makespans, in release mode
  deep kubernetes  the operator killed a hundred times on a real Kubernetes";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["verify"] => verify::verify(),
        ["fix"] => verify::fix(),
        ["tidy"] => verify::tidy(),
        ["live", "packages"] => live::packages(),
        ["live", "docker"] => live::docker(),
        ["live", "kubernetes"] => cluster::live(),
        ["live", cluster::BESIDE] => cluster::beside(),
        ["cluster", "build"] => cluster::build(),
        ["cluster", "up"] => cluster::up(),
        ["cluster", "down"] => cluster::down(),
        ["bench"] => bench(),
        ["bench", "kubernetes", parts @ ..] => cluster::bench(parts),
        ["mutants"] => mutants::changed(None),
        ["mutants", "guard"] => mutants::guard(None),
        ["mutants", "guard", shard] => mutants::guard(Some(shard)),
        ["mutants", shard] => mutants::changed(Some(shard)),
        ["deep"] => deep::deep(),
        ["deep", "kubernetes"] => cluster::deep(),
        _ => {
            step::say(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            step::say(&format!("xtask: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), Problem> {
    let mut steps = Steps::new("bench");
    steps.cargo("benchmarks", ["bench", "--locked", "--package", "rollout-benches"])?;
    let scale = ["run", "--locked", "--release", "--package", "rollout-benches", "--bin", "scale"];
    steps.cargo("scale", scale)?;
    steps.end();
    Ok(())
}

/// The folder of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package lies in a folder of the workspace")
        .to_owned()
}

/// Where build results go.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
