//! Steering: brings the counts and the route of now towards a goal, as far as one observation allows.
//!
//! Order of traffic and capacity: grow, then route, then shrink. Everything that one observation allows
//! is decided in one call; there is no polling and no barrier but the batch delay.

use std::collections::BTreeMap;

use super::{
    batch::{self, Batch},
    capacity::Space,
    exchange::exchange,
    note::WaitReason,
    phase::moving,
    record::Change,
    route::Route,
    traffic,
    turn::Turn,
    view::View,
};
use crate::{fleet::Tally, id::RevisionId};

/// Where to bring the counts and the route.
#[derive(Clone)]
pub(super) struct Goal {
    /// Sizes of pools, grown in this order and shrunk in the reverse one; a pool not named has none.
    pub(super) counts: Vec<(RevisionId, u64)>,
    /// The route of now.
    pub(super) routing: Routing,
    pub(super) space: Space,
    /// Whether batches are parted by the budget's delay.
    pub(super) in_batches: bool,
}

/// What is to become of the route.
#[derive(Clone)]
pub(super) enum Routing {
    /// It stays as it is.
    Keep,
    /// It changes once there is capacity behind it; until then nothing shrinks, and it is this one, if
    /// one is named.
    Later(Option<Route>),
    /// It is to be like this; serving instances go only once it is in force.
    Set(Route),
}

impl Goal {
    fn count(&self, revision: &RevisionId) -> u64 {
        self.counts.iter().find(|(id, _)| id == revision).map_or(0, |(_, count)| *count)
    }
}

/// Decides targets and the route. Returns whether the goal is reached.
pub(super) fn steer(
    turn: &mut Turn<'_>,
    view: &View,
    goal: &Goal,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) -> bool {
    if turn.setup.capabilities.replaces_in_place() {
        return exchange(turn, view, goal, tallies);
    }
    let drains_by_name = turn.setup.capabilities.drains_by_name();
    for tally in tallies.values_mut() {
        discount(tally, drains_by_name);
    }
    let batch = batch::under_way(turn, goal, tallies);
    grow(turn, goal, tallies, batch);
    let (routed, may_shrink) = match &goal.routing {
        Routing::Keep => {
            traffic::keep(turn, view);
            (true, true)
        }
        Routing::Later(None) => {
            traffic::keep(turn, view);
            (false, false)
        }
        Routing::Later(Some(route)) => {
            traffic::set(turn, view, route);
            (false, false)
        }
        Routing::Set(route) => {
            let in_force = traffic::set(turn, view, route);
            (in_force, in_force)
        }
    };
    shrink(turn, view, goal, tallies, batch, may_shrink);
    let counted =
        tallies.iter().all(|(id, tally)| tally.target == goal.count(id) && tally.terminating == 0)
            && goal
                .counts
                .iter()
                .all(|(id, count)| tallies.get(id).map_or(0, |tally| tally.created) == *count);
    routed && counted
}

/// Counts as on their way out what is above a target that was lowered in this very call, by an order: what
/// does not serve first. Of a pool kept by count whose instances are drained by name, none was chosen yet.
fn discount(tally: &mut Tally, drains_by_name: bool) {
    let over = tally.created.saturating_sub(tally.target);
    let idle = over.min(tally.idle);
    tally.idle -= idle;
    tally.serving -= (over - idle).min(tally.serving);
    tally.created -= over;
    tally.terminating += over;
    tally.parting += if drains_by_name { over } else { 0 };
}

/// Raises targets below the ceiling.
fn grow(turn: &mut Turn<'_>, goal: &Goal, tallies: &mut BTreeMap<RevisionId, Tally>, batch: Batch) {
    for (place, (id, wanted)) in goal.counts.iter().enumerate() {
        let Some(tally) = tallies.get(id).copied() else { continue };
        let most = if place == 0 { batch.most } else { u64::MAX };
        let missing = (*wanted).min(most).saturating_sub(tally.target);
        if missing == 0 {
            continue;
        }
        // What exists already, and was to go, needs no room.
        let existing = tally.created.saturating_sub(tally.target);
        let room = goal.space.room(tallies).saturating_add(existing);
        let in_flight = tally.target.saturating_sub(tally.serving);
        let lanes = match goal.space.budget.parallelism {
            0 => u64::MAX,
            parallelism => parallelism.saturating_sub(in_flight),
        };
        let more = missing.min(room).min(lanes);
        if more == 0 && room == 0 {
            let (live, ceiling) = (goal.space.live(tallies), goal.space.ceiling());
            let (since, until) = moving::bound(turn, are_terminating(tallies));
            turn.wait(since, until, || WaitReason::Ceiling { live, ceiling });
        }
        if 0 < more {
            set_target(turn, tallies, id, tally.target + more);
        }
    }
}

