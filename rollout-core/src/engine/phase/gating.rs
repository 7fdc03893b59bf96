//! Gating: a stage is reached, its gates decide.

use std::collections::BTreeMap;

use super::{idle, moving};
use crate::{
    calendar::Opening,
    engine::{
        event::MetricPlace,
        hook::{self, Stand},
        metric,
        note::{Expiry, Note, WaitReason},
        record::{Cause, Change, End},
        state::{Rollout, Walk},
        turn::Turn,
        view::View,
    },
    fleet::Tally,
    id::RevisionId,
    plan::StageGate,
    spec::Unanswered,
    time::Timestamp,
};

/// Keeps the stage as it is and passes its gates. Returns whether the walk changed.
pub(in crate::engine) fn decide(
    turn: &mut Turn<'_>,
    view: &View,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) -> bool {
    if moving::decide(turn, view, tallies) {
        return true;
    }
    let Some(rollout) = turn.state.rollout.clone() else { return false };
    let Walk::Gating { stage: index, gate } = rollout.walk else { return true };
    if is_broken_too_long(turn, view, &rollout, tallies) {
        return true;
    }
    let stage = &rollout.plan.stages[index];
    let Some(condition) = stage.gates.get(gate) else {
        let is_whole = stage.candidate <= moving::serving(tallies, &rollout.candidate.id)
            && tallies.values().all(|tally| tally.terminating == 0);
        if is_whole {
            leave(turn, index);
        }
        return is_whole;
    };
    let since = rollout.gate_since;
    let name = stage.name.clone();
    // Promoting everything passes what waits and what judges; what works is done all the same.
    let passes = (rollout.promoted && !matches!(condition, StageGate::Hook(_)))
        || match condition {
            StageGate::Hold(span) => {
                let until = since.after(*span);
                turn.wait(since, Some((until, Expiry::GoesOn)), || WaitReason::Hold {
                    stage: name,
                });
                until <= turn.now
            }
            StageGate::Approval { deadline, on_expiry } => {
                let until = deadline.map(|span| since.after(span));
                let is_over = until.is_some_and(|until| until <= turn.now);
                let expiry = match on_expiry {
                    Unanswered::Fail if is_over => return moving::fail(turn, Cause::NotApproved),
                    Unanswered::Fail => moving::expiry(&rollout),
                    Unanswered::Pass => Expiry::GoesOn,
                };
                let until = until.map(|until| (until, expiry));
                turn.wait(since, until, || WaitReason::Approval { stage: name });
                is_over
            }
            StageGate::Metric(metric) => {
                let place = MetricPlace::Gate { stage: index, gate };
                match metric::passes(turn, &rollout, place, metric) {
                    Ok(passes) => passes,
                    Err(cause) => return moving::fail(turn, cause),
                }
            }
            StageGate::Window(calendar) => match calendar.state(turn.now) {
                Opening::Open { .. } => true,
                Opening::Closed { until, why } => {
                    let until = until.map(|until| (until, Expiry::GoesOn));
                    turn.wait(since, until, || WaitReason::Window { stage: name, why });
                    false
                }
            },
            StageGate::Hook(hook) => {
                match hook::drive(turn, &format!("{}-{gate}", hook::slug(&stage.name)), hook) {
                    Stand::Waits => false,
                    Stand::Passed => true,
                    Stand::Failed(why) => {
                        let hook = hook.name.clone();
                        return moving::fail(turn, Cause::Hook { hook, why });
                    }
                }
            }
            StageGate::Health(span) => {
                let available = moving::serving(tallies, &rollout.candidate.id);
                let wanted = stage.candidate;
                let whole = view.whole_since.filter(|_| wanted <= available);
                let until = whole.map(|whole| whole.max(since).after(*span));
                let broken = view.broken_since.filter(|_| until.is_none());
                let is_over = broken.map(|since| since.after(rollout.spec.deadlines.progress));
                let says = until
                    .map(|until| (until, Expiry::GoesOn))
                    .or(is_over.map(|until| (until, moving::expiry(&rollout))));
                turn.wait(since, says, || WaitReason::Health { stage: name, available, wanted });
                until.is_some_and(|until: Timestamp| until <= turn.now)
            }
        };
    if passes {
        turn.record(Change::Passed { stage: index, gate, by: None, why: None });
    }
    passes
}

/// Turns back when candidate instances were missing for longer than the progress deadline. Returns whether
/// the walk changed.
fn is_broken_too_long(
    turn: &mut Turn<'_>,
    view: &View,
    rollout: &Rollout,
    tallies: &BTreeMap<RevisionId, Tally>,
) -> bool {
    let Some(since) = view.broken_since.filter(|_| turn.state.paused.is_none()) else {
        return false;
    };
    let until = since.after(rollout.spec.deadlines.progress);
    turn.wake(until);
    let available = moving::serving(tallies, &rollout.candidate.id);
    let wanted = rollout.stage().1.candidate;
    until <= turn.now && moving::fail(turn, Cause::NoProgress { available, wanted })
}

/// Leaves a stage whose gates have all passed.
fn leave(turn: &mut Turn<'_>, index: usize) {
    let Some(rollout) = turn.state.rollout.clone() else { return };
    if rollout.plan.stages[index].proves && !rollout.proven {
        let revision = rollout.candidate.id.clone();
        turn.note(Note::Proven { revision: revision.clone() });
        turn.record(Change::Proven { revision });
    }
    if index + 1 < rollout.plan.stages.len() {
        idle::enter(turn, index + 1);
    } else {
        turn.note(Note::Ended { end: End::Completed });
        turn.record(Change::Ended { end: End::Completed });
    }
}
