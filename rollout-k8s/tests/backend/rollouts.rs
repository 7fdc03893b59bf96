//! Whole rollouts through the engine: real pods behind a Service, under load over new connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Service};
use kube::api::PostParams;
use rollout_core::{
    engine::{End, Phase},
    id::WorkloadId,
    port::{Backend, Enrolment},
    spec::{CheckedSpec, Spec},
};
use rollout_k8s::{
    backend::{KubernetesBackend, Options, Scope, Watches, check_services},
    labels,
    router::Traffic,
};
use rollout_live::load::{self, Load, LoadPlan};
use rollout_runtime::{Handle, Ports, Runtime, journal::MemoryJournal};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::bed::{PORT, Place, real};

/// Longest wait for the end of a rollout.
const PATIENCE: Duration = Duration::from_secs(120);

/// An engine at work in a namespace of its own.
struct Engine {
    place: Place,
    runtime: Runtime,
    handle: Handle,
}

/// A spec of `replicas` instances of `template`, one more at a time, none fewer.
fn spec(revision: &str, replicas: u32, template: &Value) -> CheckedSpec {
    let spec = json!({
        "version": 1,
        "workload": "web",
        "revision": revision,
        "replicas": replicas,
        "strategy": { "rolling": { "surge": 1, "unavailable": 0 } },
        "drain": { "deadline": "1s" },
        "deadlines": { "progress": "60s" },
        "template": template,
    });
    CheckedSpec::new(Spec::from_yaml(&spec.to_string()).unwrap()).unwrap()
}

impl Engine {
    async fn new(name: &str) -> Option<Self> {
        let place = Place::new(name).await?;
        let workload = WorkloadId::new("web").unwrap();
        let scope = Scope::Workload { namespace: place.name.clone(), workload: "web".to_owned() };
        let watches = Watches::start(place.client.clone(), &scope);
        let backend = KubernetesBackend::new(&watches, place.name.as_str(), Options::default());
        let backend = Arc::new(backend);
        let ports = Ports::new(
            Arc::clone(&backend) as Arc<dyn Backend>,
            Arc::new(MemoryJournal::new("engine")),
        );
        let ports = ports.with_enrolment(backend as Arc<dyn Enrolment>);
        let runtime = Runtime::new();
        let handle =
            runtime.start(&workload, ports, rollout_runtime::Options::default()).await.unwrap();
        Some(Self { place, runtime, handle })
    }

    async fn ended(&self) -> End {
        let Ok(end) = timeout(PATIENCE, self.handle.wait_ended()).await else {
            panic!("it never ends: {:#?}", self.handle.status().await);
        };
        end.unwrap()
    }

    async fn moved(&self, spec: CheckedSpec) -> End {
        self.handle.submit(spec, "test").await.unwrap();
        self.ended().await
    }

    /// Replicas of the `ReplicaSet` of a revision, told and ready.
    async fn pool(&self, revision: &str) -> (i32, i32) {
        let set = self.place.api::<ReplicaSet>().get(&format!("web-{revision}")).await.unwrap();
        let ready = set.status.and_then(|status| status.ready_replicas).unwrap_or_default();
        (set.spec.and_then(|spec| spec.replicas).unwrap_or_default(), ready)
    }

    /// Ready pods of a revision; none if there is no `ReplicaSet` yet.
    async fn pool_if_any(&self, revision: &str) -> i32 {
        let api = self.place.api::<ReplicaSet>();
        let set = api.get_opt(&format!("web-{revision}")).await.unwrap();
        set.and_then(|set| set.status?.ready_replicas).unwrap_or_default()
    }

    async fn end(self) {
        self.runtime.shutdown().await;
        self.place.end().await;
    }
}

/// A Service on a port of every node, in which a pod is as long as it has the label.
async fn service(place: &Place) -> SocketAddr {
    let service = json!({
        "metadata": { "name": "web" },
        "spec": {
            "type": "NodePort",
            "selector": { "app": "web", labels::SERVING: labels::SERVING_VALUE },
            "ports": [{ "port": 80, "targetPort": PORT }],
        },
    });
    let service = serde_json::from_value(service).unwrap();
    let made = place.api::<Service>().create(&PostParams::default(), &service).await.unwrap();
    let ports = made.spec.and_then(|spec| spec.ports).unwrap();
    let port = u16::try_from(ports[0].node_port.unwrap()).unwrap();
    let traffic = json!({ "kubernetes": { "services": ["web"] } });
    let traffic = Traffic::read(&traffic).unwrap();
    check_services(&place.client, &place.name, &traffic, &real("v1")).await.unwrap();
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Returns when the Service answers.
async fn answers(addr: SocketAddr) {
    for _ in 0..100 {
        let once = LoadPlan { requests: Some(1), ..LoadPlan::default() };
        if load::run(addr, once).await.unwrap().all.failed == 0 {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody answers on {addr}");
}

#[tokio::test]
async fn a_rolling_update_and_an_abort_lose_no_request() {
    let Some(engine) = Engine::new("rolling").await else { return };
    let addr = service(&engine.place).await;
    assert_eq!(engine.moved(spec("v1", 4, &real("v1"))).await, End::Completed);
    answers(addr).await;
    let load = Load::start(addr, LoadPlan::strangers()).unwrap();
    load.reached(400).await;
    assert_eq!(engine.moved(spec("v2", 4, &real("v2"))).await, End::Completed);
    assert_eq!((engine.pool("v1").await, engine.pool("v2").await), ((0, 0), (4, 4)));
    // The way there once more, and back from its middle.
    engine.handle.submit(spec("v3", 4, &real("v1")), "test").await.unwrap();
    while engine.pool_if_any("v3").await < 2 {
        assert_ne!(engine.handle.status().await.unwrap().phase, Phase::Ended);
        sleep(Duration::from_millis(50)).await;
    }
    engine.handle.abort("test", None).await.unwrap();
    assert_eq!(engine.ended().await, End::RolledBack);
    assert_eq!((engine.pool("v2").await, engine.pool("v3").await), ((4, 4), (0, 0)));
    let report = load.stop_and_finish().await;
    println!("{report}");
    assert_eq!(report.all.failed, 0, "{report}");
    engine.end().await;
}

#[tokio::test]
async fn an_image_that_is_not_there_fails_at_once_and_is_taken_back() {
    let Some(engine) = Engine::new("missing").await else { return };
    assert_eq!(engine.moved(spec("v1", 2, &real("v1"))).await, End::Completed);
    let begun = std::time::Instant::now();
    assert_eq!(engine.moved(spec("v9", 2, &real("v9"))).await, End::RolledBack);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "the deadline is 60 s: {:?}",
        begun.elapsed()
    );
    assert_eq!((engine.pool("v1").await, engine.pool("v9").await), ((2, 2), (0, 0)));
    engine.end().await;
}
