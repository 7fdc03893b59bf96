//! One call of `step`: takes in the event, then decides until nothing more follows from it.

use super::{
    Port, calendar,
    event::Event,
    hook, metric,
    note::{Expiry, Note, WaitReason},
    order,
    phase::{ended, gating, idle, moving, reverting},
    record::{Cause, Change, End},
    retry,
    state::{CALENDAR, ENGINE, Paused, State, Walk},
    turn::Turn,
    view::{Held, View},
};
use crate::{fleet, time::Timestamp};

/// Takes in a fact. Changes the view; what lasts is only drafted.
pub(super) fn take_in(turn: &mut Turn<'_>, view: &mut View, event: Event) {
    match event {
        Event::Claimed { epoch } => {
            view.is_claimed = true;
            if turn.state.epoch < epoch {
                turn.record(Change::Claimed { epoch });
            }
        }
        Event::Woke => {}
        Event::Ordered(order) => order::ordered(turn, view, order),
        Event::Attempted { id, outcome } => retry::attempted(turn, view, id, outcome),
        Event::Observed(observation) => view.observed(turn.now, observation),
        Event::Unobserved { port, why } => {
            view.blind.insert(port, why);
        }
        Event::Probed { instance, probe, healthy, detail } => {
            if let Some(entry) = turn.state.roster.get(&instance) {
                let health = turn.state.health_of(entry);
                view.probed(health, &instance, probe, healthy, detail);
            }
        }
        Event::Measured { attempt, place, reading } => {
            metric::measured(turn, attempt, place, reading);
        }
        Event::Polled { run, state } => hook::polled(turn, &run, state),
        Event::Vetoed(veto) => {
            let refusals = view.held.as_ref().map_or(1, |held| held.refusals.saturating_add(1));
            let until = turn.now.after(turn.setup.tuning.backoff(u64::from(refusals)));
            let since = view.held.as_ref().map_or(turn.now, |held| held.since);
            // The same refusal again is told and kept once, unless it stops what somebody has let go on.
            let is_known = view.held.as_ref().is_some_and(|held| held.veto == veto);
            view.held = Some(Held { veto: veto.clone(), refusals, since, until });
            if !is_known || turn.state.stops_at_veto() {
                turn.note(Note::Vetoed(veto.clone()));
                turn.record(Change::Vetoed(veto));
            }
        }
    }
}

/// Decides everything that follows from what is known now.
pub(super) fn decide(turn: &mut Turn<'_>, view: &mut View) {
    if turn.state.fenced {
        turn.wait(turn.now, None, || WaitReason::Ended { end: End::Fenced });
        return;
    }
    if !view.is_claimed {
        turn.wait(turn.now, None, || WaitReason::Unclaimed);
        return;
    }
    view.refresh(turn.now, &turn.state);
    if let Some(halted) = turn.state.halted.clone() {
        // Time in which nothing may be done counts for no deadline.
        view.broken_since = None;
        turn.wait(halted.at, None, || WaitReason::Halted { by: halted.by, why: halted.why });
        return;
    }
    let is_sighted = is_sighted(turn, view);
    view.sighted_since = is_sighted.then(|| view.sighted_since.unwrap_or(turn.now));
    turn.sighted_since = view.sighted_since.unwrap_or_default();
    if is_sighted {
        fleet::watch(turn, view);
        match view.held.clone().filter(|held| turn.now < held.until) {
            Some(Held { veto, refusals, since, until }) => {
                turn.wait(since, Some((until, Expiry::Retries)), || WaitReason::Vetoed {
                    veto,
                    refusals,
                });
            }
            None => walk(turn, view),
        }
    }
    retry::repeat(turn, view);
    if turn.is_unexplained() && turn.state.under_way().is_some() {
        say_rest(turn, view);
    }
}

/// Says what is waited for where nothing else is: an answer, or the sight of what was answered.
fn say_rest(turn: &mut Turn<'_>, view: &View) {
    let (since, until) = moving::bound(turn, true);
    let pending = turn.state.pending.iter().next();
    if let Some((id, effect)) = pending.map(|(id, effect)| (*id, effect.clone())) {
        let effect = effect.without_secrets();
        turn.wait(since, until, || WaitReason::Answer { id, effect });
    } else if let Some(seen) = view.inventory.as_ref() {
        let age = turn.now.since(seen.at);
        turn.wait(since, until, || WaitReason::Sight { port: Port::Backend, age });
    }
}

fn walk_of(state: &State) -> Option<Walk> {
    state.rollout.as_ref().map(|rollout| rollout.walk.clone())
}

