//! `rollout-cluster build|up|down|run COMMAND…`: a Kubernetes cluster for a person, or for as long as a command runs.
//!
//! In: a command line. Out: an exit code; `up` prints what a shell needs. A command finds the cluster in
//! `KUBECONFIG`, and `kubectl` in `PATH`; one that runs already is used as it is.

use std::{
    env,
    ffi::OsString,
    process::{Command, ExitCode},
};

use rollout_live::cluster::{Cluster, ClusterPlan};

type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: rollout-cluster build | up | down | run COMMAND [ARGUMENT…]";

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let result = match args.first().map(|word| word.to_string_lossy()).as_deref() {
        Some("up") if args.len() == 1 => up(),
        Some("build") if args.len() == 1 => Cluster::build().map(|()| 0).map_err(Failure::from),
        Some("down") if args.len() == 1 => Cluster::remove().map(|()| 0).map_err(Failure::from),
        Some("run") if 1 < args.len() => run(&args[1..]),
        Some(_) | None => Err(USAGE.into()),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            complain(why.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn up() -> Result<u8, Failure> {
    let mut cluster = Cluster::start(ClusterPlan::default())?;
    cluster.keep();
    for (step, took) in cluster.took() {
        say(&format!("{:>8.1} s  {step}", took.as_secs_f64()));
    }
    say("\nA cluster runs. In your shell:\n");
    say(&format!("export KUBECONFIG={}", cluster.kubeconfig().display()));
    say(&format!("export PATH={}:$PATH", cluster.bin().display()));
    say("\n`cargo xtask cluster down` removes it.");
    Ok(0)
}

fn run(command: &[OsString]) -> Result<u8, Failure> {
    let cluster = Cluster::get()?;
    let (program, args) = command.split_first().expect("the command line was checked");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([cluster.bin()].into_iter().chain(env::split_paths(&path)))?;
    let status = Command::new(program)
        .args(args)
        .env("KUBECONFIG", cluster.kubeconfig())
        .env("PATH", path)
        .status()
        .map_err(|why| format!("`{}` cannot be run: {why}", program.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[expect(clippy::print_stdout, reason = "what a shell needs goes to standard output")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "the messages of a command go to standard error")]
fn complain(why: &dyn std::error::Error) {
    eprintln!("rollout-cluster: {why}");
}
