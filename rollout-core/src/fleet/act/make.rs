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
    for (instance, entry) in &turn.state.roster {
        if entry.is_terminating() {
            continue;
        }
        let condition = condition(turn.now, turn.setup, &turn.state, view, instance, entry);
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
    let pools = &turn.state.pools;
    let stays = |entry: &Instance| !entry.is_terminating();
    pools.iter().any(|(id, pool)| pool.target < count(turn, |it| stays(it) && it.revision == *id))
        || turn.state.roster.values().any(|it| stays(it) && !pools.contains_key(&it.revision))
}

/// Makes the instances that a pool has too few of, below the ceiling.
pub(super) fn create(
    turn: &mut Turn<'_>,
    view: &View,
    space: Space,
    tallies: &BTreeMap<RevisionId, Tally>,
) {
    // What was retired in this very call still exists.
    let mut existing: u64 = match space.counting {
        Counting::Strict => count(turn, |_| true),
        Counting::Loose => count(turn, |entry| !entry.is_terminating() || entry.may_get_more()),
    };
    let pools: Vec<RevisionId> = tallies.keys().cloned().collect();
    for revision in pools {
        let Some(pool) = turn.state.pools.get(&revision) else { continue };
        let created = count(turn, |entry| !entry.is_terminating() && entry.revision == revision);
        let missing = pool.target.saturating_sub(created);
        if missing == 0 || is_given_up(turn, &revision) {
            continue;
        }
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
    while is_taken(&name(number)) {
        number += 1;
    }
    name(number)
}

fn count(turn: &Turn<'_>, which: impl Fn(&Instance) -> bool) -> u64 {
    turn.state.roster.values().filter(|entry| which(entry)).count() as u64
}
