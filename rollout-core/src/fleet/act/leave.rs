//! Instances of pools kept by count on their way out: chosen by name, drained, and spared when their pool is
//! to grow again.

use std::{cmp::Reverse, collections::BTreeSet};

use super::down::{Draining, is_quiet};
use crate::{
    engine::{Admission, Change, Effect, InstanceState, Turn, View, leaves_enough},
    fleet::{
        instance::{Instance, Traffic},
        leaving::{Leaving, dropped_on_the_way, is_healthy, named},
    },
    id::{InstanceId, RevisionId},
    port::Confirmation,
    spec::Counting,
};

/// Brings every instance that is to go one action further. Returns the size that each pool may be told now:
/// its target, and beyond it those that are not drained yet.
pub(super) fn leave(
    turn: &mut Turn<'_>,
    view: &View,
    counting: Counting,
) -> Vec<(RevisionId, u64)> {
    let pools: Vec<(RevisionId, u64)> =
        turn.state.pools.iter().map(|(id, pool)| (id.clone(), pool.target)).collect();
    for (revision, target) in &pools {
        choose(turn, view, revision, *target);
    }
    let quiet = drain(turn, view);
    let size = |(revision, target): (RevisionId, u64)| {
        let is_of = |it: &&InstanceId| {
            turn.state.roster.get(*it).is_some_and(|entry| entry.revision == revision)
        };
        let of_it: Vec<&InstanceId> = quiet.iter().filter(is_of).collect();
        let waits = counting == Counting::Loose && wait_for_others(turn, &revision, &of_it);
        let quiet = if waits { 0 } else { of_it.len() as u64 };
        let size = size_now(turn, view, &revision, target, quiet);
        (revision, size)
    };
    pools.into_iter().map(size).collect()
}

/// Whether those of a pool that are `quiet` stay until the others that drain are quiet as well, so that the pool
/// is told a smaller size once. In loose counting nobody waits for their room; they wait for as long again as a
/// drain takes to be in force, and may be spared until then.
fn wait_for_others(turn: &mut Turn<'_>, revision: &RevisionId, quiet: &[&InstanceId]) -> bool {
    let Some(Confirmation::Elapsed(bound)) = turn.setup.capabilities.enrolment else {
        return false;
    };
    let going = named(&turn.state, revision).filter(|(_, entry)| entry.is_terminating());
    if going.count() == quiet.len() {
        return false;
    }
    let took = bound.max(turn.state.drain_of(revision).deadline);
    let drained =
        quiet.iter().filter_map(|instance| match turn.state.roster.get(*instance)?.traffic {
            Traffic::Drained(at) => Some(at),
            Traffic::In
            | Traffic::Out
            | Traffic::Enrolling
            | Traffic::Draining
            | Traffic::Detaching => None,
        });
    let Some(until) = drained.min().map(|first| first.after(took).after(bound)) else {
        return false;
    };
    if turn.now < until {
        turn.wake(until);
    }
    turn.now < until
}

/// The size that a pool may be told now, `quiet` of whose instances are drained and have nothing in flight.
fn size_now(turn: &Turn<'_>, view: &View, revision: &RevisionId, target: u64, quiet: u64) -> u64 {
    let pending = turn.state.pending_scale(revision);
    let Some(seen) = view.pool(revision) else {
        return pending.map_or(target, |(_, replicas)| replicas.max(target));
    };
    let told = match pending {
        Some((id, replicas)) if view.is_in_flight(id) => replicas,
        // Whoever was drained for it may be gone by now, and somebody else be there instead.
        Some((_, replicas)) => replicas.max(seen.replicas),
        None => seen.replicas,
    };
    let dropped = dropped_on_the_way(&turn.state, view, revision);
    let kept = Leaving::of(&turn.state, view, revision).kept(&seen, told, dropped);
    let free = kept.min(quiet.saturating_sub(seen.created.saturating_sub(told).max(dropped)));
    // What was never made serves nobody, unless it is being made.
    let is_under_way = pending.is_some_and(|(id, _)| view.is_in_flight(id));
    let absent = if is_under_way { 0 } else { told.saturating_sub(seen.created) };
    let least = told.saturating_sub(free).saturating_sub(absent);
    least.max(target.saturating_add(kept - free))
}

/// Chooses who goes of a pool that is to be smaller, or spares some of one that is to grow again. Not while
/// nobody knows what became of its last size.
fn choose(turn: &mut Turn<'_>, view: &View, revision: &RevisionId, target: u64) {
    if turn.state.pending_scale(revision).is_some() {
        return;
    }
    let Some(seen) = view.pool(revision) else { return };
    let kept = Leaving::of(&turn.state, view, revision).kept(&seen, seen.replicas, 0);
    // What was never made need not be drained, and what is about to be made comes by itself.
    let there = seen.replicas.min(seen.created).saturating_sub(kept);
    let wanted = seen.replicas.saturating_sub(kept);
    if target < there {
        retire(turn, view, revision, there - target);
    } else {
        let count = kept.min(target.saturating_sub(wanted));
        spare(turn, view, revision, count, |_, _, _| true);
    }
}

