//! What every story starts from: a bed, an engine on it, version 1 deployed, and a load.

use std::{fs, future::Future, sync::Arc, time::Duration};

use rollout_core::{
    engine::{End, Status},
    id::WorkloadId,
    spec::{CheckedSpec, Format, parse},
};
use rollout_docker::{
    DockerBackend, HaProxy,
    compose::{Import, import},
    haproxy::Traffic,
};
use rollout_live::{
    bed::{Bed, Haproxy, Image, Manners, SERVER_PORT, compose_file},
    load::{Load, LoadPlan, Report},
};
use rollout_runtime::{Handle, Options, Ports, Runtime, journal::RedbJournal};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

/// Replicas of every story.
pub(crate) const REPLICAS: usize = 4;
/// Longest story.
const DEADLINE: Duration = Duration::from_secs(120);
/// Requests that end before a story begins, so that every connection is open and has been used.
const BEFORE: u64 = 400;

/// One at a time, new before old: what Compose calls `parallelism: 1, order: start-first`.
pub(crate) fn rolling() -> Value {
    json!({ "rolling": { "surge": 1, "unavailable": 0, "parallelism": 1 } })
}

/// A bed with a load balancer, for one workload.
pub(crate) struct Rig {
    pub(crate) bed: Bed,
    pub(crate) haproxy: Haproxy,
    manners: Manners,
    workload: WorkloadId,
}

/// One life of an engine.
pub(crate) struct Life {
    pub(crate) handle: Handle,
    /// Dropping it is a crash.
    _runtime: Runtime,
}

impl Rig {
    pub(crate) fn new(manners: Manners) -> Self {
        let bed = Bed::start().expect("the bed starts");
        let haproxy = bed.haproxy().expect("HAProxy starts");
        // The name of the bed: its reaper finds by it what carries the name of the workload.
        let workload = WorkloadId::new(bed.network()).expect("the name is plain");
        Self { bed, haproxy, manners, workload }
    }

    /// Starts an engine on the journal of the rig.
    pub(crate) async fn engine(&self) -> Life {
        let host = self.bed.docker_host().to_owned();
        let options = rollout_docker::Options { host, ..rollout_docker::Options::default() };
        let backend = DockerBackend::connect(options).await.expect("Docker answers");
        let traffic = Traffic::read(&self.traffic()).expect("the traffic is well formed");
        let proxy = Arc::new(HaProxy::connect(traffic).await.expect("HAProxy answers"));
        let journal = RedbJournal::open(self.bed.dir().join("journal.redb")).await;
        let ports = Ports::new(Arc::new(backend), Arc::new(journal.expect("the journal opens")))
            .with_enrolment(Arc::<HaProxy>::clone(&proxy))
            .with_router(proxy);
        let runtime = Runtime::new();
        let handle = runtime.start(&self.workload, ports, Options::default()).await;
        Life { handle: handle.expect("the engine starts"), _runtime: runtime }
    }

    /// An engine that has deployed version 1.
    pub(crate) async fn deployed(&self) -> Life {
        let life = self.engine().await;
        self.submit(&life, Image::V1, &rolling(), Duration::ZERO).await;
        assert_eq!(self.end(&life).await, End::Completed, "the first deploy");
        self.assert_serving(Image::V1);
        life
    }

    /// Submits a spec written for the story.
    pub(crate) async fn submit(
        &self,
        life: &Life,
        image: Image,
        strategy: &Value,
        monitor: Duration,
    ) {
        self.submit_spec(life, self.spec(image, strategy, monitor)).await;
    }

    /// Submits the service of a Compose file of `examples/docker`.
    pub(crate) async fn submit_compose(&self, life: &Life, image: Image) {
        let text = fs::read_to_string(compose_file(image)).expect("the example is there");
        let variables = self.bed.variables(&self.haproxy, self.manners);
        let environment = |name: &str| variables.get(name).cloned();
        let read = Import { service: None, project: None, environment: &environment };
        let mut spec = import(&text, &read).expect("the example is a Compose file").spec;
        // Every bed has a workload of its own, so that beds may share an engine.
        spec.workload = self.workload.clone();
        self.submit_spec(life, CheckedSpec::new(spec).expect("the example makes sense")).await;
    }

    async fn submit_spec(&self, life: &Life, spec: CheckedSpec) {
        life.handle.submit(spec, "live suite").await.expect("the order is taken");
    }

    /// Waits for the end of a rollout.
    pub(crate) async fn end(&self, life: &Life) -> End {
        if let Ok(end) = timeout(DEADLINE, life.handle.wait_ended()).await {
            return end.expect("the engine lives");
        }
        panic!("no end after {DEADLINE:?}: {:#?}", life.handle.status().await);
    }

    /// Waits until `reached` is so.
    pub(crate) async fn until(&self, life: &Life, reached: impl Fn(&Status) -> bool) {
        let begun = Instant::now();
        loop {
            let status = life.handle.status().await.expect("the engine lives");
            if reached(&status) {
                return;
            }
            assert!(begun.elapsed() < DEADLINE, "not reached: {status:#?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Exactly the replicas of `image` run, nothing else of any kind.
    pub(crate) fn assert_serving(&self, image: Image) {
        let versions = self.bed.versions().expect("Docker answers");
        assert_eq!(versions, [(Some(image.version()), REPLICAS)].into());
        let all = self.bed.containers().expect("Docker answers");
        assert_eq!(all.len(), REPLICAS, "stopped containers were left: {all:?}");
        let servers = self.haproxy.order("show servers conn web").expect("HAProxy answers");
        let servers = servers.lines().filter(|line| line.starts_with("web/")).count();
        assert_eq!(servers, REPLICAS, "servers of HAProxy");
    }

    fn spec(&self, image: Image, strategy: &Value, monitor: Duration) -> CheckedSpec {
        let text = json!({
            "version": 1,
            "workload": self.workload,
            "replicas": REPLICAS,
            "strategy": strategy,
            "health": {
                "readiness": {
                    "http": { "path": "/health", "port": SERVER_PORT },
                    "period": "100ms",
                    "timeout": "500ms",
                    "failure_threshold": 3,
                },
                "monitor": format!("{}ms", monitor.as_millis()),
            },
            "drain": { "deadline": "5s", "stop_grace": "1s" },
            "deadlines": { "progress": "4s" },
            "template": {
                "image": self.bed.image(image),
                "env": { "ON_TERM": self.manners.name() },
                "networks": [{ "name": self.bed.network() }],
            },
            "traffic": self.traffic(),
        });
        let spec = parse(&text.to_string(), Format::Json).expect("the spec is well formed");
        CheckedSpec::new(spec).expect("the spec makes sense")
    }

    fn traffic(&self) -> Value {
        json!({ "haproxy": {
            "socket": self.haproxy.admin(),
            "backend": "web",
            "port": SERVER_PORT,
        }})
    }
}

/// Does `work` under the load of 10,000 requests and tells of both.
pub(crate) async fn under_load<T>(
    name: &str,
    rig: &Rig,
    work: impl Future<Output = T>,
) -> (T, Report) {
    let load = Load::start(rig.haproxy.addr(), LoadPlan::default()).expect("the load starts");
    load.reached(BEFORE).await;
    assert_eq!(load.failed(), 0, "nothing has happened yet");
    let begun = Instant::now();
    let result = work.await;
    let took = begun.elapsed();
    let still_under_load = load.ended() < 10_000;
    let report = load.finish().await;
    println!("{name}, {}: {:.1} s; {report}", rig.manners.name(), took.as_secs_f64());
    assert!(still_under_load, "the load ended before the rollout: {took:?}");
    (result, report)
}
