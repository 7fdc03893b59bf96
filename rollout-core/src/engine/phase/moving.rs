//! Moving: towards the counts and the route of a stage.

use std::collections::BTreeMap;

use super::reverting;
use crate::{
    engine::{
        capacity::Space,
        metric, modules,
        note::{Expiry, Note, WaitReason},
        record::{Cause, Change, End, Purpose},
        route::Route,
        state::{ENGINE, Rollout, Walk},
        steer::{Goal, Routing, steer},
        traffic,
        turn::Turn,
        view::View,
    },
    fleet::Tally,
    id::RevisionId,
    plan::StageRoute,
    spec::OnFailure,
    time::Timestamp,
};

/// Takes every forward step that the observation allows. Returns whether the stage was reached.
pub(in crate::engine) fn decide(
    turn: &mut Turn<'_>,
    view: &View,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) -> bool {
    let Some(rollout) = turn.state.rollout.clone() else { return false };
    if is_too_late(turn, &rollout, tallies) {
        return true;
    }
    let (index, stage) = rollout.stage();
    let is_ready = modules::prepare(turn, view, &rollout.spec, stage);
    if !is_ready && matches!(rollout.walk, Walk::Moving { .. }) {
        traffic::hold(turn, view);
        return false;
    }
    let serving = serving(tallies, &rollout.candidate.id);
    let is_whole = stage.candidate <= serving;
    if !is_whole {
        say_instances(turn, view, &rollout, tallies);
    }
    let reached = steer(turn, view, &goal(&rollout, turn, tallies), tallies) && is_whole;
    if reached && !matches!(rollout.walk, Walk::Gating { .. }) {
        turn.record(Change::Reached { stage: index });
        turn.note(Note::StageReached { stage: stage.name.clone() });
        return true;
    }
    false
}

/// The goal of the stage under way.
fn goal(rollout: &Rollout, turn: &Turn<'_>, tallies: &BTreeMap<RevisionId, Tally>) -> Goal {
    let (_, stage) = rollout.stage();
    let candidate = &rollout.candidate.id;
    let from = rollout.from.as_ref().map(|from| &from.id).filter(|from| *from != candidate);
    let space = space(rollout);
    let mut counts = vec![(candidate.clone(), stage.candidate)];
    counts.extend(from.map(|from| (from.clone(), stage.stable)));
    let is_whole = stage.candidate <= tallies.get(candidate).map_or(0, Tally::able);
    let routing = match stage.route {
        _ if turn.setup.capabilities.router.is_none() => Routing::Keep,
        StageRoute::ByReplicas => Routing::Set(Route::ByReplicas),
        StageRoute::Empty => Routing::Set(Route::Empty),
        StageRoute::Weighted(weight) => {
            let able = tallies.get(candidate).map_or(0, Tally::able);
            if is_whole && traffic::backing(weight, &space) <= able {
                let route = traffic::split(candidate, weight, from);
                Routing::Set(traffic::ruled(route, candidate, &stage.rules))
            } else {
                Routing::Later(meanwhile(turn, candidate, from, tallies, &space))
            }
        }
    };
    Goal { counts, routing, space, in_batches: true }
}

/// The route while a stage is not whole. A candidate gets nothing before it is, not by replicas either; one
/// that lost instances keeps what the rest can carry, where stable can carry what it loses.
fn meanwhile(
    turn: &Turn<'_>,
    candidate: &RevisionId,
    from: Option<&RevisionId>,
    tallies: &BTreeMap<RevisionId, Tally>,
    space: &Space,
) -> Option<Route> {
    let from = from.filter(|from| 0 < tallies.get(from).map_or(0, Tally::able))?;
    let Some(route @ Route::Weighted(shares)) = &turn.state.route else {
        return Some(Route::all_on(from.clone()));
    };
    let has = route.weight_of(candidate).unwrap_or_default();
    let able = tallies.get(candidate).map_or(0, Tally::able);
    let has_lost_all = able == 0 && route.sends_beside(candidate);
    if traffic::backing(has, space) <= able && !has_lost_all {
        return None;
    }
    let units = turn.setup.capabilities.router.unwrap_or(1);
    let keeps = traffic::carries(able, space).min(has).in_units(units);
    let stable = tallies.get(from).map_or(0, Tally::able);
    let rules = shares.trial.as_ref().filter(|_| 0 < able).map(|trial| trial.rules.clone());
    (traffic::backing(keeps.rest(), space) <= stable).then(|| {
        let route = traffic::split(candidate, keeps, Some(from));
        traffic::ruled(route, candidate, &rules.unwrap_or_default())
    })
}

