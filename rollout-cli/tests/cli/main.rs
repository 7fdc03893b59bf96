//! The command as a user meets it: transcripts of what it prints, and an exit code for every way to end.
//!
//! Transcripts stand in `tests/golden` and are rewritten by `UPDATE_GOLDEN=1`. What needs a Docker engine
//! is asked of the one that `ROLLOUT_TEST_DOCKER` names, such as `unix:///var/run/docker.sock`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod clusters;
mod imports;
mod journals;
mod live;
mod orders;
mod transcripts;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What one command came to.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs")
}

/// The command in `folder`, without anything of the caller's that would change what it does.
fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollout"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command.env_remove("DOCKER_HOST").env("USER", "ann").env("COLUMNS", "100");
    command
}

/// Runs `rollout ARGUMENTS` in `folder`.
fn rollout_in(folder: &Path, arguments: &str) -> Ran {
    let Output { status, stdout, stderr } =
        command(folder, arguments).output().expect("the binary under test can be run");
    Ran {
        code: status.code().expect("no signal ended it"),
        out: String::from_utf8(stdout).expect("it prints text"),
        err: String::from_utf8(stderr).expect("it prints text"),
    }
}

/// The Docker engine to test against; `None` after saying so.
#[expect(clippy::print_stdout, reason = "what was not run is said, beside the test's name")]
fn docker() -> Option<String> {
    let found = env::var("ROLLOUT_TEST_DOCKER").ok().filter(|host| !host.is_empty());
    if found.is_none() {
        println!("not run: no engine (set ROLLOUT_TEST_DOCKER=unix:///path)");
        let required = env::var("ROLLOUT_REQUIRE_LIVE");
        assert_ne!(required.as_deref(), Ok("1"), "ROLLOUT_TEST_DOCKER is not set");
    }
    found
}

/// Runs `rollout ARGUMENTS` beside the specs.
fn rollout(arguments: &str) -> Ran {
    rollout_in(&specs(), arguments)
}

/// Compares what `commands` print with the transcript `name`.
#[track_caller]
fn transcript(name: &str, commands: &[&str]) {
    let told = |arguments: &&str| {
        let ran = rollout(arguments);
        let errors: String = ran.err.lines().map(|line| ["! ", line, "\n"].concat()).collect();
        format!("$ rollout {arguments}\n{}{errors}= {}\n\n", ran.out, ran.code)
    };
    let text: String = commands.iter().map(told).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if env::var("UPDATE_GOLDEN").is_ok() {
        fs::write(&path, &text).expect("the transcript can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} differs; run again with UPDATE_GOLDEN=1 and look at the difference\n{text}",
        path.display()
    );
}
