//! Inventory: what is known of pods that are replaced in place, in the engine's words.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollout_core::{
    engine::{InstanceSeen, Inventory, Reach},
    id::RevisionId,
};

use super::super::{
    Controller,
    facts::{InPlace, PodFacts, Version},
    inventory::{add, add_gone, is_overdue, seen},
    options::Options,
    watch::Held,
};

/// Every pod and every pool of a workload. `newest`: every event about what makes its pods has come up to there.
pub(in crate::backend) fn inventory(
    held: &mut Held,
    controller: Controller,
    newest: Version,
    options: &Options,
    now: Timestamp,
) -> Inventory {
    let mark = held.shown(controller, newest);
    let set = held.in_place(controller).cloned();
    let mut inventory = Inventory { mark, epoch: held.epoch(), ..Inventory::default() };
    for (name, pod) in held.pods.iter() {
        let overdue = is_overdue(pod, options.unschedulable, now);
        add(inventory.pools.entry(pod.revision.clone()).or_default(), pod, overdue, options, now);
        if pod.is_active()
            && let Some(instance) = controller.instance(name, &pod.uid)
        {
            let rank = set.as_ref().and_then(|set| rank(controller, set, name));
            inventory.instances.insert(instance, InstanceSeen { rank, ..seen(pod, overdue) });
        }
    }
    for pool in inventory.pools.values_mut() {
        pool.replicas = pool.created;
    }
    if let Some(set) = &set {
        for (revision, vacant) in vacant(held, controller, set) {
            inventory.pools.entry(revision).or_default().replicas += vacant;
        }
        inventory.division = Some(set.division.clone());
        inventory.revisions.clone_from(&set.whole);
    }
    add_gone(held, &mut inventory.pools);
    held.told_in_place = set.map(|set| (set.division, set.places));
    inventory
}

/// Number of a pod of a `StatefulSet`, from the first place on.
fn place(set: &InPlace, pod: &str) -> Option<u64> {
    let ordinal: u64 = pod.strip_prefix(set.name.as_str())?.strip_prefix('-')?.parse().ok()?;
    ordinal.checked_sub(set.start).filter(|place| *place < set.places)
}

/// How many others go before it: those of higher ordinals.
fn rank(controller: Controller, set: &InPlace, pod: &str) -> Option<u32> {
    match controller {
        Controller::ReplicaSet | Controller::DaemonSet => None,
        Controller::StatefulSet => u32::try_from(set.places - 1 - place(set, pod)?).ok(),
    }
}

/// Places without an active pod, by the revision that comes back to them.
fn vacant(held: &Held, controller: Controller, set: &InPlace) -> BTreeMap<RevisionId, u64> {
    let active = || held.pods.iter().filter(|(_, pod)| pod.is_active());
    let newest = set.division.revision.clone();
    let mut vacant: BTreeMap<RevisionId, u64> = BTreeMap::new();
    if controller != Controller::StatefulSet {
        let missing = set.places.saturating_sub(active().count() as u64);
        return [(newest, missing)].into();
    }
    let taken: BTreeSet<u64> = active().filter_map(|(name, _)| place(set, name)).collect();
    let within = match set.division.reach {
        Reach::First(first) => first,
        Reach::Vacated => set.places,
    };
    let beyond = current(held, set).unwrap_or_else(|| newest.clone());
    for place in (0..set.places).filter(|place| !taken.contains(place)) {
        let is_within = set.places - place <= within;
        let revision = if is_within { &newest } else { &beyond };
        *vacant.entry(revision.clone()).or_default() += 1;
    }
    vacant
}