/// Tells `count` instances to go: those that get nothing first, then the least useful.
fn retire(turn: &mut Turn<'_>, view: &View, revision: &RevisionId, count: u64) {
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return };
    let mut there: Vec<(bool, bool, Reverse<&InstanceId>)> = inventory
        .instances
        .iter()
        .filter(|(_, seen)| seen.revision == *revision)
        .map(|(instance, _)| (turn.state.roster.get(instance), instance))
        .filter(|(entry, _)| entry.is_none_or(|entry| !entry.is_terminating()))
        .map(|(entry, instance)| {
            let may_get_more = entry.is_none_or(Instance::may_get_more);
            (may_get_more, is_healthy(view, instance), Reverse(instance))
        })
        .collect();
    there.sort_unstable();
    // Who serves goes only while the others are enough; they are counted without it already.
    if !leaves_enough(turn, view, revision) {
        there.retain(|(may_get_more, is_healthy, _)| !may_get_more || !is_healthy);
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let chosen: Vec<InstanceId> =
        there.into_iter().take(count).map(|(_, _, Reverse(instance))| instance.clone()).collect();
    for instance in chosen {
        tell_to_go(turn, instance, revision.clone());
    }
}

/// Whether no more than those that were drained, or do not answer, go at this size, as far as is seen.
pub(crate) fn has_drained(
    turn: &Turn<'_>,
    view: &View,
    revision: &RevisionId,
    replicas: u64,
) -> bool {
    if !turn.setup.capabilities.drains_by_name() {
        return true;
    }
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return false };
    let Some(seen) = inventory.pools.get(revision) else { return true };
    let is_drained = |(instance, entry): &(&InstanceId, &Instance)| {
        entry.is_terminating()
            && matches!(entry.traffic, Traffic::Drained(_))
            && is_healthy(view, instance)
    };
    let drained = named(&turn.state, revision).filter(is_drained).count() as u64;
    seen.created.saturating_sub(replicas)
        <= seen.created.saturating_sub(seen.ready).saturating_add(drained)
}

/// Tells one instance of `revision` to go.
pub(super) fn tell_to_go(turn: &mut Turn<'_>, instance: InstanceId, revision: RevisionId) {
    if !turn.state.roster.contains_key(&instance) {
        let instance = instance.clone();
        turn.record(Change::Named { instance, revision, enrolled: true });
    }
    turn.record(Change::Retired { instance });
}

/// Lets `count` instances stay that were to go and `may_stay`: healthy ones, first those that get traffic still.
pub(super) fn spare(
    turn: &mut Turn<'_>,
    view: &View,
    revision: &RevisionId,
    count: u64,
    may_stay: impl Fn(&Turn<'_>, &InstanceId, &Instance) -> bool,
) {
    let mut going: Vec<(bool, &InstanceId)> = named(&turn.state, revision)
        .filter(|(instance, entry)| entry.is_terminating() && is_healthy(view, instance))
        .filter(|(instance, entry)| may_stay(turn, instance, entry))
        .map(|(instance, entry)| (!entry.may_get_more(), instance))
        .collect();
    going.sort_unstable();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let spared: Vec<InstanceId> =
        going.into_iter().take(count).map(|(_, instance)| instance.clone()).collect();
    for instance in spared {
        turn.record(Change::Spared { instance });
    }
}

/// Drains whoever is to go, and takes those back into traffic that are not. Returns those that are to go and
/// have nothing in flight any more.
pub(super) fn drain(turn: &mut Turn<'_>, view: &View) -> BTreeSet<InstanceId> {
    let mut quiet = BTreeSet::new();
    if turn.setup.capabilities.enrolment.is_none() {
        let going = turn.state.roster.iter().filter(|(_, entry)| entry.is_terminating());
        return going.map(|(instance, _)| instance.clone()).collect();
    }
    let mut draining = Draining::default();
    let instances: Vec<InstanceId> = turn.state.roster.keys().cloned().collect();
    for instance in instances {
        let Some(entry) = turn.state.roster.get(&instance).cloned() else { continue };
        if !entry.is_terminating() {
            take_back(turn, view, &instance, &entry);
            continue;
        }
        draining.add(&entry);
        let is_pending = matches!(turn.state.pending_on(&entry), Some((_, Effect::Drain { .. })));
        let is_undone = view.is_enrolled(&instance) == Some(true);
        match entry.traffic {
            _ if is_pending => {}
            Traffic::Drained(at) if !is_undone => {
                if !runs(view, &instance)
                    || is_quiet(turn, &view.glance(&instance), &instance, &entry, at, &mut draining)
                {
                    quiet.insert(instance);
                }
            }
            // A late enrolment, or a person, undid the drain.
            Traffic::Drained(_)
            | Traffic::Enrolling
            | Traffic::In
            | Traffic::Draining
            | Traffic::Out
            | Traffic::Detaching => turn.intend(Effect::Drain { instance }),
        }
    }
    draining.say(turn);
    quiet
}

/// Lets an instance into traffic again that stays after all.
fn take_back(turn: &mut Turn<'_>, view: &View, instance: &InstanceId, entry: &Instance) {
    let is_pending = matches!(turn.state.pending_on(entry), Some((_, Effect::Enrol { .. })));
    let is_in = match entry.traffic {
        Traffic::In => view.is_enrolled(instance) != Some(false),
        Traffic::Out
        | Traffic::Enrolling
        | Traffic::Draining
        | Traffic::Drained(_)
        | Traffic::Detaching => is_pending,
    };
    let address = view.seen(instance).there().and_then(|seen| seen.address);
    let Some(address) = address.filter(|_| !is_in && !is_pending) else { return };
    turn.intend(Effect::Enrol {
        instance: instance.clone(),
        revision: entry.revision.clone(),
        address,
        admission: Admission::Serving,
    });
}

fn runs(view: &View, instance: &InstanceId) -> bool {
    view.seen(instance).there().is_some_and(|seen| seen.state == InstanceState::Running)
}
