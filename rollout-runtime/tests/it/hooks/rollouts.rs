//! Whole rollouts in virtual time that wait for jobs, whose engine dies, and whose jobs fail.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use rollout_core::{
    engine::{Action, Change, Effect, End, HookState, Outcome, WaitReason},
    id::{HookRun, Mark, WorkloadId},
    port::{Hooks, Journal as _, ObserveError},
    spec::{CheckedSpec, Spec},
};
use rollout_runtime::{Handle, Ports, Runtime, hooks::JobHooks, journal::MemoryJournal};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    rollouts::{ended, moved},
    world::{World, options, spec, web},
};

/// How long a job takes.
const TAKES: Duration = Duration::from_secs(5);

/// Jobs that take a while and then end as their `run` says; clones are the same ones.
#[derive(Clone, Default)]
struct Jobs {
    begun: Arc<Mutex<BTreeMap<HookRun, (Instant, Value)>>>,
    starts: Arc<Mutex<Vec<String>>>,
    deaf: Arc<Mutex<bool>>,
}

#[async_trait]
impl Hooks for Jobs {
    async fn apply(&self, action: &Action) -> Outcome {
        let Effect::Run { run, hook } = &action.effect else { panic!("{action}") };
        let mut begun = self.begun.lock().unwrap();
        if !begun.contains_key(run) {
            self.starts.lock().unwrap().push(hook.name.clone());
            begun.insert(run.clone(), (Instant::now(), hook.run.clone()));
        }
        Outcome::Applied { mark: Mark(0) }
    }

    async fn poll(&self, _: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError> {
        if *self.deaf.lock().unwrap() {
            let [what, why, way_out] = ["the jobs", "no route", "wait"].map(str::to_owned);
            return Err(ObserveError { what, why, way_out });
        }
        Ok(match self.begun.lock().unwrap().get(run) {
            None => HookState::Missing,
            Some((began, _)) if began.elapsed() < TAKES => HookState::Running,
            Some((_, run)) if run == "good" => HookState::Succeeded,
            Some(_) => HookState::Failed { detail: "2 tests failed".to_owned() },
        })
    }
}

impl Jobs {
    fn starts(&self) -> Vec<String> {
        self.starts.lock().unwrap().clone()
    }
}

struct Scene {
    world: World,
    jobs: Jobs,
    journal: MemoryJournal,
}

impl Scene {
    /// A world where `v1` serves.
    async fn deployed() -> Self {
        let jobs = Jobs::default();
        let scene = Self { world: World::new(), jobs, journal: MemoryJournal::new("engine-1") };
        let (_runtime, handle) = scene.start().await;
        assert_eq!(moved(&handle, "v1").await, End::Completed);
        scene
    }

