//! Which instances are to go, and which are to be made.

use std::collections::BTreeMap;

use super::is_given_up;
use crate::{
    engine::{Change, Effect, Space, Turn, View, WaitReason, bound},
    fleet::{
        instance::Instance,
        tally::{Condition, Tally, condition},
    },
    id::{InstanceId, RevisionId},
    spec::Counting,
};

/// Tells the instances to go that a pool has too many of: those that get nothing for sure first, then the
/// least useful, then the newest.
pub(super) fn retire(turn: &mut Turn<'_>, view: &View) {
    if !has_too_many(turn) {
        return;
    }
    let mut pools: BTreeMap<RevisionId, Vec<(bool, Condition, u64, InstanceId)>> = BTreeMap::new();
    let mut glances = view.glances();
    for (instance, entry) in &turn.state.roster {
        if entry.is_terminating() {
            continue;
        }
        let condition = condition(turn.now, turn.setup, &turn.state, &glances.of(instance), entry);
        pools.entry(entry.revision.clone()).or_default().push((
            entry.may_get_more() && condition != Condition::Unready,
            condition,
            u64::MAX - entry.ordinal,
            instance.clone(),
        ));
    }
    for (revision, mut instances) in pools {
        let target = turn.state.pools.get(&revision).map_or(0, |pool| pool.target);
        let over =
            instances.len() - instances.len().min(usize::try_from(target).unwrap_or(usize::MAX));
        if over == 0 {
            continue;
        }
        instances.sort();
        for (_, _, _, instance) in instances.into_iter().take(over) {
            turn.record(Change::Retired { instance });
        }
    }
}

/// Whether a pool has more instances that were not told to go than it is to have. Mostly none has, and then
/// nobody has to be compared.
fn has_too_many(turn: &Turn<'_>) -> bool {
    let target = |id| turn.state.pools.get(id).map_or(0, |pool| pool.target);
    staying(turn).into_iter().any(|(id, count)| target(id) < count)
}

/// How many instances each pool has that were not told to go; one that has none may be left out.
fn staying<'a>(turn: &'a Turn<'_>) -> BTreeMap<&'a RevisionId, u64> {
    let mut counts = BTreeMap::new();
    for entry in turn.state.roster.values().filter(|entry| !entry.is_terminating()) {
        *counts.entry(&entry.revision).or_default() += 1;
    }
    counts
}

/// Makes the instances that a pool has too few of, below the ceiling.
pub(super) fn create(
    turn: &mut Turn<'_>,
    view: &View,
    space: Space,
    tallies: &BTreeMap<RevisionId, Tally>,
) {
    let staying = staying(turn);
    let missing = |id: &RevisionId| {
        let target = turn.state.pools.get(id)?.target;
        let missing = target.saturating_sub(staying.get(id).copied().unwrap_or_default());
        (0 < missing && !is_given_up(turn, id)).then(|| (id.clone(), missing))
    };
    let pools: Vec<(RevisionId, u64)> = tallies.keys().filter_map(missing).collect();
    if pools.is_empty() {
        return;
    }
    // What was retired in this very call still exists.
    let exists = |entry: &&Instance| match space.counting {
        Counting::Strict => true,
        Counting::Loose => !entry.is_terminating() || entry.may_get_more(),
    };
    let mut existing = turn.state.roster.values().filter(exists).count() as u64;
    for (revision, missing) in pools {
        let Some(pool) = turn.state.pools.get(&revision) else { continue };
        let not_before = pool
            .last_failure
            .as_ref()
            .map_or(turn.now, |(at, _)| at.after(turn.setup.tuning.backoff(pool.failed)));
        if turn.now < not_before {
            turn.wake(not_before);
            continue;
        }
        let room = space.ceiling().saturating_sub(existing);
        if room < missing {
            let (live, ceiling) = (existing, space.ceiling());
            let (since, until) = bound(turn, true);
            turn.wait(since, until, || WaitReason::Ceiling { live, ceiling });
        }
        let strays = turn.strays_pending();
        for _ in 0..missing.min(room) {
            let instance = new_name(turn, view, &revision);
            let is_free = !strays.contains(&instance);
            let effect = Effect::Create { instance, revision: revision.clone() };
            if is_free {
                turn.intend_first(effect);
            } else {
                turn.intend(effect);
            }
            existing += 1;
        }
    }
}

/// A name that no instance has, not even one whose journal was lost.
fn new_name(turn: &Turn<'_>, view: &View, revision: &RevisionId) -> InstanceId {
    let name = |number: u64| {
        InstanceId::new(format!("{}-{revision}-{number}", turn.setup.workload))
            .expect("two names of at most 63 characters and a number make a name")
    };
    let is_taken = |instance: &InstanceId| {
        let seen = view.inventory.as_ref().map(|seen| &seen.what.instances);
        turn.state.roster.contains_key(instance)
            || seen.is_some_and(|instances| instances.contains_key(instance))
    };
    let mut number = turn.state.last_ordinal + 1;
    loop {
        let name = name(number);
        if !is_taken(&name) {
            return name;
        }
        number += 1;
    }
}
