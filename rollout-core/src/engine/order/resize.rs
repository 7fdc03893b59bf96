//! The order `resize`: another number of instances, in whatever phase. It never restarts, skips or completes
//! a rollout.

use std::{collections::BTreeMap, sync::Arc};

use super::{nothing, phase_of, revision::resized};
use crate::{
    engine::{
        event::OrderRefused,
        note::Note,
        phase::{idle, moving},
        record::{Change, End, Purpose},
        share::{Extent, share},
        state::{Queued, Rollout, Walk},
        traffic,
        turn::Turn,
        view::View,
    },
    fleet::{self, Tally},
    id::RevisionId,
    plan::{Plan, StageRoute},
    port::{InPlaceOrder, Making},
};

pub(super) fn resize(
    turn: &mut Turn<'_>,
    view: &View,
    replicas: u64,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let Some(rollout) = turn.state.rollout.clone() else { return Err(nothing(turn)) };
    if turn.setup.capabilities.making == (Making::InPlace { order: InPlaceOrder::Any }) {
        let why = format!(
            "`{}` has an instance on each node: how many there are is the backend's to say; add nodes, or take some away",
            turn.setup.workload
        );
        return Err(OrderRefused::NoPlan { why });
    }
    match &rollout.walk {
        Walk::Moving { .. } | Walk::Gating { .. } | Walk::Reverting => {
            under_way(turn, view, &rollout, replicas, by, why)
        }
        Walk::Ended(End::NeedsOperator { .. }) if rollout.is_resize() => {
            at_rest(turn, &rollout, replicas, by, why)
        }
        Walk::Ended(End::Completed | End::RolledBack) => at_rest(turn, &rollout, replicas, by, why),
        Walk::Ended(_) => Err(nothing(turn)),
    }
}

/// Between rollouts: the stable revision gets another size by an attempt of its own.
fn at_rest(
    turn: &mut Turn<'_>,
    rollout: &Rollout,
    replicas: u64,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let none = OrderRefused::NothingUnderWay { phase: phase_of(turn) };
    let Some(stable) = turn.state.stable.clone() else { return Err(none) };
    if let Some(queued) = turn.state.queued.clone() {
        requeue(turn, queued, replicas)?;
        return Ok(());
    }
    let pool = turn.state.pools.get(&stable.id);
    let own = pool.and_then(|pool| pool.spec.clone()).unwrap_or_else(|| rollout.spec.clone());
    if pool.and_then(|pool| pool.desired) == Some(replicas) {
        return Ok(());
    }
    let spec = resized(&own, replicas)?;
    idle::plan_for(turn, Purpose::Move, &stable.id, &spec)?;
    turn.record(Change::Queued { revision: stable, spec, by, why, purpose: Purpose::Move });
    Ok(())
}

/// What waits its turn comes at the new size.
fn requeue(turn: &mut Turn<'_>, queued: Queued, replicas: u64) -> Result<(), OrderRefused> {
    let spec = resized(&queued.spec, replicas)?;
    if spec != queued.spec {
        let Queued { revision, by, why, purpose, .. } = queued;
        turn.record(Change::Queued { revision, spec, by, why, purpose });
    }
    Ok(())
}

/// In mid-rollout: the same attempt at the same stage of the plan for the new number.
fn under_way(
    turn: &mut Turn<'_>,
    view: &View,
    rollout: &Rollout,
    replicas: u64,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    if rollout.plan.desired == replicas && rollout.spec.replicas == replicas {
        return Ok(());
    }
    if turn.setup.capabilities.replaces_in_place() && !rollout.is_resize() {
        let why = format!(
            "`{}` is replaced in place: it has {} instances until this rollout has ended; wait for that, or abort it",
            turn.setup.workload, rollout.plan.desired
        );
        return Err(OrderRefused::NoPlan { why });
    }
    let is_on_trial = rollout.walk != Walk::Reverting && !rollout.proven && !rollout.is_resize();
    if replicas == 0 && is_on_trial {
        return Err(OrderRefused::NothingOnTrial { candidate: rollout.candidate.id.to_string() });
    }
    let spec = resized(&rollout.spec, replicas)?;
    let plan = idle::plan_again(turn, rollout, &spec)?;
    let stage = place_in(&plan, rollout);
    let tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
    // What waits its turn comes at the new size as well.
    if let Some(queued) = turn.state.queued.clone() {
        requeue(turn, queued, replicas)?;
    }
    turn.note(Note::Resized { from: rollout.plan.desired, to: replicas });
    turn.record(Change::Resized { spec, plan: Arc::new(plan), stage, by, why });
    // What nobody can see nobody may take; the walk follows at the next sight.
    if view.sighted_since.is_none() {
        return Ok(());
    }
    let is_by_replicas = matches!(rollout.walk, Walk::Moving { .. } | Walk::Gating { .. })
        && rollout.stage().1.route == StageRoute::ByReplicas;
    if is_by_replicas {
        share_difference(turn, view, rollout, &tallies);
    } else {
        grow_stable(turn, &tallies);
        if rollout.plan.desired < replicas {
            keep_candidate(turn, &tallies);
        }
    }
    Ok(())
}

