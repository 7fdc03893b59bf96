//! Orders about the walk through the plan: `promote`, `skip`, `abort`.

use super::under_way;
use crate::{
    engine::{
        event::OrderRefused,
        note::Note,
        phase::{idle, moving},
        record::{Cause, Change},
        state::{Rollout, Walk},
        turn::Turn,
    },
    id::GateId,
};

/// Passes every gate that is left.
pub(super) fn promote_all(
    turn: &mut Turn<'_>,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    if !forward(turn)?.promoted {
        turn.record(Change::Promoted { by, why });
    }
    Ok(())
}

/// Passes the gate that is waited for. If `meant` is another one, then nothing: it was passed already, or the
/// order is refused.
pub(super) fn promote(
    turn: &mut Turn<'_>,
    meant: Option<GateId>,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let rollout = forward(turn)?;
    let waited = rollout.waited_gate();
    if let Some(meant) = meant.filter(|meant| Some(*meant) != waited) {
        return if rollout.is_past(meant) { Ok(()) } else { Err(no_gate(&rollout, waited)) };
    }
    match (&rollout.walk, waited) {
        (&Walk::Gating { stage, gate }, Some(_)) => {
            turn.record(Change::Passed { stage, gate, by: Some(by), why });
            Ok(())
        }
        (_, _) => Err(no_gate(&rollout, None)),
    }
}

/// The rollout under way, on its way forward.
fn forward(turn: &Turn<'_>) -> Result<Rollout, OrderRefused> {
    let rollout = under_way(turn)?;
    if rollout.walk == Walk::Reverting { Err(OrderRefused::GoingBack) } else { Ok(rollout) }
}

fn no_gate(rollout: &Rollout, waited: Option<GateId>) -> OrderRefused {
    let stage = &rollout.stage().1.name;
    let waiting = match waited {
        Some(gate) => format!("{gate} of stage {stage} is, not the one that was named"),
        None => format!("stage {stage} is not reached yet"),
    };
    OrderRefused::NoGate { waiting }
}

/// Jumps to a later stage, at most to the one that proves the candidate: what that one asks for in capacity
/// and health is never skipped.
pub(super) fn skip(
    turn: &mut Turn<'_>,
    to: &str,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let rollout = under_way(turn)?;
    if rollout.walk == Walk::Reverting {
        return Err(OrderRefused::GoingBack);
    }
    let (place, stage) = rollout.stage();
    if stage.name == to {
        return Ok(());
    }
    let proof = rollout.plan.stages.iter().position(|stage| stage.proves);
    let last = if rollout.proven { place } else { proof.unwrap_or(place) };
    let ahead = || rollout.plan.stages.iter().enumerate().take(last + 1).skip(place + 1);
    let Some((index, _)) = ahead().find(|(_, stage)| stage.name == to) else {
        let ahead = ahead().map(|(_, stage)| stage.name.clone()).collect();
        return Err(OrderRefused::NoSuchStage { stage: to.to_owned(), ahead });
    };
    let Some(why) = why.filter(|why| !why.trim().is_empty()) else {
        return Err(OrderRefused::NoReason);
    };
    let (from, to) = (stage.name.clone(), to.to_owned());
    turn.note(Note::Skipped {
        from: from.clone(),
        to: to.clone(),
        by: by.clone(),
        why: why.clone(),
    });
    turn.record(Change::Skipped { from, to, by, why });
    idle::enter(turn, index);
    Ok(())
}

pub(super) fn abort(
    turn: &mut Turn<'_>,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let rollout = under_way(turn)?;
    drop_queued(turn, &by);
    if rollout.walk == Walk::Reverting {
        return Ok(());
    }
    if rollout.proven {
        return Err(OrderRefused::Proven { candidate: rollout.candidate.id.to_string() });
    }
    if rollout.is_resize() {
        return Err(OrderRefused::NoWayBack { revision: rollout.candidate.id.to_string() });
    }
    moving::fail(turn, Cause::Ordered { by, why });
    Ok(())
}

/// Whoever wants to be back at stable wants nothing else to start then.
fn drop_queued(turn: &mut Turn<'_>, by: &str) {
    let Some(revision) = turn.state.queued.as_ref().map(|queued| queued.revision.id.clone()) else {
        return;
    };
    let why = format!("aborted by {by}");
    turn.note(Note::NotStarted { revision: revision.clone(), why: why.clone() });
    turn.record(Change::Dropped { revision, why });
}
