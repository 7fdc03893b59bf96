//! Idle: nothing was submitted yet, or a revision waits for its turn.

use std::sync::Arc;

use crate::{
    engine::{
        event::OrderRefused,
        note::{Note, WaitReason},
        record::{Change, Purpose},
        state::{Queued, Rollout},
        turn::Turn,
    },
    id::RevisionId,
    plan::{self, Plan},
    spec::CheckedSpec,
};

/// Says that nothing was submitted.
pub(in crate::engine) fn decide(turn: &mut Turn<'_>) {
    turn.wait(turn.now, None, || WaitReason::Idle);
}

/// The plan for moving from the stable revision to `candidate`.
pub(in crate::engine) fn plan_for(
    turn: &Turn<'_>,
    purpose: Purpose,
    candidate: &RevisionId,
    spec: &CheckedSpec,
) -> Result<Plan, OrderRefused> {
    let start = match &turn.state.stable {
        None => Start::Nothing,
        Some(stable) if stable.id == *candidate => Start::Itself,
        Some(_) => Start::Stable,
    };
    plan(turn, purpose, start, spec)
}

/// The plan of a rollout under way for another number of instances.
pub(in crate::engine) fn plan_again(
    turn: &Turn<'_>,
    rollout: &Rollout,
    spec: &CheckedSpec,
) -> Result<Plan, OrderRefused> {
    let start = if rollout.is_resize() {
        Start::Itself
    } else if rollout.from.is_none() {
        Start::Nothing
    } else {
        Start::Stable
    };
    plan(turn, rollout.purpose, start, spec)
}

/// What serves before a plan begins.
enum Start {
    /// Nothing does: the first deploy.
    Nothing,
    /// The candidate itself, in another size: one stage, no hooks, no way back.
    Itself,
    /// The stable revision.
    Stable,
}

fn plan(
    turn: &Turn<'_>,
    purpose: Purpose,
    start: Start,
    spec: &CheckedSpec,
) -> Result<Plan, OrderRefused> {
    let capabilities = &turn.setup.capabilities;
    match (purpose, start) {
        (Purpose::Move, Start::Nothing) => plan::build(spec, capabilities, true),
        (Purpose::Move, Start::Stable) => plan::build(spec, capabilities, false),
        (Purpose::Undo, Start::Stable) => plan::build_undo(spec, capabilities),
        (Purpose::Restart, Start::Stable) => plan::build_restart(spec, capabilities),
        (Purpose::Adopt, _) | (_, Start::Itself | Start::Nothing) => {
            plan::build_resize(spec, capabilities)
        }
    }
    .map_err(|error| OrderRefused::NoPlan { why: error.to_string() })
}

/// Starts the rollout that waits, if one does. Returns whether it did.
pub(in crate::engine) fn start_queued(turn: &mut Turn<'_>) -> bool {
    let Some(queued) = turn.state.queued.clone() else { return false };
    let Queued { revision, spec, by, why, purpose } = queued;
    match plan_for(turn, purpose, &revision.id, &spec) {
        Ok(plan) => {
            let attempt = turn.state.rollout.as_ref().map(|rollout| rollout.attempt);
            turn.record(Change::Submitted {
                attempt: attempt.unwrap_or_default().next(),
                revision,
                spec,
                plan: Arc::new(plan),
                by,
                why,
                purpose,
            });
            enter(turn, 0);
            true
        }
        // It was planned when it was submitted; what the ports can do has changed since.
        Err(error) => {
            let (revision, why) = (revision.id.clone(), error.to_string());
            turn.note(Note::NotStarted { revision: revision.clone(), why: why.clone() });
            turn.record(Change::Dropped { revision, why });
            false
        }
    }
}

/// Begins a stage.
pub(in crate::engine) fn enter(turn: &mut Turn<'_>, stage: usize) {
    turn.record(Change::Entered { stage });
    let Some(rollout) = &turn.state.rollout else { return };
    let stage = &rollout.plan.stages[stage];
    turn.note(Note::StageEntered {
        stage: stage.name.clone(),
        candidate: stage.candidate,
        stable: stage.stable,
    });
}