/// The revision that comes back beyond the reach of the division; `None`: the division's own.
fn current(held: &Held, set: &InPlace) -> Option<RevisionId> {
    let hash = set.current.as_ref()?;
    let is_of = |pod: &&PodFacts| pod.hash.as_ref() == Some(hash);
    let of_pods = held.pods.values().find(is_of).map(|pod| pod.revision.clone());
    of_pods.or_else(|| set.before.clone())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};
    use kube::runtime::watcher::Event;
    use rollout_core::engine::Division;
    use serde_json::{Value, json};

    use super::*;
    use crate::backend::{facts::InPlaceFacts, watch::Cache};

    /// A set of three places that is told `strategy` for v2, with these pods.
    fn observed(strategy: &Value, pods: &[(&str, &str)]) -> Inventory {
        let cache = Cache::new();
        let revision = |revision: &str| json!({ "rollout-engine.dev/workload": "web", "rollout-engine.dev/revision": revision });
        let v1 = json!({ "id": "v1", "template": { "spec": 1 } }).to_string();
        let set: StatefulSet = serde_json::from_value(json!({
            "metadata": {
                "name": "web", "namespace": "prod", "resourceVersion": "1",
                "labels": { "rollout-engine.dev/workload": "web" },
                "annotations": {
                    "rollout-engine.dev/template": "{\"spec\":2}",
                    "rollout-engine.dev/template-before": v1,
                },
            },
            "spec": {
                "replicas": 3, "selector": {}, "serviceName": "web", "updateStrategy": strategy,
                "template": { "metadata": { "labels": revision("v2") } },
            },
            "status": { "replicas": 3, "currentRevision": "web-one", "updateRevision": "web-two" },
        }))
        .unwrap();
        cache.take::<InPlaceFacts<StatefulSet>>(Event::Apply(set));
        for (name, of) in pods {
            let pod: Pod = serde_json::from_value(json!({
                "metadata": {
                    "name": name, "namespace": "prod", "resourceVersion": "1", "labels": revision(of),
                    "uid": format!("0000000{of}-1111"),
                },
            }))
            .unwrap();
            cache.take::<PodFacts>(Event::Apply(pod));
        }
        let key = ("prod".to_owned(), "web".to_owned());
        let (options, now) = (Options::default(), Timestamp::now());
        let kind = Controller::StatefulSet;
        cache.with(&key, |held| inventory(held, kind, Version::default(), &options, now))
    }

    fn places(seen: &Inventory) -> Vec<(&str, u64, u64)> {
        let pools = seen.pools.iter();
        pools.map(|(id, pool)| (id.as_str(), pool.replicas, pool.created)).collect()
    }

    #[test]
    fn a_place_without_a_pod_belongs_to_who_comes_back_to_it() {
        let within = |first: u64| json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": first } });
        let seen = observed(&within(2), &[("web-0", "v1")]);
        assert_eq!(places(&seen), [("v1", 2, 1), ("v2", 1, 0)]);
        let v2 = RevisionId::new("v2").unwrap();
        assert_eq!(seen.division, Some(Division { revision: v2, reach: Reach::First(1) }));
        assert_eq!(
            seen.revisions.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(),
            ["v2", "v1"]
        );
        let seen = observed(&json!({ "type": "OnDelete" }), &[("web-0", "v1")]);
        assert_eq!(places(&seen), [("v1", 1, 1), ("v2", 2, 0)]);
        assert_eq!(seen.division.unwrap().reach, Reach::Vacated);
    }

    #[test]
    fn an_instance_is_one_life_of_a_pod_and_ranks_go_down_from_the_highest_ordinal() {
        let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 2 } });
        let pods = [("web-0", "v1"), ("web-1", "v1"), ("web-2", "v2"), ("web-3", "v1")];
        let seen = observed(&strategy, &pods);
        let ranks: Vec<(&str, Option<u32>)> =
            seen.instances.iter().map(|(id, seen)| (id.as_str(), seen.rank)).collect();
        let expected = [
            ("web-0-0000000v", Some(2)),
            ("web-1-0000000v", Some(1)),
            ("web-2-0000000v", Some(0)),
            ("web-3-0000000v", None),
        ];
        assert_eq!(ranks, expected);
        let kind = Controller::StatefulSet;
        for id in seen.instances.keys() {
            let (name, piece) = kind.pod(id);
            assert_eq!(kind.instance(name, piece).as_ref(), Some(id));
        }
    }
}
