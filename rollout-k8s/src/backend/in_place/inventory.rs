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
