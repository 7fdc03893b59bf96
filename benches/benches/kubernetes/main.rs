//! The engine on Kubernetes beside the Deployment controller, one after the other on one cluster.
//!
//! Run with `cargo xtask bench kubernetes`, which starts the cluster; names of parts behind it run those alone: `real`,
//! `many`, `abort`, `rest`, `fleet` (500 workloads at once, or `fleet=N`), and `idle` (1,000 that rest, or `idle=N`),
//! which runs only where it is named. Controllers and scheduler may send 500 requests a second, bursts of 1,000; as
//! delivered (20 and 50) the throttle would be measured. The engine's own client has no throttle but 32 requests at
//! once. Writes are counted by the API server, so nothing else should run on the cluster.

mod abort;
mod copy;
mod fleet;
mod idle;
mod many;
mod objects;
mod peer;
mod real;
mod rest;
mod run;
mod writes;

use std::{env, error::Error, process::ExitCode};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("kubernetes bench: {why}"));
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<(), Failure> {
    say(
        "throttles of controllers and scheduler: 500 a second, bursts of 1,000; of the engine: none\n",
    );
    let wanted: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    if is_wanted("real") {
        real::measure().await?;
    }
    if is_wanted("many") {
        many::measure().await?;
    }
    if is_wanted("abort") {
        abort::measure().await?;
    }
    if is_wanted("rest") {
        rest::measure().await?;
    }
    let of = |name: &str| wanted.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
    if is_wanted("fleet") {
        fleet::measure(fleet::WORKLOADS).await?;
    } else if let Some(count) = of("fleet") {
        fleet::measure(count.parse()?).await?;
    }
    if let Some(count) = of("idle") {
        idle::measure(count.parse()?).await?;
    } else if wanted.iter().any(|it| it == "idle") {
        idle::measure(idle::WORKLOADS).await?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the numbers of a benchmark go to standard output")]
fn say(line: &str) {
    println!("{line}");
}
