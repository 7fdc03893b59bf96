//! Crash and resume: the engine is killed at several moments of a rollout; each time a new one reads the
//! journal, looks at the world, and goes on. Nothing is made twice, nothing is left behind.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{collections::BTreeMap, error::Error, path::Path};

use rollout_core::{
    engine::End,
    id::{RevisionId, WorkloadId},
    port::JournalError,
    spec::{CheckedSpec, Spec},
    time::Span,
};
use rollout_examples::Simulated;
use rollout_runtime::{Handle, Options, Runtime, journal::RedbJournal};

const SPEC: &str = "
version: 1
workload: web
revision: REVISION
replicas: 4
strategy: { rolling: { surge: 1, unavailable: 0 } }
health: { readiness: { http: { port: 8080 }, period: 100ms } }
";

/// How long each engine lives, in milliseconds: killed at once, before an instance is ready, as one is
/// enrolled, while one drains, and so on.
const LIVES: [u64; 8] = [0, 3, 400, 1011, 150, 1200, 37, 300];
/// How long nobody is there after a crash.
const AWAY: Span = Span::from_millis(250);

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let workload: WorkloadId = "web".parse()?;
    let (stable, candidate): (RevisionId, RevisionId) = ("v1".parse()?, "v2".parse()?);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("web.redb");
    let fleet = Simulated::new(&workload);

    let (runtime, handle) = engine(&fleet, &workload, &path).await?;
    handle.submit(spec(&stable)?, "ann").await?;
    println!("{workload} at {stable}: {}", handle.wait_ended().await?);
    handle.submit(spec(&candidate)?, "ann").await?;
    let rollout = killed_and_resumed(&fleet, &workload, &path, runtime);
    let (end, facts) = fleet.measure(&candidate, rollout).await;

    println!("{workload} at {candidate}: {}\ntook      {}\n{facts}", end?, facts.took);
    let mut left = BTreeMap::new();
    for (revision, state) in fleet.instances().await {
        let state = format!("{state:?}").to_lowercase();
        *left.entry(format!("{revision} {state}")).or_insert(0) += 1;
    }
    for (what, count) in left {
        println!("left      {count} {what}");
    }
    Ok(())
}

/// Kills one engine after the other; waits for the end with the last one.
async fn killed_and_resumed(
    fleet: &Simulated,
    workload: &WorkloadId,
    path: &Path,
    mut runtime: Runtime,
) -> Result<End, Box<dyn Error>> {
    for life in LIVES {
        tokio::time::sleep(Span::from_millis(life).to_std()).await;
        // Like a crash: nothing is finished, nothing is written, no answer is waited for.
        drop(runtime);
        tokio::time::sleep(AWAY.to_std()).await;
        let handle;
        (runtime, handle) = engine(fleet, workload, path).await?;
        let status = handle.status().await?;
        println!("killed after {life:>4} ms; {} resumes, {}", status.epoch, status.phase);
    }
    let handle = runtime.handle(workload).ok_or("the engine was started above")?;
    Ok(handle.wait_ended().await?)
}

/// An engine on the journal at `path`, once the one before has let go of the file.
async fn engine(
    fleet: &Simulated,
    workload: &WorkloadId,
    path: &Path,
) -> Result<(Runtime, Handle), Box<dyn Error>> {
    let journal = loop {
        match RedbJournal::open(path).await {
            Err(JournalError::InUse { .. }) => tokio::task::yield_now().await,
            journal => break journal?,
        }
    };
    let runtime = Runtime::new();
    let handle = runtime.start(workload, fleet.ports(journal), Options::default()).await?;
    Ok((runtime, handle))
}

/// The spec with the name of its revision.
fn spec(revision: &RevisionId) -> Result<CheckedSpec, Box<dyn Error>> {
    Ok(CheckedSpec::new(Spec::from_yaml(&SPEC.replace("REVISION", revision.as_str()))?)?)
}
