//! Attempts at actions: their outcomes, and when to try again. The engine retries, adapters never do.

use std::collections::BTreeMap;

use super::{
    action::Effect,
    hook,
    note::{Expiry, Note, WaitReason},
    outcome::{Outcome, RefusalKind, Retry},
    phase::moving,
    record::{Change, End, Failure, Settlement},
    route::Route,
    setup::Setup,
    state::Rollout,
    subject::{Port, Subject},
    traffic,
    turn::Turn,
    view::{Sight, View},
};
use crate::{
    fleet::{self, Condition, Instance, Traffic, condition},
    id::{ActionId, InstanceId, RevisionId},
    spec::Counting,
};

/// Takes in the outcome of an attempt. An answer to an action that is settled already changes nothing.
pub(super) fn attempted(turn: &mut Turn<'_>, view: &mut View, id: ActionId, outcome: Outcome) {
    let was_route = view.routes_out.remove(&id);
    let Some(effect) = turn.state.pending.get(&id).cloned() else {
        replaced(view, was_route, &outcome);
        return;
    };
    let attempts = view.attempts.or_default(&id);
    attempts.count = attempts.count.saturating_add(1);
    attempts.in_flight = false;
    attempts.last = Some(outcome.clone());
    let backoff = turn.setup.tuning.backoff(u64::from(attempts.count));
    let wait = match &outcome {
        Outcome::Applied { mark } => {
            view.acknowledged(&effect, *mark);
            turn.record(Change::Settled { id, how: Settlement::Applied });
            return;
        }
        Outcome::Refused { why, .. } if why.kind == RefusalKind::Fenced => {
            turn.record(Change::Settled { id, how: Settlement::Refused(why.clone()) });
            turn.record(Change::Ended { end: End::Fenced });
            turn.note(Note::Ended { end: End::Fenced });
            return;
        }
        Outcome::Refused { why, retry: Retry::Never }
            if fails_its_instance(turn.setup, &effect) =>
        {
            turn.record(Change::Settled { id, how: Settlement::Refused(why.clone()) });
            // One that goes anyway, or is gone, fails nobody.
            let is_wanted = |instance: &InstanceId| {
                let entry = turn.state.roster.get(instance);
                entry.is_some_and(|entry| !entry.is_terminating() && !entry.dead)
            };
            if let Some(instance) = effect.instance().filter(|it| is_wanted(it)).cloned() {
                let failure = Failure::Refused(why.clone());
                turn.note(Note::InstanceFailed {
                    instance: instance.clone(),
                    failure: failure.clone(),
                });
                turn.record(Change::Failed { instance: instance.clone(), failure });
                turn.record(Change::Retired { instance });
            }
            return;
        }
        Outcome::Refused { why, retry: Retry::Never } if matches!(effect, Effect::Run { .. }) => {
            turn.record(Change::Settled { id, how: Settlement::Refused(why.clone()) });
            if let Effect::Run { run, .. } = &effect {
                hook::ended(turn, run, Some(why.to_string()));
            }
            return;
        }
        // Tearing down and routing are never given up: what is refused for good today may be mended.
        Outcome::Refused { retry: Retry::Never, .. } => turn.setup.tuning.retry_most,
        Outcome::Refused { retry: Retry::After(span), .. } => *span,
        Outcome::Refused { retry: Retry::Backoff, .. } | Outcome::Unknown { .. } => backoff,
    };
    attempts.not_before = turn.now.after(wait);
    attempts.failing_since.get_or_insert(turn.now);
    let again_at = attempts.not_before;
    turn.note(Note::Retrying { id, effect: effect.without_secrets(), outcome, again_at });
}

/// Takes in an answer to what another action has replaced since. That one comes after it; until a snapshot
/// shows both, nobody knows which route is in force.
fn replaced(view: &mut View, was_route: bool, outcome: &Outcome) {
    if let (true, Outcome::Applied { mark }) = (was_route, outcome) {
        view.acknowledged_at(Port::Router, Subject::Route, *mark);
    }
}

/// Whether an instance has failed when this is refused for good. One that is gone from a pool kept by count
/// is replaced, and fails nobody.
fn fails_its_instance(setup: &Setup, effect: &Effect) -> bool {
    match effect {
        Effect::Create { .. } | Effect::Start { .. } => true,
        Effect::Enrol { .. } => !setup.capabilities.drains_by_name(),
        Effect::Drain { .. }
        | Effect::Detach { .. }
        | Effect::Stop { .. }
        | Effect::Remove { .. }
        | Effect::Scale { .. }
        | Effect::Divide(_)
        | Effect::Route(_)
        | Effect::Run { .. }
        | Effect::Modules(_) => false,
    }
}

