//! `rollout-bed COMMAND…`: runs a command beside a Docker engine, and removes the engine afterwards.
//!
//! In: a command line. Out: its exit code. The command finds the engine in `DOCKER_HOST` and
//! `ROLLOUT_TEST_DOCKER`. An engine named there already is used as it is.

use std::process::{Command, ExitCode};

use rollout_live::bed::Bed;

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            complain(why.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u8, Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1);
    let Some(program) = args.next() else {
        return Err("no command; usage: rollout-bed COMMAND [ARGUMENT…]".into());
    };
    let bed = Bed::bare()?;
    let status = Command::new(&program)
        .args(args)
        .env("DOCKER_HOST", bed.docker_host())
        .env("ROLLOUT_TEST_DOCKER", bed.docker_host())
        .status()
        .map_err(|why| format!("`{}` cannot be run: {why}", program.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[expect(clippy::print_stderr, reason = "the messages of a command go to standard error")]
fn complain(why: &dyn std::error::Error) {
    eprintln!("rollout-bed: {why}");
}
