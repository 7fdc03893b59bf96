//! Own backend: real processes of this machine as instances, behind a [`Backend`] of our own.
//!
//! The backend first passes the suite that every backend must pass, then moves three processes from one
//! revision to the next. Linux only: each process answers on a loopback address of its own.
#![expect(clippy::print_stdout, reason = "an example prints")]

mod backend;
mod bench;
mod instance;
mod serve;

use std::{error::Error, net::IpAddr, path::Path, sync::Arc, time::Instant};

use rollout_core::{
    id::WorkloadId,
    port::Backend,
    spec::{CheckedSpec, Spec},
};
use rollout_runtime::{Options, Ports, Progress, Runtime, Subscription, journal::MemoryJournal};
use rollout_sim::conformance::{self, Verdict};

use self::{backend::ProcessBackend, bench::ProcessBench};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, address, port, greeting] = arguments.as_slice()
        && mode == "serve"
    {
        return Ok(serve::run(address.parse()?, port.parse()?, greeting)?);
    }
    let program = std::env::current_exe()?;
    conform(&program).await?;
    roll(&program).await
}

/// Runs the conformance suite against the backend.
async fn conform(program: &Path) -> Result<(), Box<dyn Error>> {
    let bench = ProcessBench::new(program, serve::free_port()?)?;
    let results = conformance::run(&bench).await;
    for result in &results {
        println!("{result}");
    }
    let failed = |one: &&conformance::CaseResult| matches!(one.verdict, Verdict::Failed { .. });
    match results.iter().filter(failed).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} cases failed", results.len()).into()),
    }
}

/// Deploys three processes, then replaces them one by one.
async fn roll(program: &Path) -> Result<(), Box<dyn Error>> {
    let workload: WorkloadId = "greeter".parse()?;
    let port = serve::free_port()?;
    let backend = Arc::new(ProcessBackend::default());
    let ports = Ports::new(backend.clone(), Arc::new(MemoryJournal::new("own backend")));
    let runtime = Runtime::new();
    let handle = runtime.start(&workload, ports, Options::default()).await?;
    let notes = tokio::spawn(print(handle.subscribe()));
    for revision in ["v1", "v2"] {
        let began = Instant::now();
        handle.submit(spec(program, port, revision)?, "ann").await?;
        let end = handle.wait_ended().await?;
        println!("{workload} to {revision}: {end} after {} ms", began.elapsed().as_millis());
        for (name, seen) in backend.observe(&workload).await?.instances {
            let address = seen.address.ok_or("an instance is gone again")?;
            println!("{name} says: {}", greeting(address, port).await?);
        }
    }
    runtime.shutdown().await;
    notes.await?;
    Ok(())
}

/// Three processes that answer on `port` and say which revision they are.
fn spec(program: &Path, port: u16, revision: &str) -> Result<CheckedSpec, Box<dyn Error>> {
    let mut spec = Spec::from_yaml(&format!(
        "
version: 1
workload: greeter
revision: {revision}
replicas: 3
strategy: {{ rolling: {{ surge: 1, unavailable: 0 }} }}
health: {{ readiness: {{ tcp: {{ port: {port} }}, period: 50ms }} }}
"
    ))?;
    spec.template = serve::template(program, port, &format!("hello from {revision}"));
    Ok(CheckedSpec::new(spec)?)
}

/// What the process at `address` says.
async fn greeting(address: IpAddr, port: u16) -> Result<String, std::io::Error> {
    use tokio::io::AsyncReadExt;
    let mut stream = tokio::net::TcpStream::connect((address, port)).await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    Ok(said)
}

/// Prints the notes as they come.
async fn print(mut progress: Subscription) {
    while let Some(message) = progress.next().await {
        if let Progress::Noted { note, .. } = message {
            println!("  {note}");
        }
    }
}
