//! Orders: accepted or refused with a reason in every state; repeated, they change nothing.

use std::sync::Arc;

use super::{
    action::Revision,
    event::{Order, OrderKind, OrderRefused},
    note::Note,
    phase::{idle, moving},
    record::{Cause, Change, End},
    state::{Rollout, Walk},
    turn::Turn,
};
use crate::spec::{CheckedSpec, OnSubmit};

/// Takes in an order and answers it.
pub(super) fn ordered(turn: &mut Turn<'_>, order: Order) {
    let Order { kind, by, why } = order;
    let answer = match kind {
        OrderKind::Submit { revision, spec } => submit(turn, revision, spec, by),
        OrderKind::Pause => pause(turn, by, why),
        OrderKind::Resume => resume(turn, by),
        OrderKind::Promote { all } => promote(turn, all, by, why),
        OrderKind::Abort => abort(turn, by, why),
    };
    turn.answer = Some(answer);
}

/// The rollout under way, or the refusal that says there is none.
fn under_way(turn: &Turn<'_>) -> Result<Rollout, OrderRefused> {
    turn.state.under_way().cloned().ok_or_else(|| OrderRefused::NothingUnderWay {
        phase: match turn.state.rollout.as_ref().map(|rollout| &rollout.walk) {
            Some(Walk::Ended(end)) => end.to_string(),
            _ => "idle".to_owned(),
        },
    })
}

fn submit(
    turn: &mut Turn<'_>,
    revision: Arc<Revision>,
    spec: Arc<CheckedSpec>,
    by: String,
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
    idle::plan_for(turn, &revision.id, &spec)?;
    if let Some(rollout) = turn.state.under_way() {
        match spec.on_submit {
            OnSubmit::Refuse => {
                let candidate = rollout.candidate.id.to_string();
                return Err(OrderRefused::UnderWay { candidate });
            }
            OnSubmit::Queue => {}
            OnSubmit::Supersede => {
                let is_back = matches!(rollout.walk, Walk::Reverting);
                if !is_back && !rollout.proven && !rollout.is_resize() {
                    let cause = Cause::Superseded { by: revision.id.clone() };
                    turn.note(Note::TurnedBack { cause: cause.clone() });
                    turn.record(Change::Aborted { cause });
                }
            }
        }
    }
    turn.record(Change::Queued { revision, spec, by });
    Ok(())
}

/// Whether the order asks for what is under way, waits, or was reached.
fn is_so_already(turn: &Turn<'_>, revision: &Revision, spec: &CheckedSpec) -> bool {
    if let Some(queued) = &turn.state.queued {
        return queued.revision.id == revision.id && *queued.spec == *spec;
    }
    turn.state.rollout.as_ref().is_some_and(|rollout| {
        let is_same = rollout.candidate.id == revision.id && *rollout.spec == *spec;
        match &rollout.walk {
            Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(End::Completed) => is_same,
            Walk::Reverting | Walk::Ended(_) => false,
        }
    })
}

fn pause(turn: &mut Turn<'_>, by: String, why: Option<String>) -> Result<(), OrderRefused> {
    let rollout = under_way(turn)?;
    if rollout.walk == Walk::Reverting {
        return Err(OrderRefused::GoingBack);
    }
    if turn.state.paused.is_none() {
        turn.record(Change::Paused { by, why });
    }
    Ok(())
}

fn resume(turn: &mut Turn<'_>, by: String) -> Result<(), OrderRefused> {
    under_way(turn)?;
    if turn.state.paused.is_some() {
        turn.record(Change::Resumed { by });
    }
    Ok(())
}

fn promote(
    turn: &mut Turn<'_>,
    all: bool,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let rollout = under_way(turn)?;
    if rollout.walk == Walk::Reverting {
        return Err(OrderRefused::GoingBack);
    }
    if all {
        if !rollout.promoted {
            turn.record(Change::Promoted { by, why });
        }
        return Ok(());
    }
    match rollout.walk {
        Walk::Gating { stage, gate } if gate < rollout.plan.stages[stage].gates.len() => {
            turn.record(Change::Passed { stage, gate, by: Some(by) });
            Ok(())
        }
        Walk::Moving { .. } | Walk::Gating { .. } | Walk::Reverting | Walk::Ended(_) => {
            let stage = rollout.stage().1.name.clone();
            Err(OrderRefused::NoGate { waiting: format!("stage {stage} is not reached yet") })
        }
    }
}

fn abort(turn: &mut Turn<'_>, by: String, why: Option<String>) -> Result<(), OrderRefused> {
    let rollout = under_way(turn)?;
    if rollout.walk == Walk::Reverting {
        return Ok(());
    }
    if rollout.proven {
        return Err(OrderRefused::Proven { candidate: rollout.candidate.id.to_string() });
    }
    moving::fail(turn, Cause::Ordered { by, why });
    Ok(())
}
