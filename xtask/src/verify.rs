//! `verify`, `fix` and `tidy`: what must hold before a commit, and the way back to it.

use std::process::Command;

use crate::{
    deep,
    problem::Problem,
    root,
    step::{Steps, cargo, say},
    target, tidy, tools,
};

/// The one command of the README that passes the tests; a rule of the house keeps the two the same.
pub(crate) const TEST: [&str; 2] = ["test", "--workspace"];

/// Seeds of the swarm that every commit passes; `deep` has a million.
const SEEDS: &str = "0..40000";

/// Checks everything and writes nothing but build results.
pub(crate) fn verify() -> Result<(), Problem> {
    let mut steps = Steps::new("verify");
    steps.cargo("format", ["fmt", "--all", "--check"])?;
    steps.work("tidy", check_tidy)?;
    for features in ["--all-features", "--no-default-features"] {
        steps.cargo(
            &format!("clippy {features}"),
            [
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                features,
                "--",
                "-D",
                "warnings",
            ],
        )?;
    }
    steps.cargo("tests and doctests", TEST)?;
    // Built with the tests, every assertion in it.
    let mut swarm = Command::new(target().join("debug").join("examples").join("swarm"));
    swarm.args(["--seeds", SEEDS, "--threads", &deep::threads()]);
    steps.run("seeded rollouts", &mut swarm)?;
    steps.run(
        "documentation",
        cargo()
            .args(["doc", "--workspace", "--no-deps", "--locked", "--all-features"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    let deny = tools::cargo_deny(&mut steps)?;
    steps.run(
        "licences, bans, sources",
        Command::new(deny).args([
            "--locked",
            "--log-level",
            "error",
            "check",
            "licenses",
            "bans",
            "sources",
        ]),
    )?;
    steps.end();
    Ok(())
}

/// Applies what can be applied without thinking.
pub(crate) fn fix() -> Result<(), Problem> {
    let mut steps = Steps::new("fix");
    steps.cargo(
        "clippy",
        ["clippy", "--fix", "--allow-dirty", "--allow-staged", "--workspace", "--all-targets"],
    )?;
    steps.cargo("format", ["fmt", "--all"])?;
    steps.end();
    Ok(())
}

/// Checks the rules of the house alone.
pub(crate) fn tidy() -> Result<(), Problem> {
    let mut steps = Steps::new("tidy");
    steps.work("tidy", check_tidy)?;
    steps.end();
    Ok(())
}

fn check_tidy() -> Result<(), Problem> {
    let report =
        tidy::check(&root()).map_err(|why| Problem::Start { program: "tidy".to_owned(), why })?;
    for line in &report.hints {
        say(&format!("hint: {line}"));
    }
    if report.breaches.is_empty() {
        return Ok(());
    }
    Err(Problem::Untidy { breaches: report.breaches })
}
