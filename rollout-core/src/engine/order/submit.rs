//! The order `submit`: a revision starts, waits, takes the place of another, or is refused.

use std::sync::Arc;

use super::queue;
use crate::{
    engine::{
        action::Revision,
        event::OrderRefused,
        note::Note,
        phase::idle,
        record::{Cause, Change, End, Purpose},
        state::{Queued, Walk},
        turn::Turn,
    },
    spec::{CheckedSpec, OnSubmit},
};

pub(super) fn submit(
    turn: &mut Turn<'_>,
    revision: Arc<Revision>,
    spec: Arc<CheckedSpec>,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    if spec.workload != turn.setup.workload {
        return Err(OrderRefused::OtherWorkload {
            given: spec.workload.to_string(),
            expected: turn.setup.workload.to_string(),
        });
    }
    if let Some(pool) = turn.state.pools.get(&revision.id)
        && !pool.revision.template.is_null()
        && pool.revision.template != revision.template
    {
        return Err(OrderRefused::OtherTemplate { revision: revision.id.to_string() });
    }
    if is_so_already(turn, &revision, &spec) {
        return Ok(());
    }
    // Planned at once, so that what cannot be done is refused before anything is touched.
    idle::plan_for(turn, Purpose::Move, &revision.id, &spec)?;
    make_room(turn, &revision, spec.on_submit)?;
    queue(turn, Queued { revision, spec, by, why, purpose: Purpose::Move });
    Ok(())
}

/// Does to the rollout under way what the policy says. One that is proven already only has its standby left,
/// which ends by itself when the next one starts.
pub(super) fn make_room(
    turn: &mut Turn<'_>,
    revision: &Revision,
    policy: OnSubmit,
) -> Result<(), OrderRefused> {
    let Some(rollout) = turn.state.under_way().filter(|rollout| !rollout.proven) else {
        return Ok(());
    };
    match policy {
        OnSubmit::Refuse => {
            let candidate = rollout.candidate.id.to_string();
            Err(OrderRefused::UnderWay { candidate })
        }
        OnSubmit::Queue => Ok(()),
        OnSubmit::Supersede => {
            if !matches!(rollout.walk, Walk::Reverting) && !rollout.is_resize() {
                let cause = Cause::Superseded { by: revision.id.clone() };
                turn.note(Note::TurnedBack { cause: cause.clone() });
                turn.record(Change::Aborted { cause });
            }
            Ok(())
        }
    }
}

/// Whether the order asks for what is under way, waits, or was reached.
fn is_so_already(turn: &Turn<'_>, revision: &Revision, spec: &CheckedSpec) -> bool {
    if let Some(queued) = &turn.state.queued {
        return queued.revision.id == revision.id && *queued.spec == *spec;
    }
    turn.state.rollout.as_ref().is_some_and(|rollout| {
        // New instances of a revision are that revision.
        let is_anew = rollout.candidate.template == revision.template
            && super::revision::base(&rollout.candidate.id) == revision.id.as_str();
        let is_same = (rollout.candidate.id == revision.id || is_anew) && *rollout.spec == *spec;
        match &rollout.walk {
            Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(End::Completed) => is_same,
            Walk::Reverting | Walk::Ended(_) => false,
        }
    })
}
