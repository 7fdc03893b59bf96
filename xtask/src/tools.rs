//! Tools: programs the habits need, installed when they are missing.
//!
//! cargo-deny and cargo-mutants come as source and are kept under the target folder. Docker and HAProxy come from Debian.

use std::{env, path::PathBuf, process::Command};

use crate::{
    problem::Problem,
    step::{Steps, cargo},
    target,
};

const DENY_VERSION: &str = "0.20.2";
const MUTANTS_VERSION: &str = "27.1.0";
const WAY_OUT: &str =
    "install them with the package manager of your system, or run this as root on Debian";

/// Path of cargo-deny, which is built if this target folder has none yet.
pub(crate) fn cargo_deny(steps: &mut Steps) -> Result<PathBuf, Problem> {
    from_source(steps, "cargo-deny", &[], DENY_VERSION)
}

/// Path of cargo-mutants, which is built if this target folder has none yet.
pub(crate) fn cargo_mutants(steps: &mut Steps) -> Result<PathBuf, Problem> {
    from_source(steps, "cargo-mutants", &["mutants"], MUTANTS_VERSION)
}

/// `asked`: what stands before `--version` where the program is asked for its own.
fn from_source(
    steps: &mut Steps,
    name: &str,
    asked: &[&str],
    version: &str,
) -> Result<PathBuf, Problem> {
    let tools = target().join("tools");
    let program = tools.join("bin").join(name);
    if is_version(Command::new(&program).args(asked), version) {
        return Ok(program);
    }
    let build = tools.join("build");
    steps.run(
        &format!("install {name}"),
        cargo()
            // Unoptimized: it waits for others most of its time, and builds in a third of the time.
            .args(["install", name, "--version", version, "--locked", "--debug", "--quiet"])
            .arg("--root")
            .arg(&tools)
            .arg("--target-dir")
            .arg(&build),
    )?;
    // Its object files are as large as everything else together; a leftover costs space only.
    std::fs::remove_dir_all(&build).ok();
    Ok(program)
}

fn is_version(program: &mut Command, version: &str) -> bool {
    program.arg("--version").output().is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).split_whitespace().last() == Some(version)
    })
}

/// Installs the packages whose programs are missing.
pub(crate) fn debian(steps: &mut Steps, wanted: &[(&str, &'static str)]) -> Result<(), Problem> {
    let mut packages: Vec<&str> = wanted
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(_, package)| *package)
        .collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    if !is_there("apt-get") {
        return Err(Problem::Missing { packages: packages.join(", "), way_out: WAY_OUT });
    }
    steps.run("refresh package lists", Command::new("apt-get").args(["update", "--quiet"]))?;
    steps.run(
        "install packages",
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(&packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
