//! Library: a rollout from your own program. The ports are simulated here; nothing else would change.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use rollout_core::spec::{CheckedSpec, Spec};
use rollout_examples::Simulated;
use rollout_runtime::{Options, Progress, Runtime, journal::RedbJournal};

const SPEC: &str = "
version: 1
workload: web
revision: v1
replicas: 3
health: { readiness: { http: { port: 8080 }, period: 100ms } }
";

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let spec = CheckedSpec::new(Spec::from_yaml(SPEC)?)?;
    let folder = tempfile::tempdir()?;
    let journal = RedbJournal::open(folder.path().join("web.redb")).await?;
    let ports = Simulated::new(&spec.workload).ports(journal);
    let runtime = Runtime::new();
    let handle = runtime.start(&spec.workload, ports, Options::default()).await?;
    let mut progress = handle.subscribe();
    let notes = tokio::spawn(async move {
        while let Some(message) = progress.next().await {
            if let Progress::Noted { at, note } = message {
                println!("{:>5} ms  {note}", at.0);
            }
        }
    });
    let revision = handle.submit(spec, "ann").await?;
    let end = handle.wait_ended().await?;
    handle.shutdown().await;
    notes.await?;
    println!("{revision}: {end}");
    Ok(())
}
