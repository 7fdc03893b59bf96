//! Reverting: back to the stable revision, traffic first, and never onto missing capacity.
//!
//! No guard here waits for what only the way forward establishes: a candidate that does not serve goes at
//! once, one that serves goes as stable grows, and stable grows in the room that leaves.

use std::collections::BTreeMap;

use super::moving;
use crate::{
    engine::{
        capacity::Space,
        hook::{self, Stand},
        note::{Expiry, Note, WaitReason},
        record::{Change, End},
        route::Route,
        state::Rollout,
        steer::{Goal, Routing, steer},
        traffic,
        turn::Turn,
        view::View,
    },
    fleet::Tally,
    id::RevisionId,
    time::Timestamp,
    weight::Weight,
};

/// Takes every step back that the observation allows. Returns whether the walk changed.
pub(in crate::engine) fn decide(
    turn: &mut Turn<'_>,
    view: &View,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) -> bool {
    let Some(rollout) = turn.state.rollout.clone() else { return false };
    let Some(from) = rollout.from.as_ref().map(|from| from.id.clone()) else {
        return give_up(turn, view, &rollout, tallies);
    };
    let wanted = rollout.from_desired;
    keep_existing(turn, &from, wanted, tallies);
    let available = moving::serving(tallies, &from);
    if rollout.high_water.0 < available {
        turn.record(Change::Progressed { available });
    }
    let of_now = turn.state.rollout.as_ref().unwrap_or(&rollout);
    let (since, until) = (of_now.high_water.1, until(turn, of_now));
    turn.wake(until);
    let tally = tallies.get(&from).copied().unwrap_or_default();
    if tally.serving < wanted {
        turn.wait(since, Some((until, Expiry::NeedsOperator)), || WaitReason::Instances {
            revision: from.clone(),
            created: tally.created,
            ready: tally.ready,
            available: tally.serving,
            wanted,
        });
    }
    let space = moving::space(&rollout);
    let kept = kept(&rollout, tallies).min(space.ceiling().saturating_sub(wanted));
    let grows_to = if must_wait(turn, &rollout, space, tallies) {
        tallies.get(&from).map_or(0, |tally| tally.target).min(wanted)
    } else {
        wanted
    };
    let goal = Goal {
        counts: vec![(from.clone(), grows_to), (rollout.candidate.id.clone(), kept)],
        routing: routing(turn, view, &rollout, &from, tallies),
        space,
        in_batches: true,
    };
    let are_hooks_over = run_hooks(turn, &rollout);
    let reached = steer(turn, view, &goal, tallies);
    if reached && wanted <= moving::serving(tallies, &from) && is_all_on(turn, &from) {
        return are_hooks_over && verify(turn, view, &rollout, wanted);
    }
    if until <= turn.now {
        let why = format!(
            "going back to {from} stopped at {available} of {wanted} instances available; what serves was left alone"
        );
        return end(turn, End::NeedsOperator { why });
    }
    false
}

/// Keeps the stable instances that there are. An order of this very call may have lowered their number, and
/// none of them has heard of it yet.
fn keep_existing(
    turn: &mut Turn<'_>,
    from: &RevisionId,
    wanted: u64,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) {
    let Some(tally) = tallies.get_mut(from) else { return };
    let replicas = tally.created.min(wanted);
    if tally.target < replicas {
        tally.target = replicas;
        turn.record(Change::Targeted { revision: from.clone(), replicas });
    }
}

/// When a way back that does not get on is given up; drains have deadlines of their own, which come on top.
pub(super) fn until(turn: &Turn<'_>, rollout: &Rollout) -> Timestamp {
    let Rollout { spec, high_water: (_, since), stage_began, restored, .. } = rollout;
    let later = |from: Timestamp| {
        let drain = &spec.drain;
        from.max(turn.sighted_since)
            .after(spec.deadlines.progress)
            .after(drain.deadline)
            .after(drain.stop_grace)
    };
    // Once everything was back, only what breaks anew can keep the end away; what comes and goes, not for ever.
    if let Some(restored) = restored {
        let interval = spec.rollback.health_check_interval;
        let whole = later(*restored).after(interval).after(interval);
        return later(turn.broken_since.unwrap_or(turn.now).max(*restored)).min(whole);
    }
    let standstill = later(*since);
    let whole = spec.rollback.timeout.map(|span| stage_began.after(span));
    whole.map_or(standstill, |whole| whole.min(standstill))
}

/// Whether stable waits for the candidate to be gone: where the way back is recreate, the two must not meet.
fn must_wait(
    turn: &Turn<'_>,
    rollout: &Rollout,
    space: Space,
    tallies: &BTreeMap<RevisionId, Tally>,
) -> bool {
    if turn.setup.capabilities.replaces_in_place() {
        return false; // Who comes back comes to the place of one who is gone.
    }
    let is_recreate = space.budget.surge == 0 && space.desired <= space.budget.unavailable;
    let is_there = |tally: &Tally| 0 < tally.created + tally.terminating;
    is_recreate && tallies.get(&rollout.candidate.id).is_some_and(is_there)
}

/// How many instances of a failed candidate are kept for inspection: those that are there still, while
/// their traffic can be taken off by weight.
pub(super) fn kept(rollout: &Rollout, tallies: &BTreeMap<RevisionId, Tally>) -> u64 {
    if rollout.spec.rollback.keep_failed.is_zero() || !rollout.is_weighted() {
        return 0;
    }
    tallies.get(&rollout.candidate.id).map_or(0, |tally| tally.target.min(tally.created))
}

