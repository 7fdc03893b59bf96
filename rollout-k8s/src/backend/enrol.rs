//! Enrol and drain: one merge patch of a pod.
//!
//! A drained pod loses the label by which Services find it and gets a deletion cost by which it goes before
//! all others when its `ReplicaSet` shrinks, and those drained earlier before those drained later. Where its template
//! has our readiness gate, the condition that it asks for takes the place of the label, in one patch of its status
//! with the same cost: a status may carry annotations. All of it is absolute and stands on the pod itself, so a
//! repeated patch changes nothing. A pod of a `ReplicaSet` has a name that is never used again; its uid is a condition all
//! the same. Pods carry no epoch: a stale drain is undone by whoever reigns.

use jiff::Timestamp;
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time};
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
    facts::{Facts as _, Gate, PodFacts, identity, is_gated},
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

/// The same for a pod with our readiness gate: a patch of its status.
pub(super) fn gate_patch(uid: &str, drain: Option<ActionId>) -> Value {
    let (status, reason) =
        if drain.is_none() { ("True", "Enrolled") } else { ("False", "Drained") };
    json!({
        "metadata": { "uid": uid, "annotations": { labels::DELETION_COST: drain.map(cost) } },
        "status": { "conditions": [{
            "type": labels::GATE,
            "status": status,
            "reason": reason,
            "message": format!("{} by {}", reason.to_lowercase(), labels::FIELD_MANAGER),
            "lastTransitionTime": Time(Timestamp::now()),
        }] },
    })
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
    let known = cache.with(key, |held| held.pods.get(name).cloned());
    let (uid, is_gated) = match known {
        // Another one has its name by now.
        Some(pod) if !pod.uid.starts_with(uid) => return Ok(None),
        // One whose gate is new gets traffic by an enrolment alone.
        Some(pod) if pod.is_enrolled() == drain.is_none() && pod.gate != Some(Gate::New) => {
            return Ok(Some(cache.with(key, Held::acknowledged)));
        }
        Some(pod) => (pod.uid, pod.gate.is_some()),
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
            let is_gated = is_gated(&pod);
            (pod.metadata.uid.unwrap_or_default(), is_gated)
        }
    };
    let params = PatchParams {
        field_manager: Some(labels::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let written = if is_gated {
        let patch = Patch::Strategic(gate_patch(&uid, drain));
        ask_for(api.patch_status(name, &params, &patch)).await?
    } else {
        ask_for(api.patch(name, &params, &Patch::Merge(patch(&uid, drain)))).await?
    };
    let Some(pod) = written else {
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
    fn a_gate_is_shut_and_opened_with_its_cost() {
        let shut = gate_patch("u", Some(ActionId(7)));
        let cost = &shut["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"];
        assert_eq!((&shut["metadata"]["uid"], cost), (&json!("u"), &json!("-2147483641")));
        let state = |patch: &Value| patch["status"]["conditions"][0]["status"].clone();
        assert_eq!((state(&shut), state(&gate_patch("u", None))), (json!("False"), json!("True")));
    }

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
