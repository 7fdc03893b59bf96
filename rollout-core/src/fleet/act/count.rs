//! Pools whose backend keeps them by count: told their size, drained by name before they get smaller.

use super::leave;
use crate::{
    engine::{Effect, Space, Turn, View, WaitReason, bound, leaves_enough},
    fleet::tally::tally,
    id::RevisionId,
};

/// Tells a backend that makes instances by count how many there are to be: fewer at once, more as far as there
/// is room beside what has not gone yet, and not before it shows how many went last. Where instances can be
/// drained, fewer only by those that are.
pub(super) fn scale(turn: &mut Turn<'_>, view: &View, space: Space) {
    say_leaving(turn, view);
    let sizes = if turn.setup.capabilities.drains_by_name() {
        leave::leave(turn, view, space.counting)
    } else {
        turn.state.pools.iter().map(|(id, pool)| (id.clone(), pool.target)).collect()
    };
    // Counted anew: those that are to go since this very call have not heard of it.
    let tallies = tally(turn.now, turn.setup, &turn.state, view);
    tell(turn, view, sizes, space.live(&tallies).saturating_sub(space.ceiling()));
}

/// Says how many instances the backend is ending.
fn say_leaving(turn: &mut Turn<'_>, view: &View) {
    let pools = turn.state.pools.keys().filter_map(|id| view.pool(id));
    let instances: u64 = pools.map(|pool| pool.terminating).fold(0, u64::saturating_add);
    if 0 < instances {
        let (since, until) = bound(turn, true);
        turn.wait(since, until, || WaitReason::Draining { instances, in_flight: 0 });
    }
}

/// Tells every pool its size, less what there is no room for: `excess` in all.
fn tell(turn: &mut Turn<'_>, view: &View, sizes: Vec<(RevisionId, u64)>, mut excess: u64) {
    for (revision, replicas) in sizes {
        let (told, is_over) = match turn.state.pending_scale(&revision) {
            // Nobody will ever answer what is not under way any more.
            Some((id, pending)) => (Some(pending), !view.is_in_flight(id)),
            None => (view.pool(&revision).map(|pool| pool.replicas), false),
        };
        let Some(told) = told else { continue };
        let has_dropped = view.told.get(&revision).is_some_and(|told| 0 < told.dropped);
        if has_dropped && !is_over && told < replicas {
            continue;
        }
        // What is there still needs no room.
        let there = view.pool(&revision).map_or(0, |pool| pool.created);
        let names = turn.setup.capabilities.drains_by_name();
        // A smaller size in place of a greater one on its way, which may never come, must not make more.
        let held = if is_over || (replicas < told && !names) { there } else { told.max(there) };
        let waits = excess.min(replicas.saturating_sub(held));
        excess -= waits;
        let replicas = replicas - waits;
        // Who answers goes only while the others are enough.
        if replicas < told && !names && !leaves_enough(turn, view, &revision) {
            continue;
        }
        if replicas != told {
            turn.intend(Effect::Scale { revision, replicas });
        }
    }
}
