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

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Arguments, output::Output};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match command::run(arguments.command, output).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            error.exit().into()
        }
    }
}
