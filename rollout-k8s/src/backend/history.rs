//! History: old `ReplicaSets` without pods, of which only the newest are kept.
//!
//! Nothing depends on them: an engine goes back to a revision by its journal. They are kept for people, and so
//! that a journal can be rebuilt from the cluster. One that has or had to have a pod is never deleted.

use std::cmp::Reverse;

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
};

use super::{KubernetesBackend, facts::SetFacts, watch::Held, watch::Key};
use crate::outcome::ask_for;

/// Deletes what is beyond the limit. A failure costs nothing: the next revision tries again.
pub(super) async fn prune(backend: &KubernetesBackend, key: &Key) {
    let keep = backend.options.history;
    let old = backend.watches.cache.with(key, |held| beyond(held, keep));
    let api: Api<ReplicaSet> = Api::namespaced(backend.watches.client.clone(), &key.0);
    for (name, uid, version) in old {
        let preconditions =
            Preconditions { uid: Some(uid), resource_version: Some(version.to_string()) };
        let params = DeleteParams::background().preconditions(preconditions);
        if let Err(failed) = ask_for(api.delete(&name, &params)).await {
            tracing::debug!(name, ?failed, "an old ReplicaSet stays");
        }
    }
}

/// Name, uid and version of every set without pods, but for the newest `keep`.
fn beyond(held: &Held, keep: usize) -> Vec<(String, String, super::facts::Version)> {
    let mut idle: Vec<&SetFacts> = held.sets.values().filter(|set| is_idle(held, set)).collect();
    idle.sort_by_key(|set| Reverse(set.made));
    idle.into_iter()
        .skip(keep)
        .map(|set| (set.name.clone(), set.uid.clone(), set.version))
        .collect()
}

/// Whether a set has no pods, and is not to have any.
fn is_idle(held: &Held, set: &SetFacts) -> bool {
    set.replicas == 0
        && set.existing == 0
        && set.generation <= set.observed
        && !set.deleting
        && held.pods.values().all(|pod| pod.revision != set.revision)
}