/// What was found out for actions that are attempted again: of all of them in one call the same holds.
#[derive(Default)]
struct Again {
    /// Whether there is room for what is being made.
    has_room: Option<bool>,
    /// Whether the others are enough without an instance of a revision.
    is_enough: BTreeMap<RevisionId, bool>,
}

/// Whether an action may be attempted again now: a route only while the capacity behind it is there still,
/// a drain of an instance that serves only while the others are enough, a creation or a growth only below the
/// ceiling, an enrolment only within what the stage lets have traffic.
/// What became of the attempts so far nobody knows; another one must not make it worse.
fn may_go_out(turn: &Turn<'_>, view: &View, effect: &Effect, again: &mut Again) -> bool {
    match effect {
        Effect::Route(route) => {
            traffic::is_backed(turn, view, route) && !traffic::is_forward_again(turn, view, route)
        }
        Effect::Drain { instance } => may_drain(turn, view, instance, again),
        Effect::Create { .. } => *again.has_room.get_or_insert_with(|| may_create(turn)),
        Effect::Divide(division) => fleet::may_divide(turn, view, division),
        Effect::Scale { revision, replicas } => may_scale(turn, view, revision, *replicas),
        Effect::Enrol { instance, .. } => fleet::may_enrol(turn, instance),
        Effect::Start { .. }
        | Effect::Detach { .. }
        | Effect::Stop { .. }
        | Effect::Remove { .. }
        | Effect::Run { .. }
        | Effect::Modules(_) => true,
    }
}

/// Whether a pool made by count may be told its size again: not fewer than it has, once it is to have more,
/// nor more once it is to have fewer, and nobody goes who was to be drained and is not.
fn may_scale(turn: &Turn<'_>, view: &View, revision: &RevisionId, replicas: u64) -> bool {
    let target = turn.state.pools.get(revision).map_or(0, |pool| pool.target);
    // Before anything is seen nobody knows what it has, nor who goes by it.
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return false };
    let has = inventory.pools.get(revision).map_or(0, |seen| seen.replicas);
    if turn.setup.capabilities.replaces_in_place() {
        return (replicas <= has || replicas <= target)
            && fleet::may_size(turn, view, replicas)
            && leaves_enough(turn, view, revision);
    }
    // Beyond its target a pool has those that are not drained yet.
    let of_it = turn.state.roster.values().filter(|entry| entry.revision == *revision);
    let most = target.saturating_add(of_it.filter(|entry| entry.is_terminating()).count() as u64);
    let is_wanted =
        if has < replicas { replicas <= most } else { target <= replicas || has == replicas };
    is_wanted
        && (replicas <= has || has_room(turn, view, revision, replicas))
        && leaves_enough(turn, view, revision)
        && fleet::has_drained(turn, view, revision, replicas)
}

/// Whether a pool made by count may grow to `replicas`: what is there already, or below the ceiling with
/// everything that is on its way. A resize may have taken the room away since.
fn has_room(turn: &Turn<'_>, view: &View, revision: &RevisionId, replicas: u64) -> bool {
    let Some(rollout) = &turn.state.rollout else { return true };
    if view.pool(revision).is_some_and(|seen| replicas <= seen.created) {
        return true;
    }
    let space = moving::space(rollout);
    let tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
    space.live(&tallies) <= space.ceiling()
}

/// Whether the others are enough, if the size that a pool was told last takes serving instances away.
pub(crate) fn leaves_enough(turn: &Turn<'_>, view: &View, revision: &RevisionId) -> bool {
    let Some(rollout) = turn.state.rollout.as_ref().filter(|_| turn.state.stable.is_some()) else {
        return true;
    };
    // While no snapshot shows the last size, the one before says what there was.
    let inventory = view.inventory.as_ref().map(|seen| &seen.what);
    // Who is ready gets requests, however short a time it has been.
    let ready =
        inventory.map_or(u64::MAX, |seen| seen.pools.get(revision).map_or(0, |pool| pool.ready));
    let tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
    let (left, left_ready) =
        tallies.get(revision).map_or((0, 0), |tally| (tally.serving, tally.ready));
    let all = tallies.values().map(|tally| tally.serving).fold(0, u64::saturating_add);
    let space = fleet::fit(turn, view, moving::space(rollout));
    if ready <= left_ready {
        return true;
    }
    let is_enough = |route: Option<&Route>| match route.and_then(|it| it.weight_of(revision)) {
        Some(weight) if weight.is_zero() => true,
        Some(weight) => traffic::backing(weight, &space) <= left && space.floor() <= all,
        None => space.floor() <= all,
    };
    // While a route is in doubt, by the one in force as well.
    let in_force = || view.route_in_force(&turn.state).map(|seen| seen.route.as_ref());
    is_enough(turn.state.route.as_ref())
        && (turn.state.pending_route().is_none() || in_force().is_some_and(is_enough))
}

