//! The `rollout` command: a thin shell over the crates.
//!
//! In: arguments and files. Out: text or JSON on standard output, errors on standard error, an exit code
//! ([`exit::Exit`]). Absent by design: decisions, which are the engine's, and any way to a container or a
//! load balancer beside the engine's ports.

mod args;
mod beside;
mod command;
mod error;
mod exit;
mod output;
mod place;
mod source;

use std::{env, path::Path, process::ExitCode};

use clap::Parser as _;
use mimalloc::MiMalloc;

use crate::{args::Arguments, output::Output};

/// The operator takes and gives back a great many small pieces: a third of its time less than with the system's own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

// One thread: nothing here works for long at a time, and waking another one costs more than it saves.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if let Some(target) = arguments.command.target_mut() {
        target.cluster.is_plugin = is_plugin();
    }
    let output = Output::new(arguments.json);
    match command::run(arguments.command, output).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            error.exit().into()
        }
    }
}

/// Whether `kubectl` calls it: under a name that `kubectl` finds, everything is about objects of a cluster.
fn is_plugin() -> bool {
    let called = env::args_os().next();
    let name = called.as_deref().and_then(|path| Path::new(path).file_name());
    name.is_some_and(|name| name.as_encoded_bytes().starts_with(b"kubectl-"))
}