/// Runs the hooks beside the way back, one after the other. Returns whether all have ended; the way back
/// itself never waits for them, and their failure changes nothing.
fn run_hooks(turn: &mut Turn<'_>, rollout: &Rollout) -> bool {
    rollout.plan.rollback_hooks.iter().enumerate().all(|(place, hook)| {
        match hook::drive(turn, &format!("back-{place}"), hook) {
            Stand::Waits => false,
            Stand::Passed | Stand::Failed(_) => true,
        }
    })
}

/// Ends the way back once stable was whole and healthy for long enough. Returns whether the walk changed.
fn verify(turn: &mut Turn<'_>, view: &View, rollout: &Rollout, wanted: u64) -> bool {
    let interval = rollout.spec.rollback.health_check_interval;
    if interval.is_zero() {
        return end(turn, End::RolledBack);
    }
    if rollout.restored.is_none() {
        turn.record(Change::Restored);
    }
    let restored = rollout.restored.unwrap_or(turn.now);
    let since = view.whole_since.map_or(turn.now, |whole| whole.max(restored));
    let until = since.after(interval);
    if until <= turn.now {
        return end(turn, End::RolledBack);
    }
    turn.wait(since, Some((until, Expiry::GoesOn)), || WaitReason::Verifying {
        available: wanted,
        wanted,
    });
    false
}

/// The route of now: as much for stable as it can carry, all of it once the candidate serves nothing;
/// never less than stable has.
fn routing(
    turn: &Turn<'_>,
    view: &View,
    rollout: &Rollout,
    from: &RevisionId,
    tallies: &BTreeMap<RevisionId, Tally>,
) -> Routing {
    let Some(units) = turn.setup.capabilities.router else { return Routing::Keep };
    // A plan for no instances knows no shares; those in force are kept all the same.
    let has_shares = matches!(turn.state.route, Some(Route::Weighted(_)));
    if !rollout.is_weighted() && !has_shares {
        return Routing::Set(Route::ByReplicas);
    }
    let candidate = &rollout.candidate.id;
    let serving = tallies.get(from).map_or(0, Tally::able);
    if serving == 0 {
        // Nothing can carry more. A step forward in doubt is not attempted again.
        return Routing::Keep;
    }
    // A weighted rollout that decided no route yet has left everything where it was: on stable. A route
    // in doubt counts as in force: to take a step back in doubt back would raise the candidate's share,
    // to undo a step forward at once would put on stable what it may not be able to carry yet.
    let in_force = view.route_in_force(&turn.state).and_then(|seen| seen.route.as_ref());
    let known = match turn.state.pending_route() {
        Some(_) => None,
        None => in_force.and_then(|route| route.weight_of(from)),
    };
    let decided = turn.state.route.as_ref().map_or(Some(Weight::FULL), |it| it.weight_of(from));
    let has = known.max(decided).unwrap_or_default();
    let may_serve = tallies.get(candidate).map_or(0, |tally| tally.may_serve);
    let carries = match may_serve {
        0 => Weight::FULL,
        _ => traffic::carries(serving, &moving::space(rollout)),
    };
    let carries = carries.in_units(units);
    if turn.state.route == Some(Route::ByReplicas) {
        // What it has by replicas, at most.
        let may_serve = tallies.get(from).map_or(0, |tally| tally.may_serve);
        let others = moving::serving(tallies, candidate);
        if carries < Weight::share(may_serve, may_serve.saturating_add(others)).in_units(units) {
            return Routing::Set(Route::ByReplicas);
        }
    }
    Routing::Set(traffic::split(from, has.max(carries), Some(candidate)))
}

/// Whether nothing of the route is left on the candidate.
fn is_all_on(turn: &Turn<'_>, from: &RevisionId) -> bool {
    match &turn.state.route {
        Some(route @ Route::Weighted(_)) => route.weight_of(from) == Some(Weight::FULL),
        Some(Route::ByReplicas) | None => true,
        Some(Route::Empty) => false,
    }
}

/// Takes the first deploy away: there is nothing to go back to.
fn give_up(
    turn: &mut Turn<'_>,
    view: &View,
    rollout: &Rollout,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) -> bool {
    let mut space = moving::space(rollout);
    space.budget.unavailable = space.desired;
    let goal = Goal {
        counts: vec![(rollout.candidate.id.clone(), 0)],
        routing: match turn.setup.capabilities.router {
            Some(_) => Routing::Set(Route::ByReplicas),
            None => Routing::Keep,
        },
        space,
        in_batches: false,
    };
    if steer(turn, view, &goal, tallies) {
        return end(turn, End::Failed);
    }
    let until = until(turn, rollout);
    turn.wake(until);
    if until <= turn.now {
        let left = tallies.values().map(|tally| tally.created.saturating_add(tally.terminating));
        let why = format!(
            "taking {} away stopped with {} of its instances left",
            rollout.candidate.id,
            left.fold(0, u64::saturating_add)
        );
        return end(turn, End::NeedsOperator { why });
    }
    false
}

fn end(turn: &mut Turn<'_>, end: End) -> bool {
    turn.note(Note::Ended { end: end.clone() });
    turn.record(Change::Ended { end });
    true
}
