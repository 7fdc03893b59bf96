//! Group commit: facts that wait together cost one append, and nothing leaves before it.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use rollout_core::{
    engine::{Change, End, Record},
    id::{Seq, WorkloadId},
    port::{Journal, JournalError},
    spec::{CheckedSpec, Spec},
    time::Span,
};
use rollout_runtime::{Handle, Options, Runtime, journal::MemoryJournal};
use tokio::time::sleep;

use super::{
    rollouts::ended,
    world::{World, options, revision, spec, web},
};

/// A journal that takes its time, as one behind a network does, and counts.
#[derive(Clone)]
struct Slow {
    inner: MemoryJournal,
    takes: Duration,
    appends: Arc<Mutex<Vec<Vec<Record>>>>,
}

impl Slow {
    fn new(takes: Duration) -> Self {
        Self { inner: MemoryJournal::new("engine-1"), takes, appends: Arc::default() }
    }

    fn appends(&self) -> Vec<Vec<Record>> {
        self.appends.lock().unwrap().clone()
    }
}

#[async_trait]
impl Journal for Slow {
    fn owner(&self) -> String {
        self.inner.owner()
    }
    async fn append(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<Seq, JournalError> {
        sleep(self.takes).await;
        self.appends.lock().unwrap().push(records.to_vec());
        self.inner.append(workload, expected, records).await
    }
    async fn load(&self, workload: &WorkloadId) -> Result<Vec<Record>, JournalError> {
        self.inner.load(workload).await
    }
    async fn workloads(&self) -> Result<Vec<WorkloadId>, JournalError> {
        self.inner.workloads().await
    }
}

/// `count` instances, a quarter of them at a time.
fn fleet(image: &str, count: u64) -> CheckedSpec {
    let mut spec: Spec = (*spec("web", image)).clone();
    spec.replicas = count;
    spec.strategy = serde_json::from_value(serde_json::json!({
        "rolling": {"surge": "25%", "unavailable": "25%"}
    }))
    .unwrap();
    CheckedSpec::new(spec).unwrap()
}

async fn moved(handle: &Handle, spec: CheckedSpec) -> End {
    handle.submit(spec, "test").await.unwrap();
    ended(handle).await
}

fn wide() -> Options {
    Options { max_in_flight: NonZeroUsize::new(128).unwrap(), ..options() }
}

#[tokio::test(start_paused = true)]
async fn outcomes_that_wait_together_cost_one_append() {
    let (world, journal) = (World::new(), Slow::new(Duration::from_secs(1)));
    let runtime = Runtime::new();
    let handle = runtime.start(&web(), world.ports(journal.clone()), wide()).await.unwrap();
    assert_eq!(moved(&handle, fleet("v1", 20)).await, End::Completed);
    world.assert_only("v1", 20);
    // Each comes within the second that the append of the intents of all takes.
    let settled = |records: &[Record]| {
        records.iter().filter(|it| matches!(it.change, Change::Settled { .. })).count()
    };
    let most = journal.appends().iter().map(|records| settled(records)).max();
    assert_eq!(most, Some(20), "twenty creations, or starts, settle by one append");
}

/// Appends and records of a move of 100 instances from one revision to the next.
async fn cost(takes: Duration, options: Options) -> (usize, usize) {
    let (world, journal) = (World::new(), Slow::new(takes));
    let runtime = Runtime::new();
    let handle = runtime.start(&web(), world.ports(journal.clone()), options).await.unwrap();
    assert_eq!(moved(&handle, fleet("v1", 100)).await, End::Completed);
    world.watch_serving();
    let before = journal.appends().len();
    assert_eq!(moved(&handle, fleet("v2", 100)).await, End::Completed);
    world.assert_only("v2", 100);
    assert!(75 <= world.truth().fewest_serving);
    let appends = &journal.appends()[before..];
    assert!(appends.iter().all(|records| !records.is_empty()), "an append of nothing");
    (appends.len(), appends.iter().map(Vec::len).sum())
}

#[tokio::test(start_paused = true)]
async fn a_rollout_of_a_hundred_costs_fewer_appends_than_instances() {
    let over_a_network = cost(Duration::from_millis(10), wide()).await;
    let lingers = Options { linger: Span::from_millis(100), ..wide() };
    let lingering = cost(Duration::from_millis(10), lingers).await;
    // One append for each fact that brought a record would be 994.
    assert!(over_a_network.0 < 60, "{over_a_network:?}");
    assert!(lingering.0 < over_a_network.0, "{lingering:?} against {over_a_network:?}");
}

#[tokio::test(start_paused = true)]
async fn facts_that_come_one_by_one_are_gathered_while_others_are_expected() {
    let few = Options { max_in_flight: NonZeroUsize::new(2).unwrap(), ..options() };
    let at_once = Options { gather: Span::ZERO, ..few };
    let (gathered, alone) =
        (cost(Duration::from_millis(1), few).await, cost(Duration::from_millis(1), at_once).await);
    assert!(gathered.0 * 2 < alone.0, "{gathered:?} appends and records against {alone:?}");
}

#[tokio::test(start_paused = true)]
async fn what_lingers_is_lost_by_a_crash_and_decided_again() {
    let lingers = Options { linger: Span::from_secs(1), ..wide() };
    for crash_ms in (50..3_000).step_by(400) {
        let (world, journal) = (World::new(), Slow::new(Duration::from_millis(5)));
        let runtime = Runtime::new();
        let handle = runtime.start(&web(), world.ports(journal.clone()), lingers).await.unwrap();
        assert_eq!(moved(&handle, fleet("v1", 8)).await, End::Completed);
        world.watch_serving();
        handle.submit(fleet("v2", 8), "test").await.unwrap();
        sleep(Duration::from_millis(crash_ms)).await;
        drop((runtime, handle));
        let runtime = Runtime::new();
        let handle = runtime.start(&web(), world.ports(journal.clone()), lingers).await.unwrap();
        assert_eq!(ended(&handle).await, End::Completed, "crash after {crash_ms} ms");
        world.assert_only("v2", 8);
        assert!(6 <= world.truth().fewest_serving, "crash after {crash_ms} ms");
        let status = handle.status().await.unwrap();
        assert_eq!(status.stable, Some(revision("v2")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_journal_is_compacted_and_gone_on_from() {
    let (world, journal) = (World::new(), MemoryJournal::new("engine-1"));
    let runtime = Runtime::new();
    let short = Options { compact_after: NonZeroUsize::new(100).unwrap(), ..wide() };
    let handle = runtime.start(&web(), world.ports(journal.clone()), short).await.unwrap();
    let mut longest = 0;
    for round in 1..=8 {
        assert_eq!(moved(&handle, fleet(&format!("v{round}"), 4)).await, End::Completed);
        sleep(Duration::from_secs(60)).await;
        longest = longest.max(journal.load(&web()).await.unwrap().len());
    }
    assert!((100..400).contains(&longest), "{longest} records");
    let records = journal.load(&web()).await.unwrap();
    assert!(matches!(records[0].change, Change::Snapshot(_)), "{}", records[0].change);
    let is_submitted = |it: &&Record| matches!(it.change, Change::Submitted { .. });
    assert!(records.iter().any(|it| is_submitted(&it)), "the last rollout cannot be read");
    assert!(400 < Record::last_seq(&records).0, "numbers go on");
    assert_eq!(handle.status().await.unwrap().history.len(), 8);
    drop((runtime, handle));

    let runtime = Runtime::new();
    let handle = runtime.start(&web(), world.ports(journal.clone()), short).await.unwrap();
    assert_eq!(handle.status().await.unwrap().history.len(), 8, "what was proven is known");
    assert_eq!(moved(&handle, fleet("v9", 4)).await, End::Completed);
    world.assert_only("v9", 4);
}
