//! Orders about the walk through the plan: `promote`, `skip`, `abort`.

use super::under_way;
use crate::engine::{
    event::OrderRefused,
    note::Note,
    phase::{idle, moving},
    record::{Cause, Change},
    state::Walk,
    turn::Turn,
};

pub(super) fn promote(
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
            turn.record(Change::Passed { stage, gate, by: Some(by), why });
            Ok(())
        }
        Walk::Moving { .. } | Walk::Gating { .. } | Walk::Reverting | Walk::Ended(_) => {
            let stage = rollout.stage().1.name.clone();
            Err(OrderRefused::NoGate { waiting: format!("stage {stage} is not reached yet") })
        }
    }
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