/// Keeps the route decided last, or less of it for a candidate that lost instances.
pub(in crate::engine) fn hold(
    turn: &mut Turn<'_>,
    view: &View,
    tallies: &BTreeMap<RevisionId, Tally>,
) {
    let less = turn.state.under_way().and_then(|rollout| {
        let candidate = &rollout.candidate.id;
        let from = rollout.from.as_ref().map(|from| &from.id).filter(|from| *from != candidate);
        let has_route = matches!(turn.state.route, Some(Route::Weighted(_)));
        let less = meanwhile(turn, candidate, from, tallies, &space(rollout));
        less.filter(|_| has_route && !rollout.proven)
    });
    match less {
        Some(route) => {
            traffic::set(turn, view, &route);
        }
        None => traffic::hold(turn, view),
    }
}

/// Turns back, or stops, when too many candidate instances failed or a watched metric did: what is never a
/// step forward. Returns whether the walk changed.
pub(in crate::engine) fn has_failed(turn: &mut Turn<'_>) -> bool {
    let Some(rollout) = turn.state.rollout.clone() else { return false };
    match too_many_failures(turn, &rollout) {
        Some(cause) => fail(turn, cause),
        None => metric::watch(turn, &rollout),
    }
}

/// The limits of the stage under way.
pub(in crate::engine) fn space(rollout: &Rollout) -> Space {
    let has_back = rollout.is_back() && rollout.from.is_some();
    Space {
        desired: if has_back { rollout.from_desired } else { rollout.plan.desired },
        budget: rollout.budget(),
        counting: rollout.plan.counting,
    }
}

pub(in crate::engine) fn serving(tallies: &BTreeMap<RevisionId, Tally>, id: &RevisionId) -> u64 {
    tallies.get(id).map_or(0, |tally| tally.serving)
}

/// Turns back when too many candidate instances failed or nothing moves any more. Returns whether the
/// walk changed.
pub(in crate::engine) fn is_too_late(
    turn: &mut Turn<'_>,
    rollout: &Rollout,
    tallies: &BTreeMap<RevisionId, Tally>,
) -> bool {
    let (_, stage) = rollout.stage();
    let candidate = &rollout.candidate.id;
    let available = serving(tallies, candidate);
    if rollout.high_water.0 < available {
        turn.record(Change::Progressed { available });
        turn.note(Note::Available { available, wanted: stage.candidate });
        return false;
    }
    if has_failed(turn) {
        return true;
    }
    let terminating = tallies.values().any(|tally| 0 < tally.terminating);
    let until = progress_until(turn, rollout, terminating);
    if until <= turn.now && matches!(rollout.walk, Walk::Moving { .. }) {
        let wanted = stage.candidate;
        return fail(turn, Cause::NoProgress { available, wanted });
    }
    if let Some(total) = rollout.spec.deadlines.total {
        let until = rollout.began.after(total);
        if until <= turn.now && !rollout.proven {
            return fail(turn, Cause::TooLong);
        }
        turn.wake(until);
    }
    turn.wake(until);
    false
}

/// When the progress deadline ends; drains have deadlines of their own, which come on top.
fn progress_until(turn: &Turn<'_>, rollout: &Rollout, terminating: bool) -> Timestamp {
    let drain = &rollout.spec.drain;
    let since = rollout.high_water.1.max(turn.sighted_since);
    let until = since.after(rollout.spec.deadlines.progress);
    if terminating { until.after(drain.deadline).after(drain.stop_grace) } else { until }
}

