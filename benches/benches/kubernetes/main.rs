//! The engine on Kubernetes beside the Deployment controller, one after the other on one cluster.
//!
//! Run with `cargo xtask bench kubernetes`, which starts the cluster. Controllers and scheduler may send 500
//! requests a second, bursts of 1,000; as delivered (20 and 50) the throttle would be measured. The engine's own
//! client has no throttle. Writes are counted by the API server, so nothing else should run on the cluster.
//!
//! Arguments choose: `real`, `many`, `fleet [N]` (500 workloads at once), `idle [N]` (1,000 that rest); without any,
//! all but the last.

mod copy;
mod fleet;
mod idle;
mod many;
mod objects;
mod peer;
mod real;
mod writes;

use std::{error::Error, process::ExitCode};

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
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            real::measure().await?;
            many::measure().await?;
            fleet::measure(fleet::WORKLOADS).await
        }
        ["real"] => real::measure().await,
        ["many"] => many::measure().await,
        ["fleet"] => fleet::measure(fleet::WORKLOADS).await,
        ["fleet", count] => fleet::measure(count.parse()?).await,
        ["idle"] => idle::measure(idle::WORKLOADS).await,
        ["idle", count] => idle::measure(count.parse()?).await,
        others => {
            let why = format!("`{}` is none of real, many, fleet [N], idle [N]", others.join(" "));
            Err(why.into())
        }
    }
}

#[expect(clippy::print_stdout, reason = "the numbers of a benchmark go to standard output")]
fn say(line: &str) {
    println!("{line}");
}