/// Whether every port was observed, and not too long ago. Without, no step is taken (C7, F3).
fn is_sighted(turn: &mut Turn<'_>, view: &View) -> bool {
    let seen = [
        (Port::Backend, true, view.inventory.as_ref().map(|seen| seen.at)),
        (
            Port::Enrolment,
            turn.setup.capabilities.enrolment.is_some(),
            view.enrolments.as_ref().map(|seen| seen.at),
        ),
        (
            Port::Router,
            turn.setup.capabilities.router.is_some(),
            view.route.as_ref().map(|seen| seen.at),
        ),
    ];
    let limit = turn.setup.tuning.stale_after;
    let mut sighted = true;
    for (port, is_there, at) in seen {
        if !is_there || at.is_some_and(|at| turn.now.since(at) <= limit) {
            continue;
        }
        sighted = false;
        let age = at.map(|at| turn.now.since(at));
        let why = view.blind.get(&port).cloned();
        let since = at.unwrap_or(turn.now);
        let until: Option<(Timestamp, Expiry)> = None;
        turn.wait(since, until, || WaitReason::Observation { port, age, limit, why });
    }
    sighted
}

/// Walks the plan until nothing more follows, then brings the fleet along.
fn walk(turn: &mut Turn<'_>, view: &mut View) {
    // Each round either changes the walk or is the last; a plan has fewer changes than this in one call.
    for _ in 0..64 {
        let decided = turn.decided();
        if turn.state.rollout.is_none() && !idle::start_queued(turn) {
            idle::decide(turn);
            return;
        }
        start_over(turn);
        calendar::watch(turn, view);
        let mut tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
        watch_whole(turn, view, &tallies);
        turn.broken_since = view.broken_since;
        if let Some(rollout) = turn.state.under_way() {
            view.pace.watch(turn.now, rollout, &tallies);
        }
        let Some(walk) = walk_of(&turn.state) else { return };
        let changed = match &walk {
            Walk::Ended(end) => ended::decide(turn, view, end, &mut tallies),
            Walk::Reverting => reverting::decide(turn, view, &mut tallies),
            Walk::Moving { .. } | Walk::Gating { .. } => match turn.state.paused.clone() {
                // A failure is seen to, whoever paused; the engine's own pause is what it came to already.
                Some(paused) if paused.by != ENGINE && moving::has_failed(turn) => true,
                Some(paused) => {
                    say_paused(turn, view, paused);
                    // Keeping what was decided, or less, is no step forward; and paused time counts for nothing.
                    moving::hold(turn, view, &tallies);
                    view.broken_since = None;
                    false
                }
                None if matches!(walk, Walk::Moving { .. }) => {
                    moving::decide(turn, view, &mut tallies)
                }
                None => gating::decide(turn, view, &mut tallies),
            },
        };
        if changed && decided != turn.decided() {
            continue;
        }
        if let Some(rollout) = &turn.state.rollout {
            let space = moving::space(rollout);
            fleet::act(turn, view, space, &tallies);
        }
        return;
    }
    turn.wake(turn.now.after(turn.setup.tuning.retry_first));
}

/// Says why forward steps are stopped.
fn say_paused(turn: &mut Turn<'_>, view: &mut View, paused: Paused) {
    let Paused { at, by, why } = paused;
    if by == CALENDAR {
        let until = calendar::opens(turn, view).map(|until| (until, Expiry::GoesOn));
        turn.wait(at, until, || WaitReason::Closed { why: why.unwrap_or_default() });
    } else {
        turn.wait(at, None, || WaitReason::Paused { by, why });
    }
}

/// A first deploy that is superseded has nothing to go back to, and a candidate that is proven only has its
/// standby left: the next revision starts at once, and takes over as it becomes available.
fn start_over(turn: &mut Turn<'_>) {
    let gives_way = turn.state.under_way().is_some_and(|rollout| {
        let is_superseded = matches!(rollout.cause, Some(Cause::Superseded { .. }));
        rollout.proven || (rollout.from.is_none() && is_superseded)
    });
    if gives_way && turn.state.queued.is_some() {
        idle::start_queued(turn);
    }
}

/// Keeps the time since when every candidate instance of the stage serves, or some do not; on the way back,
/// every stable instance.
fn watch_whole(
    turn: &Turn<'_>,
    view: &mut View,
    tallies: &std::collections::BTreeMap<crate::id::RevisionId, fleet::Tally>,
) {
    let Some(rollout) = turn.state.under_way() else { return };
    let (wanted, id) = match (&rollout.walk, &rollout.from) {
        (Walk::Reverting, Some(from)) => (rollout.from_desired, &from.id),
        _ => (rollout.stage().1.candidate, &rollout.candidate.id),
    };
    let is_whole = wanted <= moving::serving(tallies, id);
    if is_whole {
        view.broken_since = None;
        view.whole_since.get_or_insert(turn.now);
    } else {
        view.whole_since = None;
        view.broken_since.get_or_insert(turn.now);
    }
}
