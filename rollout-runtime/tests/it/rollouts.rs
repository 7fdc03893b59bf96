//! Whole rollouts in virtual time: deployed, moved, paused, aborted, superseded.

use std::time::Duration;

use rollout_core::{
    engine::{Change, End, OrderRefused, Phase},
    id::WorkloadId,
    port::Journal,
    time::Span,
};
use rollout_runtime::{
    Handle, Options, OrderError, Progress, Runtime, StartError, SubmitError, journal::MemoryJournal,
};
use tokio::time::{Instant, sleep, timeout};

use super::world::{World, options, revision, spec, web};

/// Far more virtual time than any of these rollouts needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) journal: MemoryJournal,
    pub(crate) runtime: Runtime,
    pub(crate) handle: Handle,
}

pub(crate) async fn run() -> Run {
    let (world, journal) = (World::new(), MemoryJournal::new("engine-1"));
    let runtime = Runtime::new();
    let ports = world.ports(journal.clone());
    let handle = runtime.start(&web(), ports, options()).await.unwrap();
    Run { world, journal, runtime, handle }
}

/// A run that has deployed `v1`.
pub(crate) async fn deployed() -> Run {
    let run = run().await;
    assert_eq!(moved(&run.handle, "v1").await, End::Completed);
    run.world.assert_only("v1", 4);
    run.world.watch_serving();
    run
}

pub(crate) async fn moved(handle: &Handle, image: &str) -> End {
    let submitted = handle.submit(spec("web", image), "test").await;
    assert_eq!(submitted, Ok(revision(image)));
    ended(handle).await
}

