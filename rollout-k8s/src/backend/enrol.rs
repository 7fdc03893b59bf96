//! Enrol and drain: one merge patch of a pod.
//!
//! A drained pod loses the label by which Services find it and gets a deletion cost by which it goes before
//! all others when its `ReplicaSet` shrinks, and those drained earlier before those drained later. Both are absolute and stand on the pod itself, so a repeated patch
//! changes nothing. A pod of a `ReplicaSet` has a name that is never used again; its uid is a condition all
//! the same. Pods carry no epoch: a stale drain is undone by whoever reigns.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use rollout_core::{
    engine::RefusalKind,
    id::{ActionId, InstanceId, Mark, WorkloadId},
};
use serde_json::{Value, json};

use super::{
    KubernetesBackend,
    facts::{Facts as _, PodFacts, identity},
    watch::{Held, Key},
};
use crate::{
    labels,
    outcome::{Failed, ask_for},
};

/// Takes a pod out of traffic. One that is gone gets none.
pub(super) async fn drain(
    backend: &KubernetesBackend,
    key: &Key,
    workload: &WorkloadId,
    instance: &InstanceId,
    action: ActionId,
) -> Result<Mark, Failed> {
    match write(backend, key, workload, instance, Some(action)).await? {
        Some(mark) => Ok(mark),
        None => Ok(backend.watches.cache.with(key, Held::acknowledged)),
    }
}

/// Takes a pod back into traffic.
pub(super) async fn enrol(
    backend: &KubernetesBackend,
    key: &Key,
    workload: &WorkloadId,
    instance: &InstanceId,
) -> Result<Mark, Failed> {
    write(backend, key, workload, instance, None).await?.ok_or_else(|| {
        Failed::now(RefusalKind::Missing, format!("there is no pod {instance} any more"))
    })
}

/// The deletion cost of a pod that `action` drains: the numbers of actions only grow, so whoever was drained
/// first costs least.
fn cost(action: ActionId) -> String {
    let rank = i32::try_from(action.0).unwrap_or(i32::MAX);
    i32::MIN.saturating_add(rank).to_string()
}

/// The patch that makes a pod serve, or not any more by order of `drain`.
fn patch(uid: &str, drain: Option<ActionId>) -> Value {
    let label = drain.is_none().then_some(labels::SERVING_VALUE);
    let cost = drain.map(cost);
    json!({ "metadata": {
        "uid": uid,
        "labels": { labels::SERVING: label },
        "annotations": { labels::DELETION_COST: cost },
    }})
}

/// Makes a pod serve, or not any more by order of `drain`; `None` if there is no such pod.
async fn write(
    backend: &KubernetesBackend,
    key: &Key,
    workload: &WorkloadId,
    instance: &InstanceId,
    drain: Option<ActionId>,
) -> Result<Option<Mark>, Failed> {
    let (name, uid) = backend.controller.pod(instance);
    let api: Api<Pod> = Api::namespaced(backend.watches.client.clone(), &key.0);
    let cache = &backend.watches.cache;
    let known =
        cache.with(key, |held| held.pods.get(name).map(|pod| (pod.uid.clone(), pod.serving)));
    let uid = match known {
        // Another one has its name by now.
        Some((other, _)) if !other.starts_with(uid) => return Ok(None),
        Some((_, serving)) if serving == drain.is_none() => {
            return Ok(Some(cache.with(key, Held::acknowledged)));
        }
        Some((uid, _)) => uid,
        None => {
            let Some(pod) = ask_for(api.get(name)).await? else { return Ok(None) };
            if !pod.metadata.uid.as_ref().is_some_and(|other| other.starts_with(uid)) {
                return Ok(None);
            }
            if identity(&pod.metadata).is_none_or(|(_, other, _)| other != workload.as_str()) {
                return Err(Failed::never(
                    RefusalKind::Conflict,
                    format!("the pod {name} is not of this rollout and is left alone"),
                ));
            }
            pod.metadata.uid.unwrap_or_default()
        }
    };
    let params = PatchParams {
        field_manager: Some(labels::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let Some(pod) = ask_for(api.patch(name, &params, &Patch::Merge(patch(&uid, drain)))).await?
    else {
        cache.answered_gone::<PodFacts>(key, name);
        return Ok(None);
    };
    if let Some(facts) = PodFacts::read(&pod) {
        cache.answered(key, name, facts);
    }
    Ok(Some(cache.with(key, Held::acknowledged)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_takes_the_label_and_an_enrolment_gives_it_back() {
        assert_eq!(
            patch("u", Some(ActionId(7))),
            json!({ "metadata": {
                "uid": "u",
                "labels": { "rollout-engine.dev/serving": null },
                "annotations": { "controller.kubernetes.io/pod-deletion-cost": "-2147483641" },
            }})
        );
        assert_eq!(
            patch("u", None),
            json!({ "metadata": {
                "uid": "u",
                "labels": { "rollout-engine.dev/serving": "yes" },
                "annotations": { "controller.kubernetes.io/pod-deletion-cost": null },
            }})
        );
    }
}
