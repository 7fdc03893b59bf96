//! Inventory: what is known of a workload in the engine's words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rollout_core::{
    engine::{EnrolState, Enrolled, Enrolments, InstanceSeen, InstanceState, Inventory, PoolSeen},
    id::RevisionId,
    time::Span,
};

use super::{
    Controller,
    facts::{PodFacts, Version},
    options::Options,
    watch::Held,
};

/// Every pod and every pool of a workload. `newest`: every event about sets up to there has come.
pub(super) fn inventory(
    held: &mut Held,
    newest: Version,
    options: &Options,
    now: Timestamp,
) -> Inventory {
    let mut inventory = Inventory {
        mark: held.shown(Controller::ReplicaSet, newest),
        epoch: held.epoch(),
        ..Inventory::default()
    };
    for set in held.sets.values() {
        let pool = inventory.pools.entry(set.revision.clone()).or_default();
        pool.replicas = pool.replicas.saturating_add(set.replicas);
        // Refused pods are no pods: the refusal itself is the failure.
        pool.failed = pool.failed.saturating_add(u64::from(set.trouble.is_some()));
        pool.why.clone_from(&set.trouble);
        if let Some(whole) = &set.whole
            && inventory.revisions.iter().all(|known| known.id != whole.id)
        {
            inventory.revisions.push(whole.clone());
        }
    }
    for (name, pod) in held.pods.iter() {
        let overdue = is_overdue(pod, options.unschedulable, now);
        add(inventory.pools.entry(pod.revision.clone()).or_default(), pod, overdue, options, now);
        if pod.is_active()
            && let Some(instance) = Controller::ReplicaSet.instance(name, &pod.uid)
        {
            inventory.instances.insert(instance, seen(pod, overdue));
        }
    }
    add_gone(held, &mut inventory.pools);
    held.told = sizes(&inventory.pools);
    inventory
}

/// Adds the failures of pods that are gone.
pub(super) fn add_gone(held: &Held, pools: &mut BTreeMap<RevisionId, PoolSeen>) {
    for (revision, before) in &held.failed_before {
        if let Some(pool) = pools.get_mut(revision) {
            pool.failed = pool.failed.saturating_add(before.count);
            pool.why = pool.why.take().or_else(|| before.why.clone());
        }
    }
}

/// How long it takes until an inventory says something else although nothing is told: a pod that is ready becomes
/// available, or has waited for a node for too long. `None`: never.
pub(super) fn turns_in(held: &Held, options: &Options, now: Timestamp) -> Option<Span> {
    let left = |since: Timestamp, limit: Span| {
        let left = limit.as_millis().saturating_sub(passed(since, now).as_millis());
        (left != 0).then_some(Span::from_millis(left))
    };
    let of = |pod: &PodFacts| {
        let ready = pod.ready_since.and_then(|since| left(since, options.min_ready));
        let placed = pod.unschedulable.as_ref();
        let placed = placed.and_then(|(since, _)| left(*since, options.unschedulable));
        [ready, placed].into_iter().flatten().min()
    };
    held.pods.values().filter(|pod| pod.is_active()).filter_map(of).min()
}

/// Every pod and whether it may get traffic, as of `now`.
pub(super) fn enrolments(held: &Held, controller: Controller, now: Timestamp) -> Enrolments {
    let enrolled = |(name, pod): (&String, &PodFacts)| {
        let state = if pod.may_get_more(now) { EnrolState::In } else { EnrolState::Draining };
        let instance = controller.instance(name, &pod.uid)?;
        pod.is_active().then_some((instance, Enrolled { state, in_flight: None }))
    };
    let instances = held.pods.iter().filter_map(enrolled).collect();
    Enrolments { mark: held.shown_of_pods(), instances }
}

fn sizes(pools: &BTreeMap<RevisionId, PoolSeen>) -> BTreeMap<RevisionId, u64> {
    pools.iter().map(|(revision, pool)| (revision.clone(), pool.replicas)).collect()
}

/// Adds one pod to its pool's counts.
pub(super) fn add(
    pool: &mut PoolSeen,
    pod: &PodFacts,
    overdue: bool,
    options: &Options,
    now: Timestamp,
) {
    pool.failed = pool.failed.saturating_add(pod.failures).saturating_add(u64::from(overdue));
    if pool.why.is_none() {
        let unplaced = pod.unschedulable.as_ref().map(|(_, why)| why.clone());
        pool.why = pod.why.clone().or(unplaced);
    }
    if pod.terminating {
        pool.terminating += 1;
    }
    if !pod.is_active() {
        return;
    }
    pool.created += 1;
    if let Some(since) = pod.ready_since {
        pool.ready += 1;
        pool.available += u64::from(options.min_ready <= passed(since, now));
    }
}

/// One pod.
pub(super) fn seen(pod: &PodFacts, overdue: bool) -> InstanceSeen {
    let state = match (&pod.state, &pod.unschedulable) {
        (InstanceState::Created, Some((_, why))) if overdue => {
            InstanceState::Stuck { detail: why.clone() }
        }
        (state, _) => state.clone(),
    };
    InstanceSeen {
        revision: pod.revision.clone(),
        state,
        address: pod.address,
        healthy: Some(pod.ready_since.is_some()),
        restarts: pod.restarts,
        rank: None,
    }
}