pub(crate) async fn ended(handle: &Handle) -> End {
    let Ok(end) = timeout(PATIENCE, handle.wait_ended()).await else {
        panic!("it never ends: {:#?}", handle.status().await);
    };
    end.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_first_deploy_and_a_rolling_update_complete() {
    let run = deployed().await;
    let began = Instant::now();
    let mut heard = run.handle.subscribe();
    assert_eq!(moved(&run.handle, "v2").await, End::Completed);
    run.world.assert_only("v2", 4);
    {
        let truth = run.world.truth();
        assert!(4 <= truth.fewest_serving, "{} served", truth.fewest_serving);
        assert!(truth.most <= 5, "{} at once", truth.most);
    }
    // Four times: create 50 ms, start 80, boot 300 seen within 100, enrol, drain 120, stop 80, remove.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());

    let status = run.handle.status().await.unwrap();
    assert_eq!((status.phase, status.stable), (Phase::Ended, Some(revision("v2"))));
    drop(run.runtime);
    let (mut last, mut notes) = (None, 0);
    while let Some(progress) = heard.next().await {
        if let Progress::Recorded { seq, .. } = progress {
            last = Some(seq);
        } else {
            assert!(matches!(progress, Progress::Noted { .. }), "{progress:?}");
            notes += 1;
        }
    }
    let records = run.journal.load(&web()).await.unwrap();
    let seq = last.expect("records were told");
    assert_eq!(seq.0, records.len() as u64, "every record is told once, in order");
    assert!(0 < notes);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_never_gets_ready_is_rolled_back() {
    let run = deployed().await;
    assert_eq!(moved(&run.handle, "broken").await, End::RolledBack);
    run.world.assert_only("v1", 4);
    assert!(4 <= run.world.truth().fewest_serving);
}

#[tokio::test(start_paused = true)]
async fn an_abort_goes_back_and_a_pause_stands_still() {
    let run = deployed().await;
    run.handle.submit(spec("web", "v2"), "test").await.unwrap();
    sleep(Duration::from_millis(900)).await;
    run.handle.pause("ann", Some("lunch")).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let status = run.handle.status().await.unwrap();
    assert!(status.paused);
    assert!(run.world.serving("v2") < 4, "it went on while paused");
    run.handle.abort("ann", None).await.unwrap();
    assert_eq!(ended(&run.handle).await, End::RolledBack);
    run.world.assert_only("v1", 4);
}

#[tokio::test(start_paused = true)]
async fn orders_that_make_no_sense_are_refused_and_change_nothing() {
    let run = run().await;
    let refused = run.handle.abort("ann", None).await;
    let nothing =
        |error| matches!(error, Err(OrderError::Refused(OrderRefused::NothingUnderWay { .. })));
    assert!(nothing(refused.clone()), "{refused:?}");
    let mut no_image = serde_json::to_value(spec("web", "v1")).unwrap();
    no_image["template"] = serde_json::json!({"imge": "v1"});
    let no_image = serde_json::from_value(no_image).unwrap();
    let refused = run.handle.submit(no_image, "ann").await;
    let Err(SubmitError::Pin(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.field, "template.image");
    let records = run.journal.load(&web()).await.unwrap();
    let claims = records.iter().all(|record| matches!(record.change, Change::Claimed { .. }));
    assert!(claims, "{records:?}");
}

#[tokio::test(start_paused = true)]
async fn a_spec_without_a_revision_is_named_by_its_template() {
    let run = run().await;
    let mut unnamed = serde_json::to_value(spec("web", "v1")).unwrap();
    unnamed.as_object_mut().unwrap().remove("revision");
    let unnamed = serde_json::from_value(unnamed).unwrap();
    let id = run.handle.submit(unnamed, "test").await.unwrap();
    let template = serde_json::json!({"image": "v1"});
    assert_eq!(id, rollout_runtime::digest_id(&template));
    assert_eq!(ended(&run.handle).await, End::Completed);
}

#[tokio::test(start_paused = true)]
async fn one_process_drives_many_workloads_but_each_once() {
    let runtime = Runtime::new();
    let journal = MemoryJournal::new("engine-1");
    let names = ["api", "web", "worker"];
    let mut worlds = Vec::new();
    for name in names {
        let (world, workload) = (World::new(), WorkloadId::new(name).unwrap());
        let ports = world.ports(journal.clone());
        let handle = runtime.start(&workload, ports.clone(), options()).await.unwrap();
        handle.submit(spec(name, "v1"), "test").await.unwrap();
        let twice = runtime.start(&workload, ports, options()).await.err();
        assert_eq!(twice, Some(StartError::Running { workload }));
        worlds.push(world);
    }
    for handle in runtime.handles() {
        assert_eq!(ended(&handle).await, End::Completed);
    }
    for world in worlds {
        world.assert_only("v1", 4);
    }
    let workloads = journal.workloads().await.unwrap();
    assert_eq!(workloads.iter().map(WorkloadId::as_str).collect::<Vec<_>>(), names);
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_left_alone() {
    let run = deployed().await;
    sleep(Duration::from_secs(60)).await;
    let before = run.journal.load(&web()).await.unwrap().len();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(run.journal.load(&web()).await.unwrap().len(), before);
    run.world.assert_only("v1", 4);
}

#[tokio::test(start_paused = true)]
async fn requests_that_never_end_are_cut_at_the_drain_deadline() {
    let run = run().await;
    let mut endless = serde_json::to_value(spec("web", "v1")).unwrap();
    endless["template"]["requests"] = "endless".into();
    let endless = serde_json::from_value(endless).unwrap();
    run.handle.submit(endless, "test").await.unwrap();
    assert_eq!(ended(&run.handle).await, End::Completed);
    let began = Instant::now();
    assert_eq!(moved(&run.handle, "v2").await, End::Completed);
    run.world.assert_only("v2", 4);
    let (least, most) = (Duration::from_secs(8), Duration::from_secs(14));
    assert!((least..most).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_newer_submission_is_what_is_waited_for() {
    let run = deployed().await;
    run.handle.submit(spec("web", "v2"), "test").await.unwrap();
    sleep(Duration::from_millis(700)).await;
    assert_eq!(moved(&run.handle, "v3").await, End::Completed);
    run.world.assert_only("v3", 4);
    assert!(4 <= run.world.truth().fewest_serving);
}

#[tokio::test(start_paused = true)]
async fn an_order_at_rest_is_acted_on_at_once_however_seldom_ports_are_asked() {
    let (world, runtime) = (World::new(), Runtime::new());
    let seldom = Options { poll_ended: Span::from_secs(3_600), ..options() };
    let ports = world.ports(MemoryJournal::new("engine-1"));
    let handle = runtime.start(&web(), ports, seldom).await.unwrap();
    assert_eq!(moved(&handle, "v1").await, End::Completed);
    // Longer than a decision may rest on what was seen.
    sleep(Duration::from_secs(60)).await;
    handle.resize(6, "test", None).await.unwrap();
    let begun = Instant::now();
    while world.serving("v1") != 6 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it waits for the next look around");
        sleep(Duration::from_millis(100)).await;
    }
}
