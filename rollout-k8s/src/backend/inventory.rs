//! Inventory: what is known of a workload in the engine's words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rollout_core::{
    engine::{EnrolState, Enrolled, Enrolments, InstanceSeen, InstanceState, Inventory, PoolSeen},
    id::{InstanceId, RevisionId},
    time::Span,
};

use super::{
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
    let mut inventory =
        Inventory { mark: held.shown(newest), epoch: held.epoch(), ..Inventory::default() };
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
        // Names of pods are lowercase letters, digits, dashes and dots.
        if pod.is_active()
            && let Ok(instance) = InstanceId::new(name.as_str())
        {
            inventory.instances.insert(instance, seen(pod, overdue));
        }
    }
    for (revision, before) in &held.failed_before {
        if let Some(pool) = inventory.pools.get_mut(revision) {
            pool.failed = pool.failed.saturating_add(before.count);
            pool.why = pool.why.take().or_else(|| before.why.clone());
        }
    }
    held.told = sizes(&inventory.pools);
    inventory
}

/// Every pod and whether Services find it.
pub(super) fn enrolments(held: &Held) -> Enrolments {
    let enrolled = |(name, pod): (&String, &PodFacts)| {
        let state = if pod.serving { EnrolState::In } else { EnrolState::Draining };
        let instance = InstanceId::new(name.as_str()).ok()?;
        pod.is_active().then_some((instance, Enrolled { state, in_flight: None }))
    };
    let instances = held.pods.iter().filter_map(enrolled).collect();
    Enrolments { mark: held.shown_of_pods(), instances }
}

fn sizes(pools: &BTreeMap<RevisionId, PoolSeen>) -> BTreeMap<RevisionId, u64> {
    pools.iter().map(|(revision, pool)| (revision.clone(), pool.replicas)).collect()
}

/// Adds one pod to its pool's counts.
fn add(pool: &mut PoolSeen, pod: &PodFacts, overdue: bool, options: &Options, now: Timestamp) {
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
fn seen(pod: &PodFacts, overdue: bool) -> InstanceSeen {
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
    }
}

/// Whether a pod waits for a node for longer than is waited.
fn is_overdue(pod: &PodFacts, patience: Span, now: Timestamp) -> bool {
    pod.unschedulable.as_ref().is_some_and(|(since, _)| patience <= passed(*since, now))
}

/// Time from `since` to `now`; none if the clocks disagree.
fn passed(since: Timestamp, now: Timestamp) -> Span {
    let ms = now.as_millisecond().saturating_sub(since.as_millisecond());
    Span::from_millis(u64::try_from(ms).unwrap_or_default())
}