fn too_many_failures(turn: &Turn<'_>, rollout: &Rollout) -> Option<Cause> {
    let pool = turn.state.pools.get(&rollout.candidate.id)?;
    let (_, last) = pool.last_failure.as_ref()?;
    let of = rollout.stage().1.candidate.max(1);
    let allowed = rollout.spec.health.max_failure_ratio.of_rounded_down(of);
    (allowed < pool.failed && !rollout.proven).then(|| Cause::Failures {
        failed: pool.failed,
        of,
        last: last.clone(),
    })
}

/// Turns back, pauses, or asks for an operator, whichever fits. Returns whether the walk changed.
pub(in crate::engine) fn fail(turn: &mut Turn<'_>, cause: Cause) -> bool {
    let Some(rollout) = turn.state.rollout.as_ref() else { return false };
    let pauses = rollout.spec.rollback.on_failure == OnFailure::Pause;
    let is_wanted = matches!(cause, Cause::Ordered { .. } | Cause::Superseded { .. });
    // A rollback is never rolled back by itself.
    let is_rollback = rollout.purpose == Purpose::Undo && !is_wanted;
    if rollout.proven || rollout.is_resize() || is_rollback {
        let end = End::NeedsOperator { why: cause.to_string() };
        turn.note(Note::Ended { end: end.clone() });
        turn.record(Change::Ended { end });
        return true;
    }
    if pauses && !is_wanted {
        let why = Some(cause.to_string());
        turn.record(Change::Paused { by: ENGINE.to_owned(), why });
        return true;
    }
    turn.note(Note::TurnedBack { cause: cause.clone() });
    turn.record(Change::Aborted { cause });
    true
}

/// What a failure of the way forward does now.
pub(in crate::engine) fn expiry(rollout: &Rollout) -> Expiry {
    match rollout.spec.rollback.on_failure {
        _ if rollout.proven || rollout.is_resize() || rollout.purpose == Purpose::Undo => {
            Expiry::NeedsOperator
        }
        OnFailure::Rollback => Expiry::RollsBack,
        OnFailure::Pause => Expiry::Pauses,
    }
}

/// Since when nothing moved, and what comes when that lasts too long: the bound of every wait that has none
/// of its own. `None` where a person's order ends the wait, and where the rollout has ended.
pub(crate) fn bound(
    turn: &Turn<'_>,
    terminating: bool,
) -> (Timestamp, Option<(Timestamp, Expiry)>) {
    let Some(rollout) = turn.state.under_way() else { return (turn.now, None) };
    let since = rollout.high_water.1;
    let until = match rollout.walk {
        Walk::Reverting => Some((reverting::until(turn, rollout), Expiry::NeedsOperator)),
        Walk::Moving { .. } | Walk::Gating { .. } if turn.state.paused.is_none() => {
            Some((progress_until(turn, rollout, terminating), expiry(rollout)))
        }
        Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(_) => None,
    };
    (since, until)
}

/// Says how many candidate instances are missing. One that was there and is missing now has its deadline
/// from then on.
fn say_instances(
    turn: &mut Turn<'_>,
    view: &View,
    rollout: &Rollout,
    tallies: &BTreeMap<RevisionId, Tally>,
) {
    let terminating = tallies.values().any(|tally| 0 < tally.terminating);
    let (since, until) = match (&rollout.walk, view.broken_since) {
        (Walk::Gating { .. }, Some(broken)) => {
            let until = broken.after(rollout.spec.deadlines.progress);
            (broken, Some((until, expiry(rollout))))
        }
        _ => bound(turn, terminating),
    };
    let revision = rollout.candidate.id.clone();
    let tally = tallies.get(&revision).copied().unwrap_or_default();
    let wanted = rollout.stage().1.candidate;
    turn.wait(since, until, || WaitReason::Instances {
        revision,
        created: tally.created,
        ready: tally.ready,
        available: tally.serving,
        wanted,
    });
}
