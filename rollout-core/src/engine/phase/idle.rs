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
    // Another size of the stable revision itself is planned like a first deploy: one stage, no way back.
    let is_first = turn.state.stable.as_ref().is_none_or(|stable| stable.id == *candidate);
    plan(turn, purpose, is_first, spec)
}

/// The plan of a rollout under way for another number of instances.
pub(in crate::engine) fn plan_again(
    turn: &Turn<'_>,
    rollout: &Rollout,
    spec: &CheckedSpec,
) -> Result<Plan, OrderRefused> {
    plan(turn, rollout.purpose, rollout.from.is_none() || rollout.is_resize(), spec)
}

fn plan(
    turn: &Turn<'_>,
    purpose: Purpose,
    is_first: bool,
    spec: &CheckedSpec,
) -> Result<Plan, OrderRefused> {
    let capabilities = &turn.setup.capabilities;
    match purpose {
        Purpose::Undo if !is_first => plan::build(spec, capabilities, false),
        Purpose::Restart if !is_first => plan::build(spec, capabilities, false),
        Purpose::Move => plan::build(spec, capabilities, is_first),
        Purpose::Undo | Purpose::Restart | Purpose::Adopt => plan::build(spec, capabilities, true),
    }
    .map_err(|error| OrderRefused::NoPlan { why: error.to_string() })
}

/// Starts the rollout that waits, if one does. Returns whether it did.
pub(in crate::engine) fn start_queued(turn: &mut Turn<'_>) -> bool {
    let Some(queued) = turn.state.queued.clone() else { return false };
    let Queued { revision, spec, by, purpose } = queued;
    match plan_for(turn, purpose, &revision.id, &spec) {
        Ok(plan) => {
            let attempt = turn.state.rollout.as_ref().map(|rollout| rollout.attempt);
            turn.record(Change::Submitted {
                attempt: attempt.unwrap_or_default().next(),
                revision,
                spec,
                plan: Arc::new(plan),
                by,
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
