//! `mutants`: small changes to the core, each of which some test must notice.
//!
//! In: a shard such as `0/4`, or nothing for all. Out: what cargo-mutants says of each change, and a list under the
//! target folder. Absent: the results that are kept, which a person puts into docs/MUTANTS.md with the commit, and
//! the changes that change nothing, which `.cargo/mutants.toml` leaves out.

use std::{fs, path::Path, process::Command};

use crate::{problem::Problem, root, step::Steps, target, tools};

/// The commits whose changes are looked at.
const SINCE: &str = "HEAD~8";
/// Time that the tests may take for one change, in seconds: a change may send a loop round for ever.
const TIMEOUT: &str = "300";

/// Changes to what the last commits changed in the core.
pub(crate) fn changed(shard: Option<&str>) -> Result<(), Problem> {
    let path = target().join("mutants.diff");
    let diff = Command::new("git")
        .args(["diff", SINCE, "--", "rollout-core/src"])
        .current_dir(root())
        .output()
        .map_err(|why| Problem::Start { program: "git".to_owned(), why })?;
    let unwritable = |why| Problem::Start { program: path.display().to_string(), why };
    fs::write(&path, &diff.stdout).map_err(unwritable)?;
    run(shard, &[Path::new("--in-diff"), &path], &[])
}

/// Changes to all of the guard, against its own tests.
pub(crate) fn guard(shard: Option<&str>) -> Result<(), Problem> {
    let files = [Path::new("--file"), Path::new("rollout-core/src/guard/**")];
    run(shard, &files, &["--lib", "guard::"])
}

/// Changes to `what`, each of which one of the tests must notice that `cargo test` runs by `tests`.
fn run(shard: Option<&str>, what: &[&Path], tests: &[&str]) -> Result<(), Problem> {
    let mut steps = Steps::new("mutants");
    let program = tools::cargo_mutants(&mut steps)?;
    let mut mutants = Command::new(program);
    mutants
        .args(["mutants", "--package", "rollout-core", "--test-package", "rollout-core"])
        .args(["--timeout", TIMEOUT, "--output"])
        .arg(target())
        .args(what);
    if let Some(shard) = shard {
        mutants.args(["--shard", shard]);
    }
    mutants.arg("--").args(tests);
    steps.run("mutants of the core", &mut mutants)?;
    steps.end();
    Ok(())
}
