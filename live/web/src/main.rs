//! Web server under test: answers every request with its version, with chosen manners and health.
//!
//! In: environment variables (see [`settings`]), HTTP/1.1 requests, SIGTERM. Out: answers, an exit code.
//! `web check [URL]` asks the server's own `/health`, or the URL of this host, and exits 0 or 1: the health
//! command of its container.
//! Absent: routing, TLS, request bodies, any dependency but signal handling.

mod check;
mod connection;
mod health;
mod server;
mod settings;
mod signals;

use std::process::ExitCode;

use crate::settings::Settings;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::from_env(|name| std::env::var(name).ok())?;
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("check") {
        let own = || format!("http://localhost:{}/health", settings.port);
        return Ok(check::healthy(&args.next().unwrap_or_else(own))?);
    }
    Ok(server::serve(settings)?)
}

#[expect(clippy::print_stderr, reason = "a container's log is its standard error")]
fn complain(why: &dyn std::fmt::Display) {
    eprintln!("rollout-live-web: {why}");
}
