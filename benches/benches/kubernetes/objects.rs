//! Objects: many workloads made, changed and waited for at once, as Deployments or as Rollouts.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client, Resource,
    api::{ListParams, Patch, PatchParams},
    core::NamespaceResourceScope,
};
use rollout_k8s::{
    client,
    crd::{ConditionStatus, ConditionType, Rollout},
};
use rollout_live::{cluster::PLAYED_POD, place::Place};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Failure;

/// Requests under way at once.
const ABREAST: usize = 16;
/// Longest wait for all.
const DEADLINE: Duration = Duration::from_secs(1200);
const ASK_EVERY: Duration = Duration::from_millis(500);

/// A kind of workload that can be asked whether it is where its spec wants it.
pub(crate) trait Kind: Resource<DynamicType = (), Scope = NamespaceResourceScope> {
    /// An object of these pods, one of which is made more than wanted.
    fn object(name: &str, replicas: u64, template: Value) -> Value;

    /// Whether every pod is of the newest template.
    fn is_through(&self) -> bool;
}

impl Kind for Deployment {
    fn object(name: &str, replicas: u64, mut template: Value) -> Value {
        template["metadata"]["labels"]["app"] = json!(name);
        let rolling = json!({ "maxSurge": 1, "maxUnavailable": 0 });
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
            "spec": {
                "replicas": replicas, "template": template,
                "selector": { "matchLabels": { "app": name } },
                "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling },
            },
        })
    }

    fn is_through(&self) -> bool {
        let wanted = self.spec.as_ref().and_then(|spec| spec.replicas);
        self.status.as_ref().is_some_and(|status| {
            let counts = [status.replicas, status.updated_replicas, status.available_replicas];
            status.observed_generation == self.metadata.generation
                && counts.iter().all(|count| *count == wanted)
        })
    }
}

impl Kind for Rollout {
    fn object(name: &str, replicas: u64, template: Value) -> Value {
        json!({
            "apiVersion": "rollout-engine.dev/v1alpha1", "kind": "Rollout", "metadata": { "name": name },
            "spec": {
                "replicas": replicas, "template": template,
                "strategy": { "rolling": { "surge": 1, "unavailable": 0 } },
                "drain": { "deadline": "0s" },
            },
        })
    }

    fn is_through(&self) -> bool {
        self.status.as_ref().is_some_and(|status| {
            let completed = status.condition(ConditionType::Completed);
            status.observed_generation == self.generation()
                && completed.is_some_and(|one| one.status == ConditionStatus::True)
        })
    }
}

/// A pod that exists in the API only.
pub(crate) fn template(version: &str) -> Value {
    let mut spec: Value = serde_json::from_str(PLAYED_POD).expect("it is JSON");
    spec["containers"] = json!([{ "name": "web", "image": format!("none:{version}") }]);
    json!({ "metadata": { "labels": {} }, "spec": spec })
}

/// Many workloads of one kind in one namespace.
pub(crate) struct Many<K> {
    api: Api<K>,
    count: usize,
    replicas: u64,
}

impl<K> Many<K>
where
    K: Kind + Clone + Debug + DeserializeOwned,
{
    /// `count` workloads of `replicas` pods each, in the namespace of `place`; none is made yet.
    pub(crate) async fn new(
        place: &mut Place,
        count: usize,
        replicas: u64,
    ) -> Result<Self, Failure> {
        let client = connected(place).await?;
        Ok(Self { api: Api::namespaced(client, place.namespace()), count, replicas })
    }

    /// Makes every one of them, or changes it, to have pods of `version`.
    pub(crate) async fn apply(&self, version: &str) -> Result<(), Failure> {
        let applied = (0..self.count).map(|nth| self.apply_one(nth, version));
        stream::iter(applied).buffer_unordered(ABREAST).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    async fn apply_one(&self, nth: usize, version: &str) -> Result<(), Failure> {
        let name = format!("web-{nth}");
        let object = K::object(&name, self.replicas, template(version));
        let params = PatchParams::apply("bench").force();
        self.api.patch(&name, &params, &Patch::Apply(object)).await?;
        Ok(())
    }

    /// Waits until all are through, and returns how long that took since `begun`.
    pub(crate) async fn through(&self, begun: Instant) -> Result<Duration, Failure> {
        // From the API server's memory, so that asking costs little.
        let params = ListParams::default().match_any();
        loop {
            let all = self.api.list(&params).await?.items;
            let through = all.iter().filter(|one| one.is_through()).count();
            if through == self.count {
                return Ok(begun.elapsed());
            }
            if DEADLINE < begun.elapsed() {
                let why = format!("{through} of {} are through after {DEADLINE:?}", self.count);
                return Err(why.into());
            }
            sleep(ASK_EVERY).await;
        }
    }
}

/// Deletes every `Rollout` of `place`, as long as there is an operator that lets them go: without one the
/// namespace would stay.
pub(crate) fn clear(place: &Place) -> Result<(), Failure> {
    place.kubectl(["delete", "rollouts", "--all", "--timeout=600s"])?;
    Ok(())
}

/// Removes everything of `place`, and waits until it is gone: what still goes would be measured with what comes.
pub(crate) fn removed(place: Place) -> Result<(), Failure> {
    let namespace = place.namespace().to_owned();
    place.kubectl(["delete", "namespace", &namespace, "--wait=true", "--timeout=600s"])?;
    Ok(())
}

/// A client of the cluster that `place` is in.
async fn connected(place: &mut Place) -> Result<Client, Failure> {
    let options = client::Options {
        kubeconfig: Some(place.cluster().kubeconfig()),
        ..client::Options::default()
    };
    Ok(client::connect(&options).await?.0)
}
