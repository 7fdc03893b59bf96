//! What may go wrong in the middle: crashes, journals that fail, engines that compete.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;
use rollout_core::{
    engine::{End, Record},
    id::{Seq, WorkloadId},
    port::{ClaimError, Journal, JournalError},
};
use rollout_runtime::{
    Options, OrderError, Runtime, StartError, Stopped, SubmitError,
    journal::{MemoryJournal, RedbJournal},
};
use tokio::time::{sleep, timeout};

use super::{
    rollouts::{PATIENCE, Run, deployed, ended, moved},
    world::{World, options, spec, web},
};

/// A journal whose appends fail when their turn comes: before they are kept, or after.
#[derive(Clone)]
struct Failing {
    inner: MemoryJournal,
    appends_left: Arc<AtomicI64>,
    kept: bool,
    error: JournalError,
}

#[async_trait]
impl Journal for Failing {
    fn owner(&self) -> String {
        self.inner.owner()
    }
    async fn append(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<Seq, JournalError> {
        if self.appends_left.fetch_sub(1, Ordering::Relaxed) != 1 {
            return self.inner.append(workload, expected, records).await;
        }
        if self.kept {
            self.inner.append(workload, expected, records).await?;
        }
        Err(self.error.clone())
    }
    async fn load(&self, workload: &WorkloadId) -> Result<Vec<Record>, JournalError> {
        self.inner.load(workload).await
    }
    async fn workloads(&self) -> Result<Vec<WorkloadId>, JournalError> {
        self.inner.workloads().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_is_resumed() {
    for seed in 0..30 {
        let Run { world, journal, runtime, handle } = deployed().await;
        let mut random = Pcg32::seed_from_u64(seed);
        handle.submit(spec("web", "v2"), "test").await.unwrap();
        drop(handle);
        let mut runtime = Some(runtime);
        for _ in 0..=random.next_u32() % 4 {
            sleep(Duration::from_millis(u64::from(random.next_u32() % 1_500))).await;
            drop(runtime.take());
            // The engine is away for a while; what it had sent may have arrived.
            sleep(Duration::from_millis(u64::from(random.next_u32() % 200))).await;
            let again = Runtime::new();
            again.start(&web(), world.ports(journal.clone()), options()).await.unwrap();
            runtime = Some(again);
        }
        let runtime = runtime.unwrap();
        let handle = runtime.handle(&web()).unwrap();
        assert_eq!(ended(&handle).await, End::Completed, "seed {seed}");
        world.assert_only("v2", 4);
        let truth = world.truth();
        assert!(4 <= truth.fewest_serving, "seed {seed}: {} served", truth.fewest_serving);
        assert!(truth.most <= 5, "seed {seed}: {} at once", truth.most);
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_once_delays_and_harms_nothing() {
    let place = "flaky".to_owned();
    let error = JournalError::Store { place, why: "no space".to_owned() };
    for kept in [false, true] {
        for turn in (1..40).step_by(3) {
            let world = World::new();
            let journal = Failing {
                inner: MemoryJournal::new("engine-1"),
                appends_left: Arc::new(AtomicI64::new(i64::MAX)),
                kept,
                error: error.clone(),
            };
            let runtime = Runtime::new();
            let ports = world.ports(journal.clone());
            let handle = runtime.start(&web(), ports, options()).await.unwrap();
            assert_eq!(moved(&handle, "v1").await, End::Completed);
            world.watch_serving();
            handle.submit(spec("web", "v2"), "test").await.unwrap();
            journal.appends_left.store(turn, Ordering::Relaxed);
            assert_eq!(ended(&handle).await, End::Completed, "turn {turn}, kept {kept}");
            world.assert_only("v2", 4);
            assert!(4 <= world.truth().fewest_serving, "turn {turn}, kept {kept}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_could_not_be_kept_is_not_taken() {
    let world = World::new();
    let place = "flaky".to_owned();
    let error = JournalError::Store { place, why: "no space".to_owned() };
    let journal = Failing {
        inner: MemoryJournal::new("engine-1"),
        appends_left: Arc::new(AtomicI64::new(2)), // The claim is kept, the submission is not.
        kept: false,
        error: error.clone(),
    };
    let runtime = Runtime::new();
    let handle = runtime.start(&web(), world.ports(journal), options()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let submitted = handle.submit(spec("web", "v1"), "test").await;
    assert_eq!(submitted, Err(SubmitError::Order(OrderError::NotKept(error))));
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.truth().instances.len(), 0, "it acted on what it had not kept");
    assert_eq!(moved(&handle, "v1").await, End::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_another_engine_writes_to_stops_this_one() {
    let run = deployed().await;
    run.handle.submit(spec("web", "v2"), "test").await.unwrap();
    let records = run.journal.load(&web()).await.unwrap();
    let stranger = records[0].clone();
    let seq = Seq(records.len() as u64);
    run.journal.append(&web(), seq, &[stranger]).await.unwrap();
    let stopped = timeout(PATIENCE, run.handle.wait_stopped()).await.unwrap();
    let moved = matches!(stopped, Stopped::Failed(StartError::Journal(JournalError::Moved { .. })));
    assert!(moved, "{stopped}");
    assert_eq!(run.handle.status().await, Err(stopped.clone()));
    let refused = run.handle.pause("ann", None).await;
    assert_eq!(refused, Err(OrderError::Stopped(stopped)));
}

#[tokio::test(start_paused = true)]
async fn another_owner_is_refused_unless_it_takes_over() {
    let run = deployed().await;
    run.handle.submit(spec("web", "v2"), "test").await.unwrap();
    let other = Runtime::new();
    let ports = || run.world.ports(MemoryJournal::new("engine-2"));
    let refused = other.start(&web(), ports(), options()).await.err();
    let owned = matches!(refused, Some(StartError::Claim(ClaimError::Owned { .. })));
    assert!(owned, "{refused:?}");

    let takes_over = Options { take_over: true, ..options() };
    let _handle = other.start(&web(), ports(), takes_over).await.unwrap();
    let stopped = timeout(PATIENCE, run.handle.wait_stopped()).await.unwrap();
    assert_eq!(stopped, Stopped::Fenced);
    assert!(0 < run.world.truth().fenced);
}

#[tokio::test(start_paused = true)]
async fn a_shut_down_driver_is_resumed_by_the_next() {
    let run = deployed().await;
    run.handle.submit(spec("web", "v2"), "test").await.unwrap();
    sleep(Duration::from_millis(700)).await;
    assert_eq!(run.handle.shutdown().await, Stopped::ShutDown);
    let ports = run.world.ports(run.journal.clone());
    let handle = run.runtime.start(&web(), ports, options()).await.unwrap();
    assert_eq!(ended(&handle).await, End::Completed);
    run.world.assert_only("v2", 4);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_goes_on_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let world = World::new();
    let runtime = Runtime::new();
    let journal = RedbJournal::open(&path).await.unwrap();
    let handle = runtime.start(&web(), world.ports(journal), options()).await.unwrap();
    assert_eq!(moved(&handle, "v1").await, End::Completed);
    handle.submit(spec("web", "v2"), "test").await.unwrap();
    sleep(Duration::from_millis(900)).await;
    drop((runtime, handle));

    let journal = loop {
        match RedbJournal::open(&path).await {
            // The cancelled driver lets go of the file when it is next polled.
            Err(JournalError::InUse { .. }) => tokio::task::yield_now().await,
            journal => break journal.unwrap(),
        }
    };
    let runtime = Runtime::new();
    let handle = runtime.start(&web(), world.ports(journal), options()).await.unwrap();
    assert_eq!(ended(&handle).await, End::Completed);
    world.assert_only("v2", 4);
}
