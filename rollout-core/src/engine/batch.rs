//! Batches: with a pause between them, instances are replaced a batch at a time.
//!
//! In: a goal and the counts of now. Out: how far the batch under way may go. A batch is as many instances
//! as surge and unavailable let be replaced at once, fewer if parallelism is; it has ended when its new
//! instances serve and the old ones they replace were told to go, and the pause begins there, beside
//! their drain. Absent: batches where nothing takes the place of anything, as by weight.

use std::collections::BTreeMap;

use super::{
    note::{Expiry, WaitReason},
    record::Change,
    route::Route,
    state::{Rollout, Walk},
    steer::{Goal, Routing},
    turn::Turn,
};
use crate::{fleet::Tally, id::RevisionId};

/// How far the batch under way may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// Most instances of the pool that grows.
    pub(super) most: u64,
    /// Fewest instances of all other pools.
    pub(super) least: u64,
}

impl Batch {
    /// As far as the goal.
    const WHOLE: Self = Self { most: u64::MAX, least: 0 };
}

/// Returns how far the batch under way may go. Records the end of a batch, and waits for the pause after it.
pub(super) fn under_way(
    turn: &mut Turn<'_>,
    goal: &Goal,
    tallies: &BTreeMap<RevisionId, Tally>,
) -> Batch {
    let delay = goal.space.budget.batch_delay;
    let Some(rollout) = &turn.state.rollout else { return Batch::WHOLE };
    let Some((lead, wanted)) = goal.counts.first() else { return Batch::WHOLE };
    let Some(tally) = tallies.get(lead) else { return Batch::WHOLE };
    let others = others(tallies, lead);
    let kept = goal.counts.iter().skip(1).map(|(_, count)| *count).fold(0, u64::saturating_add);
    let replaces = tally.target < *wanted && kept < others;
    if !goal.in_batches || delay.is_zero() || !replaces || !is_by_replicas(turn, goal) {
        return Batch::WHOLE;
    }
    // The old ones that are left once `count` are replaced.
    let left = |count: u64| goal.space.desired.saturating_sub(count).max(kept);
    let (reached, next) = bounds(rollout, goal, tally.target);
    let whole = Batch { most: next, least: left(next) };
    let is_begun = tally.target != reached || others < left(reached);
    if is_begun || !rollout.has_moved {
        return whole;
    }
    let filled = Batch { most: reached, least: left(reached) };
    if left(reached) < others || tally.serving < tally.target {
        return filled;
    }
    let ended = rollout.batch_ended;
    if ended.is_none() {
        turn.record(Change::BatchEnded);
    }
    let since = ended.unwrap_or(turn.now);
    let until = since.after(delay);
    if until <= turn.now {
        return whole;
    }
    turn.wait(since, Some((until, Expiry::GoesOn)), || WaitReason::BatchDelay);
    filled
}

/// Instances of all pools but `lead`, told to be.
pub(super) fn others(tallies: &BTreeMap<RevisionId, Tally>, lead: &RevisionId) -> u64 {
    let others = tallies.iter().filter(|(id, _)| *id != lead);
    others.map(|(_, tally)| tally.target).fold(0, u64::saturating_add)
}

/// Whether new instances take the places of old ones.
fn is_by_replicas(turn: &Turn<'_>, goal: &Goal) -> bool {
    match &goal.routing {
        Routing::Set(Route::ByReplicas) => true,
        Routing::Set(Route::Weighted(_) | Route::Empty) | Routing::Keep | Routing::Later(_) => {
            turn.setup.capabilities.router.is_none()
        }
    }
}

/// Instances of the pool that grows at the last end of a batch and at the next one, if it is to have
/// `target` now. Counted from what the stage began with, so that they last as long as the plan does.
fn bounds(rollout: &Rollout, goal: &Goal, target: u64) -> (u64, u64) {
    let budget = &goal.space.budget;
    let room = budget.surge.saturating_add(budget.unavailable).max(1);
    let size = if budget.parallelism == 0 { room } else { budget.parallelism.min(room) };
    let from = match rollout.walk {
        Walk::Moving { stage } | Walk::Gating { stage, .. } => {
            let before = stage.checked_sub(1).and_then(|before| rollout.plan.stages.get(before));
            before.map_or(0, |before| before.candidate)
        }
        Walk::Reverting | Walk::Ended(_) => 0,
    };
    let reached = from.saturating_add(target.saturating_sub(from) / size * size);
    (reached, reached.saturating_add(size))
}
