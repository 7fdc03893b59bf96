//! A namespace of the test's own with a workload of two revisions, and orders to a router.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use rollout_core::{
    engine::{Action, Effect, Outcome, RefusalKind, Route, Shares, Trial},
    id::{ActionId, Attempt, Epoch, RevisionId, WorkloadId},
    port::Router,
    spec::Rules,
    weight::Weight,
};
use rollout_k8s::{
    client::{self, Options},
    router::{KubernetesRouter, Traffic},
};
use rollout_live::{
    bed::{Image, SERVER_PORT},
    cluster::Cluster,
};
use serde_json::Value;

/// Longest wait for anything that the cluster does.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) struct Place {
    pub(crate) cluster: Cluster,
    pub(crate) name: &'static str,
    pub(crate) client: kube::Client,
    actions: AtomicU64,
}

impl Place {
    pub(crate) async fn new(name: &'static str) -> Self {
        let cluster = Cluster::get().expect("a cluster");
        let options = Options { kubeconfig: Some(cluster.kubeconfig()), ..Options::default() };
        let (client, _) = client::connect(&options).await.expect("a client");
        cluster.kubectl(["delete", "namespace", name, "--ignore-not-found"]).unwrap();
        cluster.kubectl(["create", "namespace", name]).unwrap();
        Self { cluster, name, client, actions: AtomicU64::new(1) }
    }

    /// What shares traffic as `traffic` says, the `traffic.kubernetes` of a spec.
    pub(crate) fn router(&self, traffic: &Value) -> KubernetesRouter {
        let traffic = Traffic::read(&serde_json::json!({ "kubernetes": traffic })).unwrap();
        KubernetesRouter::new(self.client.clone(), self.name, &traffic).unwrap()
    }

    /// Objects of this namespace, in YAML.
    pub(crate) fn apply(&self, objects: &str) {
        self.cluster.apply(&objects.replace("@SPACE", self.name)).unwrap();
    }

    pub(crate) fn kubectl(&self, line: &str) -> String {
        let args = ["--namespace", self.name].into_iter().chain(line.split(' '));
        self.cluster.kubectl(args).unwrap()
    }

    /// An object as JSON.
    pub(crate) fn get(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&format!("get {what} -o json"))).unwrap()
    }

    /// Ready pods of one revision of `web`, labelled as the backend labels them.
    pub(crate) fn revision(&self, revision: &str, image: Image, replicas: u32) {
        let image = self.cluster.image(image);
        self.apply(&format!(
            "apiVersion: apps/v1
kind: ReplicaSet
metadata: {{ name: web-{revision}, namespace: @SPACE }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ rollout-engine.dev/workload: web, rollout-engine.dev/revision: {revision} }} }}
  template:
    metadata:
      labels: {{ app: web, rollout-engine.dev/workload: web, rollout-engine.dev/revision: {revision}, rollout-engine.dev/serving: 'yes' }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: {image}
        imagePullPolicy: Never
        env: [{{ name: WORK_MS, value: '1' }}]
        readinessProbe: {{ httpGet: {{ path: /health, port: {SERVER_PORT} }}, periodSeconds: 1 }}
"
        ));
        let ready = format!("get replicaset web-{revision} -o jsonpath={{.status.readyReplicas}}");
        until("ready pods", || self.kubectl(&ready) == replicas.to_string());
    }

    /// A Service of `web`.
    pub(crate) fn service(&self, name: &str) {
        self.apply(&format!(
            "apiVersion: v1
kind: Service
metadata: {{ name: {name}, namespace: @SPACE, labels: {{ team: shop }} }}
spec:
  selector: {{ app: web }}
  ports: [{{ port: 80, targetPort: {SERVER_PORT} }}]
"
        ));
    }

    /// One attempt at `route`.
    pub(crate) async fn order(
        &self,
        router: &KubernetesRouter,
        route: &Route,
        epoch: u64,
    ) -> Outcome {
        let action = Action {
            id: ActionId(self.actions.fetch_add(1, Ordering::Relaxed)),
            epoch: Epoch(epoch),
            attempt: Attempt(1),
            workload: workload(),
            revision: None,
            effect: Effect::Route(route.clone()),
        };
        Router::apply(router, &action).await
    }

    /// Orders `route` as the engine does: again every half second until it is in force. Returns all routes
    /// that were in force on the way.
    pub(crate) async fn set(&self, router: &KubernetesRouter, route: &Route) -> Vec<Option<Route>> {
        let begun = Instant::now();
        let mut seen = Vec::new();
        loop {
            let outcome = self.order(router, route, 1).await;
            assert!(matches!(outcome, Outcome::Applied { .. }), "{route}: {outcome}");
            for _ in 0..10 {
                let in_force = in_force(router).await;
                if in_force.as_ref() == Some(route) {
                    println!("{route}: in force after {:?}", begun.elapsed());
                    return seen;
                }
                if seen.last() != Some(&in_force) {
                    seen.push(in_force);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert!(begun.elapsed() < WITHIN, "{route}: not in force; {seen:?}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.cluster.kubectl(["delete", "namespace", self.name, "--wait=false"]).ok();
    }
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < WITHIN, "{what}: not after {WITHIN:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn workload() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

pub(crate) fn id(revision: &str) -> RevisionId {
    RevisionId::new(revision).unwrap()
}

pub(crate) async fn in_force(router: &KubernetesRouter) -> Option<Route> {
    Router::observe(router, &workload()).await.unwrap().route
}

/// `percent` for `v2`, the rest for `v1`.
pub(crate) fn split(percent: u64) -> Route {
    let weight = Weight::from_basis_points(percent * 100).unwrap();
    let shares = [("v1", weight.rest()), ("v2", weight)];
    let shares = shares.into_iter().filter(|(_, weight)| !weight.is_zero());
    Route::weighted(shares.map(|(revision, weight)| (id(revision), weight)).collect())
}

/// The same, with rules for `v2`.
pub(crate) fn trial(percent: u64, rules: Rules) -> Route {
    let Route::Weighted(Shares { weights, .. }) = split(percent) else { unreachable!() };
    Route::Weighted(Shares { weights, trial: Some(Trial { revision: id("v2"), rules }) })
}

/// The kind of a refusal, and its words.
pub(crate) fn refusal(outcome: Outcome) -> (RefusalKind, String) {
    match outcome {
        Outcome::Refused { why, .. } => (why.kind, why.detail),
        other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
    }
}

/// How often each version answered.
pub(crate) type Answers = BTreeMap<String, u64>;