/// Whether a pod waits for a node for longer than is waited.
pub(super) fn is_overdue(pod: &PodFacts, patience: Span, now: Timestamp) -> bool {
    pod.unschedulable.as_ref().is_some_and(|(since, _)| patience <= passed(*since, now))
}

/// Time from `since` to `now`; none if the clocks disagree.
fn passed(since: Timestamp, now: Timestamp) -> Span {
    let ms = now.as_millisecond().saturating_sub(since.as_millisecond());
    Span::from_millis(u64::try_from(ms).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
    use kube::runtime::watcher::Event;
    use serde_json::{Value, json};

    use super::{
        super::{
            facts::SetFacts,
            watch::{Cache, Key},
        },
        *,
    };

    const NOW: &str = "2026-01-01T00:01:00Z";

    fn key() -> Key {
        ("prod".to_owned(), "web".to_owned())
    }

    fn labels() -> Value {
        json!({ "rollout-engine.dev/workload": "web", "rollout-engine.dev/revision": "v1" })
    }

    /// A cache that a set and these pods were listed into.
    fn cache(set_status: &Value, pods: &[Value]) -> Cache {
        let cache = Cache::new();
        let set: ReplicaSet = serde_json::from_value(json!({
            "metadata": {
                "name": "web-v1", "namespace": "prod", "resourceVersion": "1", "labels": labels(),
                "annotations": { "rollout-engine.dev/template": "{\"spec\":{}}" },
            },
            "spec": { "replicas": 4, "selector": {} },
            "status": set_status,
        }))
        .unwrap();
        cache.take::<SetFacts>(Event::Apply(set));
        for (number, status) in pods.iter().enumerate() {
            let pod: Pod = serde_json::from_value(json!({
                "metadata": {
                    "name": format!("pod-{number}"), "namespace": "prod", "resourceVersion": "1",
                    "labels": labels(),
                },
                "status": status,
            }))
            .unwrap();
            cache.take::<PodFacts>(Event::Apply(pod));
        }
        cache
    }

    fn observed(cache: &Cache, options: &Options) -> Inventory {
        let now = NOW.parse().unwrap();
        cache.with(&key(), |held| inventory(held, Version::default(), options, now))
    }

    fn ready(since: &str) -> Value {
        let condition = json!({ "type": "Ready", "status": "True", "lastTransitionTime": since });
        json!({
            "phase": "Running", "podIP": "10.0.0.1", "conditions": [condition],
            "containerStatuses": [{
                "name": "web", "image": "i", "imageID": "i", "ready": true, "restartCount": 0,
                "state": { "running": {} },
            }],
        })
    }

    #[test]
    fn ready_is_available_after_its_time() {
        let pods = [ready("2026-01-01T00:00:30Z"), ready("2026-01-01T00:00:55Z")];
        let cache = cache(&json!({ "replicas": 2 }), &pods);
        let options = Options { min_ready: Span::from_secs(10), ..Options::default() };
        let seen = observed(&cache, &options);
        let pool = &seen.pools[&RevisionId::new("v1").unwrap()];
        assert_eq!((pool.replicas, pool.created, pool.ready, pool.available), (4, 2, 2, 1));
        assert_eq!(seen.instances.len(), 2);
        assert_eq!(seen.revisions[0].template, json!({ "spec": {} }));
    }

    #[test]
    fn a_pod_without_a_node_fails_after_a_while_and_tells_why_at_once() {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room",
            "lastTransitionTime": "2026-01-01T00:00:30Z",
        });
        let cache = cache(&json!({ "replicas": 1 }), &[json!({ "conditions": [condition] })]);
        for (patience, failed) in [(60, 0), (30, 1)] {
            let unschedulable = Span::from_secs(patience);
            let seen = observed(&cache, &Options { unschedulable, ..Options::default() });
            let pool = &seen.pools[&RevisionId::new("v1").unwrap()];
            assert_eq!(
                (pool.failed, pool.why.as_deref()),
                (failed, Some("Unschedulable: no room"))
            );
            let is_stuck =
                seen.instances.values().all(|one| matches!(one.state, InstanceState::Stuck { .. }));
            assert_eq!(is_stuck, failed == 1);
        }
    }

    #[test]
    fn a_quota_that_refuses_pods_is_a_failure_without_a_pod() {
        let condition = json!({
            "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
            "message": "exceeded quota: small",
        });
        let cache = cache(&json!({ "replicas": 0, "conditions": [condition] }), &[]);
        let seen = observed(&cache, &Options::default());
        let pool = &seen.pools[&RevisionId::new("v1").unwrap()];
        let why = Some("FailedCreate: exceeded quota: small".to_owned());
        assert_eq!((pool.failed, pool.created, pool.why.clone()), (1, 0, why));
    }

    #[test]
    fn an_ended_pod_is_no_instance() {
        let evicted = json!({ "phase": "Failed", "reason": "Evicted" });
        let cache = cache(&json!({ "replicas": 1 }), &[evicted, ready("2026-01-01T00:00:30Z")]);
        let seen = observed(&cache, &Options::default());
        let pool = &seen.pools[&RevisionId::new("v1").unwrap()];
        assert_eq!((pool.created, pool.failed, seen.instances.len()), (1, 1, 1));
        let (now, kind) = (NOW.parse().unwrap(), Controller::ReplicaSet);
        assert_eq!(cache.with(&key(), |held| enrolments(held, kind, now)).instances.len(), 1);
    }
}