/// Whether those that were not told to go are enough, whether the one in question counts as available or not.
fn leaves_floor(turn: &Turn<'_>, view: &View, rollout: &Rollout) -> bool {
    let tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
    let all = tallies.values().map(|tally| tally.serving).fold(0, u64::saturating_add);
    turn.state.stable.is_none() || fleet::fit(turn, view, moving::space(rollout)).floor() <= all
}

/// Whether there is room for every instance that exists or is in doubt: a resize may have taken it away.
fn may_create(turn: &Turn<'_>) -> bool {
    let Some(rollout) = &turn.state.rollout else { return true };
    let space = moving::space(rollout);
    let counts = |entry: &&Instance| match space.counting {
        Counting::Strict => true,
        Counting::Loose => !entry.is_terminating() || entry.may_get_more(),
    };
    turn.state.roster.values().filter(counts).count() as u64 <= space.ceiling()
}

fn may_drain(turn: &Turn<'_>, view: &View, instance: &InstanceId, again: &mut Again) -> bool {
    let (Some(entry), Some(rollout)) = (turn.state.roster.get(instance), &turn.state.rollout)
    else {
        return true;
    };
    let is_useless = if turn.setup.capabilities.drains_by_name() {
        // Its pool is counted without it already.
        match view.seen(instance) {
            Sight::Unshown => false,
            Sight::Absent => true,
            Sight::There(seen) => seen.healthy != Some(true),
        }
    } else {
        // Judged as if it had not been told to go.
        let kept = Instance { retired: None, traffic: Traffic::In, ..entry.clone() };
        let glance = view.glance(instance);
        let condition = condition(turn.now, turn.setup, &turn.state, &glance, &kept);
        turn.state.stable.is_none()
            || matches!(condition, Condition::Unready | Condition::Ready | Condition::Available)
    };
    if is_useless {
        return true;
    }
    let is_enough = again.is_enough.get(&entry.revision).copied();
    is_enough.unwrap_or_else(|| {
        let is_enough = is_enough_without(turn, view, rollout, &entry.revision);
        again.is_enough.insert(entry.revision.clone(), is_enough);
        is_enough
    })
}

/// Whether the others are enough without one of `revision` that was told to go.
fn is_enough_without(
    turn: &Turn<'_>,
    view: &View,
    rollout: &Rollout,
    revision: &RevisionId,
) -> bool {
    let capabilities = &turn.setup.capabilities;
    if capabilities.drains_by_name() {
        return if capabilities.replaces_in_place() {
            leaves_floor(turn, view, rollout)
        } else {
            leaves_enough(turn, view, revision)
        };
    }
    let space = moving::space(rollout);
    let mut tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
    if let Some(tally) = tallies.get_mut(revision) {
        tally.serving += 1;
    }
    0 < traffic::spare(turn, view, &space, &tallies, revision)
}

/// Emits every pending action that is due and not under way.
pub(super) fn repeat(turn: &mut Turn<'_>, view: &mut View) {
    let pending: Vec<(ActionId, Effect)> = turn
        .state
        .pending
        .iter()
        .filter(|(id, _)| turn.is_older(**id) && !view.is_in_flight(**id))
        .map(|(id, effect)| (*id, effect.clone()))
        .collect();
    let mut again = Again::default();
    for (id, effect) in pending {
        let attempts = view.attempts.or_default(&id);
        if attempts.not_before <= turn.now && !may_go_out(turn, view, &effect, &mut again) {
            turn.wake(turn.now.after(turn.setup.tuning.retry_first));
            continue;
        }
        let attempts = view.attempts.or_default(&id);
        if attempts.not_before <= turn.now {
            turn.repeat(id, effect);
            continue;
        }
        let (until, count) = (attempts.not_before, attempts.count);
        let since = attempts.failing_since.unwrap_or(turn.now);
        if let Some(outcome) = attempts.last.clone() {
            turn.wait(since, Some((until, Expiry::Retries)), || WaitReason::Retry {
                id,
                effect: effect.without_secrets(),
                outcome,
                attempts: count,
            });
        }
    }
}
