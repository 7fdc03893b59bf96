//! Expand, roll, contract: a schema that both revisions can live with while both run.
//!
//! v1 reads the column `name`, v2 reads `first_name`; an instance that does not find its column refuses to
//! serve. Three rollouts: the migrations around it, as hooks; without the first one; with both before it.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rollout_core::{
    engine::{Action, Effect, HookState, Outcome, RefusalKind, Retry},
    id::{HookRun, InstanceId, Mark, WorkloadId},
    port::{Hooks, ObserveError},
    spec::{CheckedSpec, Probe, Spec},
};
use rollout_examples::Simulated;
use rollout_runtime::{
    Options, Progress, Runtime, Subscription,
    journal::MemoryJournal,
    probe::{Answer, Prober},
};

const SPEC: &str = "
version: 1
workload: shop
revision: REVISION
replicas: 3
strategy: { rolling: { surge: 1, unavailable: 0 } }
health: { readiness: { http: { port: 8080 }, period: 100ms } }
deadlines: { progress: 10s }
hooks: HOOKS
";

/// First the column that v2 needs, last of all the end of the one that v1 needed.
const AROUND: &str = "{ before: [{ name: expand, run: expand }], \
    after: [{ name: contract, run: contract }], on_rollback: [{ name: shrink, run: shrink }] }";
/// Nobody makes the column that v2 needs.
const MISSING: &str = "{ after: [{ name: contract, run: contract }] }";
/// The column that v1 needs goes while v1 serves.
const BOTH_BEFORE: &str =
    "{ before: [{ name: expand, run: expand }, { name: contract, run: contract }] }";

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    for (title, hooks) in [
        ("expand before, contract after", AROUND),
        ("no expand", MISSING),
        ("expand and contract before", BOTH_BEFORE),
    ] {
        println!("{title}");
        roll(hooks).await?;
        println!();
    }
    Ok(())
}

/// Deploys v1, then rolls to v2 with these hooks.
async fn roll(hooks: &str) -> Result<(), Box<dyn Error>> {
    let workload: WorkloadId = "shop".parse()?;
    let (fleet, database) = (Simulated::new(&workload), Arc::new(Database::default()));
    let prober = Instances { fleet: fleet.clone(), database: Arc::clone(&database) };
    let ports = fleet
        .ports(MemoryJournal::new("expand contract"))
        .with_hooks(database.clone())
        .with_prober(Arc::new(prober));
    let runtime = Runtime::new();
    let handle = runtime.start(&workload, ports, Options::default()).await?;
    handle.submit(spec("v1", "{}")?, "ann").await?;
    handle.wait_ended().await?;
    let notes = tokio::spawn(print(handle.subscribe()));
    handle.submit(spec("v2", hooks)?, "ann").await?;
    let end = handle.wait_ended().await?;
    runtime.shutdown().await;
    notes.await?;
    let schema = database.schema();
    let columns: Vec<&str> = schema.columns.iter().copied().collect();
    println!("{end}; the schema has {}", columns.join(" and "));
    for revision in ["v1", "v2"] {
        let refused = schema.refused.get(revision).map_or(0, BTreeSet::len);
        println!("{refused} instances of {revision} refused to serve");
    }
    Ok(())
}

fn spec(revision: &str, hooks: &str) -> Result<CheckedSpec, Box<dyn Error>> {
    let text = SPEC.replace("REVISION", revision).replace("HOOKS", hooks);
    Ok(CheckedSpec::new(Spec::from_yaml(&text)?)?)
}

/// Prints the notes as they come.
async fn print(mut progress: Subscription) {
    while let Some(message) = progress.next().await {
        if let Progress::Noted { note, .. } = message {
            println!("  {note}");
        }
    }
}

/// The database, and the port that migrates it.
struct Database(Mutex<Schema>);

struct Schema {
    columns: BTreeSet<&'static str>,
    /// Migrations that were run, by the key of their run.
    runs: BTreeSet<HookRun>,
    /// Instances of each revision that did not find their column.
    refused: BTreeMap<&'static str, BTreeSet<InstanceId>>,
}

impl Default for Database {
    fn default() -> Self {
        let columns = BTreeSet::from(["name"]);
        Self(Mutex::new(Schema { columns, runs: BTreeSet::new(), refused: BTreeMap::new() }))
    }
}

impl Database {
    fn schema(&self) -> MutexGuard<'_, Schema> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Schema {
    /// Runs a migration; each may be run again. Whether there is one of that name.
    fn migrate(&mut self, name: &str) -> bool {
        match name {
            "expand" => self.columns.insert("first_name"),
            "contract" => self.columns.remove("name"),
            "shrink" => self.columns.remove("first_name"),
            _ => return false,
        };
        true
    }
}

#[async_trait]
impl Hooks for Database {
    async fn apply(&self, action: &Action) -> Outcome {
        let Effect::Run { run, hook } = &action.effect else {
            let why = "this port only runs migrations".to_owned();
            return Outcome::refused(RefusalKind::Invalid, why, Retry::Never);
        };
        let mut schema = self.schema();
        let name = hook.run.as_str().unwrap_or_default();
        // Known by its key: a second attempt at the same run migrates nothing.
        if !schema.runs.contains(run) {
            if !schema.migrate(name) {
                let why =
                    format!("there is no migration `{name}`; write expand, contract or shrink");
                return Outcome::refused(RefusalKind::Invalid, why, Retry::Never);
            }
            schema.runs.insert(run.clone());
        }
        Outcome::Applied { mark: Mark::default() }
    }

    async fn poll(&self, _: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError> {
        let is_known = self.schema().runs.contains(run);
        Ok(if is_known { HookState::Succeeded } else { HookState::Missing })
    }
}

/// Instances that refuse to serve without the column they read.
struct Instances {
    fleet: Simulated,
    database: Arc<Database>,
}

#[async_trait]
impl Prober for Instances {
    async fn ask(&self, instance: &InstanceId, address: IpAddr, probe: &Probe) -> Answer {
        let answer = self.fleet.ask(instance, address, probe).await;
        let is_new = instance.as_str().starts_with("shop-v2-");
        let (revision, column) = if is_new { ("v2", "first_name") } else { ("v1", "name") };
        let mut schema = self.database.schema();
        if !answer.healthy || schema.columns.contains(column) {
            return answer;
        }
        schema.refused.entry(revision).or_default().insert(instance.clone());
        Answer::unhealthy(format!("there is no column `{column}`"))
    }
}