/// Lowers targets: instances that are not ready first, then serving ones above the floor.
fn shrink(
    turn: &mut Turn<'_>,
    view: &View,
    goal: &Goal,
    tallies: &mut BTreeMap<RevisionId, Tally>,
    batch: Batch,
    may_serve_less: bool,
) {
    let named = |id: &RevisionId| goal.counts.iter().position(|(other, _)| other == id);
    let mut order: Vec<RevisionId> = tallies.keys().cloned().collect();
    order.sort_by_key(|id| std::cmp::Reverse(named(id).map_or(usize::MAX, |place| place)));
    for id in order {
        let Some(tally) = tallies.get(&id).copied() else { continue };
        let is_waiting = matches!(goal.routing, Routing::Later(_));
        // Until the route moves, what it rests on stays; only what a resize left over goes.
        let keeps = match named(&id) {
            Some(0) | None => 0,
            Some(_) if is_waiting => goal.space.desired,
            Some(_) => 0,
        };
        let over = tally.target.saturating_sub(goal.count(&id).max(keeps));
        if over == 0 {
            continue;
        }
        // What is not there yet costs nothing, then what does not serve, then what does.
        let absent = over.min(tally.target.saturating_sub(tally.created));
        let useless = (over - absent).min(tally.idle).min(surplus(goal, tallies, &id));
        let mut rest = over - absent - useless;
        if let Some((lead, _)) = goal.counts.first().filter(|(lead, _)| *lead != id) {
            let others = batch::others(tallies, lead) - absent - useless;
            rest = rest.min(others.saturating_sub(batch.least));
        }
        let may_serve_less = may_serve_less || is_waiting;
        let spare =
            if may_serve_less { traffic::spare(turn, view, &goal.space, tallies, &id) } else { 0 };
        let useful = rest.min(spare);
        if useful < rest {
            let available = tallies.values().map(|tally| tally.serving).sum();
            let floor = goal.space.floor();
            let (since, until) = moving::bound(turn, are_terminating(tallies));
            turn.wait(since, until, || WaitReason::Floor { available, floor });
        }
        if 0 < absent + useless + useful {
            if let Some(tally) = tallies.get_mut(&id) {
                tally.serving -= useful.min(tally.serving);
                tally.idle -= useless.min(tally.idle);
                tally.created -= (useless + useful).min(tally.created);
                tally.terminating += useless + useful;
            }
            set_target(turn, tallies, &id, tally.target - absent - useless - useful);
        }
    }
}

/// How many instances there are above the floor, whatever their health, without the ones that the pool
/// that grows is still waiting for. It bounds what goes for not being ready, so that a probe that fails
/// everywhere at once takes nothing below the floor. Kubernetes' Deployment controller has the same bound.
fn surplus(goal: &Goal, tallies: &BTreeMap<RevisionId, Tally>, id: &RevisionId) -> u64 {
    let created: u64 = tallies.values().map(|tally| tally.created).sum();
    let awaited = goal.counts.first().filter(|(lead, _)| lead != id).map_or(0, |(lead, _)| {
        tallies.get(lead).map_or(0, |lead| lead.created.saturating_sub(lead.serving))
    });
    created.saturating_sub(awaited).saturating_sub(goal.space.floor())
}

fn are_terminating(tallies: &BTreeMap<RevisionId, Tally>) -> bool {
    tallies.values().any(|tally| 0 < tally.terminating)
}

fn set_target(
    turn: &mut Turn<'_>,
    tallies: &mut BTreeMap<RevisionId, Tally>,
    id: &RevisionId,
    replicas: u64,
) {
    if let Some(tally) = tallies.get_mut(id) {
        tally.target = replicas;
    }
    turn.record(Change::Targeted { revision: id.clone(), replicas });
}
