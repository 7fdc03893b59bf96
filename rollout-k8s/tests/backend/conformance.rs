//! The suite that every backend passes, with a real API server and real controllers under it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use k8s_openapi::api::{
    apps::v1::ReplicaSet,
    coordination::v1::Lease,
    core::v1::{ConfigMap, Pod},
};
use kube::{
    api::{DeleteParams, ListParams, PostParams},
    runtime::wait::await_condition,
};
use rollout_core::{
    id::{InstanceId, WorkloadId},
    port::{Backend, Enrolment, Router},
    time::Span,
};
use rollout_k8s::{
    backend::{EnrolBy, KubernetesBackend},
    labels,
};
use rollout_sim::conformance::{self, Bench, Verdict};
use serde_json::{Value, json};

use super::bed::{Place, backend_by, played, real};

/// How long the controllers take to make one pod, at most.
const STRANGER_WITHIN: Duration = Duration::from_secs(30);

struct Kubernetes {
    place: Place,
    backend: KubernetesBackend,
    /// A pod template of a version.
    pods: fn(&str) -> Value,
    workloads: AtomicU64,
}

impl Kubernetes {
    async fn new(place: Place, enrol_by: EnrolBy, pods: fn(&str) -> Value) -> Self {
        // Somebody else's, in the same namespace.
        let stranger = json!({
            "metadata": { "name": "stranger" },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": { "app": "stranger" } },
                "template": {
                    "metadata": { "labels": { "app": "stranger" } },
                    "spec": played("v1")["spec"],
                },
            },
        });
        let api = place.api::<ReplicaSet>();
        let stranger = serde_json::from_value(stranger).unwrap();
        api.create(&PostParams::default(), &stranger).await.unwrap();
        // Its pod is made by somebody else as well, and counts as touched once it is there.
        let has_pod = |set: Option<&ReplicaSet>| {
            set.and_then(|set| set.status.as_ref()).is_some_and(|status| status.replicas == 1)
        };
        let pod = await_condition(api, "stranger", has_pod);
        tokio::time::timeout(STRANGER_WITHIN, pod).await.expect("its pod is made").unwrap();
        let config = json!({ "metadata": { "name": "stranger" }, "data": { "a": "b" } });
        let config: ConfigMap = serde_json::from_value(config).unwrap();
        place.api::<ConfigMap>().create(&PostParams::default(), &config).await.unwrap();
        let backend = backend_by(&place, enrol_by);
        Self { backend, place, pods, workloads: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Bench for Kubernetes {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn enrolment(&self) -> Option<&dyn Enrolment> {
        Some(&self.backend)
    }

    fn router(&self) -> Option<&dyn Router> {
        None
    }

    fn fresh_workload(&self) -> WorkloadId {
        let number = self.workloads.fetch_add(1, Ordering::Relaxed);
        WorkloadId::new(format!("suite-{number}")).unwrap()
    }

    fn template(&self) -> Value {
        (self.pods)("v1")
    }

    fn other_template(&self) -> Value {
        (self.pods)("v2")
    }

    fn bad_template(&self) -> Option<Value> {
        let mut template = (self.pods)("v1");
        template["spec"]["containers"][0]["imagee"] = json!("web");
        Some(template)
    }

    async fn kill(&self, _workload: &WorkloadId, instance: &InstanceId) {
        let params = DeleteParams::default().grace_period(0);
        self.place.api::<Pod>().delete(instance.as_str(), &params).await.unwrap();
    }

    async fn gets_traffic(&self, _workload: &WorkloadId, _instance: &InstanceId) -> Option<bool> {
        None
    }

    async fn wait(&self, span: Span) {
        tokio::time::sleep(span.to_std()).await;
    }

    async fn foreign(&self) -> String {
        let set = self.place.api::<ReplicaSet>().get("stranger").await.unwrap();
        let config = self.place.api::<ConfigMap>().get("stranger").await.unwrap();
        let pods = ListParams::default().labels("app=stranger");
        let pods = self.place.api::<Pod>().list(&pods).await.unwrap();
        let pods: Vec<_> = pods.items.iter().map(|pod| pod.metadata.name.clone()).collect();
        format!("{:?} {:?} {pods:?}", set.metadata.generation, config.metadata.resource_version)
    }

    async fn clean(&self, workload: &WorkloadId) {
        let ours = ListParams::default().labels(&format!("{}={workload}", labels::WORKLOAD));
        let params = DeleteParams::background();
        self.place.api::<ReplicaSet>().delete_collection(&params, &ours).await.unwrap();
        self.place.api::<Lease>().delete_collection(&params, &ours).await.unwrap();
    }
}

#[tokio::test]
async fn kubernetes_passes_the_suite() {
    let Some(place) = Place::new("suite").await else { return };
    passes(Kubernetes::new(place, EnrolBy::Label, played).await).await;
}

/// Only a kubelet knows of a readiness gate, so the pods are real.
#[tokio::test]
async fn a_readiness_gate_passes_the_suite() {
    let Some(place) = Place::new("suite-gate").await else { return };
    passes(Kubernetes::new(place, EnrolBy::ReadinessGate, real).await).await;
}

async fn passes(bench: Kubernetes) {
    let results = conformance::run(&bench).await;
    let mut failed = 0;
    for result in &results {
        println!("{result}");
        match &result.verdict {
            Verdict::Passed => (),
            Verdict::Failed { .. } => failed += 1,
            Verdict::Skipped { why } => assert_eq!(*why, "it has no router"),
        }
    }
    bench.place.end().await;
    assert!(16 <= results.len(), "only {} cases", results.len());
    assert_eq!(failed, 0, "{failed} of {} cases failed", results.len());
}
