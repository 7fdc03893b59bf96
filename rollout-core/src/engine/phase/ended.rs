//! Ended: keeps what was reached, replaces what fails, and starts the revision that waits.

use std::collections::BTreeMap;

use super::{idle, moving, reverting};
use crate::{
    engine::{
        modules,
        note::{Expiry, WaitReason},
        record::End,
        state::Rollout,
        steer::{Goal, Routing, steer},
        traffic,
        turn::Turn,
        view::View,
    },
    fleet::Tally,
    id::RevisionId,
};

/// Keeps the counts and the route that the rollout ended with. Returns whether the walk changed.
pub(in crate::engine) fn decide(
    turn: &mut Turn<'_>,
    view: &View,
    end: &End,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) -> bool {
    if idle::start_queued(turn) {
        return true;
    }
    let Some(rollout) = turn.state.rollout.clone() else { return false };
    let reason = end.clone();
    turn.wait(rollout.stage_began, None, || WaitReason::Ended { end: reason });
    modules::restore(turn, view);
    let (Some(mut counts), true) = (kept(end, &rollout), turn.state.paused.is_none()) else {
        traffic::hold(turn, view);
        return false;
    };
    counts.extend(kept_failed(turn, end, &rollout, tallies));
    let goal = Goal {
        counts,
        routing: turn.state.route.clone().map_or(Routing::Keep, Routing::Set),
        space: moving::space(&rollout),
        in_batches: false,
    };
    steer(turn, view, &goal, tallies);
    false
}

/// The failed candidate, as long as it is kept for inspection.
fn kept_failed(
    turn: &mut Turn<'_>,
    end: &End,
    rollout: &Rollout,
    tallies: &BTreeMap<RevisionId, Tally>,
) -> Option<(RevisionId, u64)> {
    let instances = reverting::kept(rollout, tallies);
    let until = rollout.stage_began.after(rollout.spec.rollback.keep_failed);
    if *end != End::RolledBack || instances == 0 || until <= turn.now {
        return None;
    }
    let revision = rollout.candidate.id.clone();
    let kept = revision.clone();
    turn.wait(rollout.stage_began, Some((until, Expiry::GoesOn)), || WaitReason::KeptFailed {
        revision: kept,
        instances,
    });
    Some((revision, instances))
}

/// The pools that are kept, and their sizes; `None`: everything stays as it is.
fn kept(end: &End, rollout: &Rollout) -> Option<Vec<(RevisionId, u64)>> {
    let desired = rollout.plan.desired;
    match end {
        End::Completed => Some(vec![(rollout.candidate.id.clone(), desired)]),
        End::RolledBack => {
            let stable = rollout.from.iter();
            Some(stable.map(|from| (from.id.clone(), rollout.from_desired)).collect())
        }
        End::Failed => Some(Vec::new()),
        End::NeedsOperator { .. } | End::Fenced => None,
    }
}
