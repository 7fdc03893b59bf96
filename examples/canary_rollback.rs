//! Canary with rollback: the candidate answers well for three seconds, then no more; the engine goes
//! back by itself and says why, with the numbers it compared.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use rollout_core::{
    id::RevisionId,
    plan,
    spec::{CheckedSpec, Spec},
};
use rollout_examples::Simulated;
use rollout_runtime::{Options, Progress, Runtime, Subscription, journal::MemoryJournal};
use rollout_sim::world::Truth;

const SPEC: &str = "
version: 1
workload: web
revision: REVISION
replicas: 4
strategy:
  canary:
    steps:
      - { weight: 10%, gates: [health: 10s] }
      - { weight: 50%, gates: [health: 10s] }
health:
  readiness: { http: { port: 8080 }, period: 200ms, failure_threshold: 3 }
";

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let workload = "web".parse()?;
    let (stable, candidate): (RevisionId, RevisionId) = ("v1".parse()?, "v2".parse()?);
    let fleet = Simulated::new(&workload);
    fleet.set_truth(candidate.clone(), Truth::UnreadyAfter { after: 3000 });
    let ports = fleet.ports(MemoryJournal::new("canary"));
    let capabilities = ports.capabilities();
    let runtime = Runtime::new();
    let handle = runtime.start(&workload, ports, Options::default()).await?;
    handle.submit(spec(&stable)?, "ann").await?;
    println!("{workload} at {stable}: {}\n", handle.wait_ended().await?);

    let spec = spec(&candidate)?;
    println!("to {candidate}: {}\n", plan::build(&spec, &capabilities, false)?);
    let notes = tokio::spawn(print(handle.subscribe()));
    handle.submit(spec, "ann").await?;
    let (end, facts) = fleet.measure(&candidate, handle.wait_ended()).await;
    let status = handle.status().await?;
    runtime.shutdown().await;
    notes.await?;

    println!("\n{}\ntook      {}\n{facts}", end?, facts.took);
    if let Some(cause) = status.cause {
        println!("cause     {cause}");
    }
    println!(
        "exposure  {} requests to {candidate}, never more than {} of the traffic",
        facts.exposed, facts.largest_share
    );
    Ok(())
}

/// The spec with the name of its revision.
fn spec(revision: &RevisionId) -> Result<CheckedSpec, Box<dyn Error>> {
    Ok(CheckedSpec::new(Spec::from_yaml(&SPEC.replace("REVISION", revision.as_str()))?)?)
}

/// Prints the notes as they come.
async fn print(mut progress: Subscription) {
    while let Some(message) = progress.next().await {
        if let Progress::Noted { at, note } = message {
            println!("{:>6} ms  {note}", at.0);
        }
    }
}