/// The place of the stage under way in the plan for another number: the same stage, or the last one of those
/// that were walked already, so that nothing is skipped.
fn place_in(plan: &Plan, rollout: &Rollout) -> usize {
    let walked = rollout.plan.stages.iter().take(rollout.place + 1);
    let names: Vec<&String> = walked.map(|stage| &stage.name).collect();
    plan.stages.iter().rposition(|stage| names.contains(&&stage.name)).unwrap_or(0)
}

/// Gives stable its new size at once where it grows, so that even a paused rollout follows the load.
fn grow_stable(turn: &mut Turn<'_>, tallies: &BTreeMap<RevisionId, Tally>) {
    let Some(rollout) = turn.state.rollout.clone() else { return };
    let Some(from) = rollout.from.as_ref().filter(|from| from.id != rollout.candidate.id) else {
        return;
    };
    let replicas = match rollout.walk {
        Walk::Reverting | Walk::Ended(_) => rollout.from_desired,
        Walk::Moving { .. } | Walk::Gating { .. } => rollout.stage().1.stable,
    };
    let target = tallies.get(&from.id).map_or(0, |tally| tally.target);
    // One that is on its way out already does not come back.
    if 0 < target && target < replicas {
        turn.record(Change::Targeted { revision: from.id.clone(), replicas });
    }
}

/// What was to go of the candidate for a smaller number, and has not gone, stays for a greater one.
fn keep_candidate(turn: &mut Turn<'_>, tallies: &BTreeMap<RevisionId, Tally>) {
    let Some(rollout) = turn.state.under_way().filter(|it| it.walk != Walk::Reverting) else {
        return;
    };
    let revision = rollout.candidate.id.clone();
    let tally = tallies.get(&revision).copied().unwrap_or_default();
    let replicas = tally.created.min(rollout.stage().1.candidate);
    if tally.target < replicas {
        turn.record(Change::Targeted { revision, replicas });
    }
}

/// Shares the difference over the pools in proportion to their size, within the new ceiling and down to the
/// new floor; what is left to do is the walk's.
fn share_difference(
    turn: &mut Turn<'_>,
    view: &View,
    before: &Rollout,
    tallies: &BTreeMap<RevisionId, Tally>,
) {
    let Some(after) = turn.state.rollout.clone() else { return };
    let space = moving::space(&after);
    let extent = |rollout: &Rollout| Extent {
        desired: rollout.plan.desired,
        surge: rollout.stage().1.budget.surge,
    };
    // Another size of the stable revision itself has one pool.
    let from = after.from.iter().map(|from| &from.id).filter(|from| **from != after.candidate.id);
    let ids: Vec<RevisionId> = std::iter::once(&after.candidate.id).chain(from).cloned().collect();
    let of = |id: &RevisionId| tallies.get(id).copied().unwrap_or_default();
    let sizes: Vec<u64> = ids.iter().map(|id| of(id).target).collect();
    let is_by_count = turn.setup.capabilities.making == Making::ByCount;
    let (mut above_floor, mut room) = (space.spare(tallies), space.room(tallies));
    for (id, shared) in ids.iter().zip(share(&sizes, extent(before), extent(&after))) {
        let tally = of(id);
        // The candidate gets no more than its stage gives it.
        let most = if *id == after.candidate.id { after.stage().1.candidate } else { u64::MAX };
        let shared = shared.min(most.max(tally.target));
        let fewer = tally.target.saturating_sub(shared);
        // One whose health nobody knows may serve.
        let free = tally.target.saturating_sub(tally.created).saturating_add(tally.idle);
        // By the route as well: it may leave out what is to serve instead.
        let by_route = traffic::spare(turn, view, &space, tallies, id);
        let serving = fewer.saturating_sub(free).min(above_floor).min(by_route);
        above_floor -= serving;
        // What exists already, and was to go, needs no room; of a pool kept by count, whoever may not have
        // been told stays as well.
        let untold = if is_by_count { tally.parting } else { 0 };
        let existing = tally.created.saturating_add(untold).saturating_sub(tally.target);
        let more = shared.saturating_sub(tally.target).min(room.saturating_add(existing));
        room -= more.saturating_sub(existing);
        let replicas = tally.target + more - fewer.min(free) - serving;
        // What was to go for a smaller number, and has not gone, stays for a greater one.
        let grows = before.plan.desired < after.plan.desired;
        let replicas = if grows { replicas.max(tally.created.min(most)) } else { replicas };
        if replicas != tally.target {
            turn.record(Change::Targeted { revision: id.clone(), replicas });
        }
    }
}