    async fn start(&self) -> (Runtime, Handle) {
        let ports: Ports = self.world.ports(self.journal.clone());
        let runtime = Runtime::new();
        let ports = ports.with_hooks(Arc::new(self.jobs.clone()));
        let handle = runtime.start(&web(), ports, options()).await.unwrap();
        (runtime, handle)
    }
}

/// The move to `v2` with hooks.
fn with_hooks(hooks: Value) -> CheckedSpec {
    let mut spec: Spec = (*spec("web", "v2")).clone();
    spec.hooks = serde_json::from_value(hooks).unwrap();
    CheckedSpec::new(spec).unwrap()
}

fn hook(name: &str, run: &str) -> Value {
    json!({"name": name, "run": run, "deadline": "60s"})
}

#[tokio::test(start_paused = true)]
async fn a_rollout_waits_for_its_jobs_in_their_order() {
    let scene = Scene::deployed().await;
    let (_runtime, handle) = scene.start().await;
    let hooks = json!({"before": [hook("expand", "good")], "after": [hook("contract", "good")]});
    let began = Instant::now();
    handle.submit(with_hooks(hooks), "test").await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let waits = handle.waits().await.unwrap();
    let is_hook = |reason: &WaitReason| matches!(reason, WaitReason::Hook { hook, tries: (1, 1), .. } if hook == "expand");
    assert!(waits.iter().any(|wait| is_hook(&wait.reason)), "{waits:#?}");
    assert_eq!(scene.world.serving("v2"), 0, "it did not wait");
    assert_eq!(ended(&handle).await, End::Completed);
    assert!(TAKES * 2 <= began.elapsed());
    assert_eq!(scene.jobs.starts(), ["expand", "contract"]);
    scene.world.assert_only("v2", 4);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_takes_the_rollout_back_with_its_words() {
    let scene = Scene::deployed().await;
    let (_runtime, handle) = scene.start().await;
    let hooks = json!({"before": [hook("smoke", "bad")], "on_rollback": [hook("tell", "good")]});
    handle.submit(with_hooks(hooks), "test").await.unwrap();
    assert_eq!(ended(&handle).await, End::RolledBack);
    let cause = handle.status().await.unwrap().cause.unwrap().to_string();
    assert_eq!(cause, "hook smoke failed: 2 tests failed");
    assert_eq!(scene.jobs.starts(), ["smoke", "tell"]);
    scene.world.assert_only("v1", 4);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_begun_once_though_the_engine_dies_while_it_runs() {
    let scene = Scene::deployed().await;
    let (runtime, handle) = scene.start().await;
    handle.submit(with_hooks(json!({"before": [hook("expand", "good")]})), "test").await.unwrap();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.jobs.starts(), ["expand"]);
    drop((runtime, handle)); // As a crash.
    let (_runtime, handle) = scene.start().await;
    assert_eq!(ended(&handle).await, End::Completed);
    assert_eq!(scene.jobs.starts(), ["expand"]);
    scene.world.assert_only("v2", 4);
}

#[tokio::test]
async fn a_real_command_is_begun_once_and_found_by_the_next_engine() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (world, journal) = (World::new(), MemoryJournal::new("engine-1"));
    let start = async || {
        let hooks = JobHooks::open(file("runs")).unwrap();
        let ports = world.ports(journal.clone()).with_hooks(Arc::new(hooks));
        let runtime = Runtime::new();
        let handle = runtime.start(&web(), ports, options()).await.unwrap();
        (runtime, handle)
    };
    let (runtime, handle) = start().await;
    let script = "echo begun >> $BEGUN; while ! test -e $GO; do sleep 0.02; done";
    let words = json!({
        "command": ["sh", "-c", script], "env": {"BEGUN": file("begun"), "GO": file("go")}
    });
    let hooks = json!({"before": [{"name": "expand", "run": words}]});
    handle.submit(with_hooks(hooks), "test").await.unwrap();
    let began = Instant::now();
    while !file("begun").exists() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not begin");
        sleep(Duration::from_millis(2)).await;
    }
    drop((runtime, handle)); // As a crash, right after the start.
    let (_runtime, handle) = start().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.serving("v2"), 0, "it did not wait");
    std::fs::write(file("go"), "").unwrap();
    assert_eq!(ended(&handle).await, End::Completed);
    assert_eq!(std::fs::read_to_string(file("begun")).unwrap(), "begun\n");
    world.assert_only("v2", 4);
}

#[tokio::test(start_paused = true)]
async fn a_port_that_cannot_say_is_asked_again_until_the_deadline() {
    let scene = Scene::deployed().await;
    let (_runtime, handle) = scene.start().await;
    *scene.jobs.deaf.lock().unwrap() = true;
    handle.submit(with_hooks(json!({"before": [hook("expand", "good")]})), "test").await.unwrap();
    sleep(Duration::from_secs(20)).await;
    *scene.jobs.deaf.lock().unwrap() = false;
    assert_eq!(ended(&handle).await, End::Completed);

    *scene.jobs.deaf.lock().unwrap() = true;
    let mut spec: Spec = (*with_hooks(json!({"before": [hook("expand", "good")]}))).clone();
    spec.revision = Some(crate::world::revision("v3"));
    let began = Instant::now();
    handle.submit(CheckedSpec::new(spec).unwrap(), "test").await.unwrap();
    assert_eq!(ended(&handle).await, End::RolledBack);
    assert!(Duration::from_secs(60) <= began.elapsed());
    let records = scene.journal.load(&web()).await.unwrap();
    let late = records.iter().any(|record| {
        let Change::HookEnded { failure: Some(why), .. } = &record.change else { return false };
        why == "it did not end within 1m"
    });
    assert!(late, "{:#?}", handle.status().await);
}
