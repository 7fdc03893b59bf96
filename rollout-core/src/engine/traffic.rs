//! The route: who gets what share, and the capacity that must stand behind it.

use std::collections::BTreeMap;

use super::{
    action::Effect,
    capacity::Space,
    note::WaitReason,
    phase::moving,
    route::{Route, Shares, Trial},
    turn::Turn,
    view::View,
};
use crate::{
    fleet::{self, Tally},
    id::RevisionId,
    spec::Rules,
    time::Span,
    weight::Weight,
};

/// Shortest time between two attempts to set a route that the router does not keep.
pub(super) const AGAIN_AFTER: Span = Span::from_millis(500);

/// Fewest serving instances behind a share: the share of the desired number, but never more than the
/// floor and at least one. None behind no share.
pub(super) fn backing(weight: Weight, space: &Space) -> u64 {
    if weight.is_zero() || space.desired == 0 {
        return 0;
    }
    weight.of_rounded_up(space.desired).min(space.floor()).max(1)
}

/// The most that a revision with this many serving instances may get.
pub(super) fn carries(serving: u64, space: &Space) -> Weight {
    if serving == 0 {
        return Weight::ZERO;
    }
    if space.floor() <= serving {
        return Weight::FULL;
    }
    Weight::share(serving, space.desired)
}

/// How many serving instances of a pool may go: by the floor where traffic follows the replicas, by the
/// floor and the pool's own share where it is weighted, all where the pool gets nothing. While a route is
/// in doubt, by the one in force as well.
pub(super) fn spare(
    turn: &Turn<'_>,
    view: &View,
    space: &Space,
    tallies: &BTreeMap<RevisionId, Tally>,
    id: &RevisionId,
) -> u64 {
    let decided = spare_by(turn.state.route.as_ref(), space, tallies, id);
    if turn.state.pending_route().is_none() {
        return decided;
    }
    let in_force = view.route_in_force(&turn.state);
    in_force.map_or(0, |seen| spare_by(seen.route.as_ref(), space, tallies, id)).min(decided)
}

fn spare_by(
    route: Option<&Route>,
    space: &Space,
    tallies: &BTreeMap<RevisionId, Tally>,
    id: &RevisionId,
) -> u64 {
    let share = |id: &RevisionId| route.and_then(|route| route.weight_of(id));
    let serving = tallies.get(id).map_or(0, |tally| tally.serving);
    match share(id) {
        None => space.spare(tallies),
        // What comes beside the shares needs an instance as well.
        Some(weight) if weight.is_zero() => {
            let beside = route.is_some_and(|route| route.sends_beside(id));
            serving.saturating_sub(u64::from(beside))
        }
        Some(weight) => {
            let behind = tallies.iter().filter(|(id, _)| share(id).is_some_and(|it| !it.is_zero()));
            let in_all = behind.map(|(_, tally)| tally.serving).fold(0, u64::saturating_add);
            let of_share = serving.saturating_sub(backing(weight, space));
            of_share.min(in_all.saturating_sub(space.floor()))
        }
    }
}

/// Whether every share that grows has its capacity: the whole of it, or all there is where nobody else
/// can serve, not even on the way out.
pub(super) fn is_backed(turn: &Turn<'_>, view: &View, route: &Route) -> bool {
    let (Route::Weighted(shares), Some(rollout)) = (route, &turn.state.rollout) else {
        return true;
    };
    let tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
    let space = moving::space(rollout);
    let in_force = view.route_in_force(&turn.state).and_then(|seen| seen.route.as_ref());
    let serving = |id: &RevisionId| tallies.get(id).map_or(0, Tally::able);
    let others_may_serve =
        |id: &RevisionId| tallies.iter().any(|(other, tally)| other != id && 0 < tally.may_serve);
    let is_unbacked = |trial: &Trial| trial.rules.sends() && serving(&trial.revision) == 0;
    if shares.trial.as_ref().is_some_and(is_unbacked) && in_force != Some(route) {
        return false;
    }
    shares.weights.iter().all(|(id, weight)| {
        let before = in_force.and_then(|route| route.weight_of(id));
        let grows = before.is_none_or(|before| before < *weight);
        !grows
            || backing(*weight, &space) <= serving(id)
            || (0 < serving(id) && !others_may_serve(id))
    })
}

/// Whether `route` was decided on the way forward, the rollout has turned back since, and setting it now
/// would give the candidate more than it is seen to have.
pub(super) fn is_forward_again(turn: &Turn<'_>, view: &View, route: &Route) -> bool {
    let turned = turn.state.rollout.as_ref().filter(|it| it.cause.is_some() && !it.proven);
    let Some(candidate) = turned.map(|rollout| &rollout.candidate.id) else { return false };
    let in_force = view.route_in_force(&turn.state).and_then(|seen| seen.route.as_ref());
    let has = in_force.and_then(|route| route.weight_of(candidate));
    let wanted = route.weight_of(candidate).unwrap_or_default();
    let sends = in_force.is_some_and(|route| route.sends_beside(candidate));
    has.unwrap_or_default() < wanted || (!sends && route.sends_beside(candidate))
}

/// A share for `one` and the rest for `other`; no share is left unsaid.
pub(super) fn split(one: &RevisionId, weight: Weight, other: Option<&RevisionId>) -> Route {
    let mut weights = BTreeMap::new();
    let rest = if other.is_some() { weight.rest() } else { Weight::ZERO };
    let weight = if other.is_some() { weight } else { Weight::FULL };
    for (id, weight) in [(Some(one), weight), (other, rest)] {
        if let Some(id) = id.filter(|_| !weight.is_zero()) {
            weights.insert(id.clone(), weight);
        }
    }
    Route::weighted(weights)
}

/// `route` with the rules of a stage for its candidate.
pub(super) fn ruled(route: Route, candidate: &RevisionId, rules: &Rules) -> Route {
    match route {
        Route::Weighted(Shares { weights, .. }) if !rules.is_empty() => {
            let trial = Trial { revision: candidate.clone(), rules: rules.clone() };
            Route::Weighted(Shares { weights, trial: Some(trial) })
        }
        Route::Weighted(_) | Route::ByReplicas | Route::Empty => route,
    }
}

/// Keeps the route decided last in force, while nothing else is decided.
pub(super) fn hold(turn: &mut Turn<'_>, view: &View) {
    if let Some(route) = turn.state.route.clone() {
        set(turn, view, &route);
    }
}

/// Sets the route decided last again, for instances that were enrolled since.
pub(super) fn keep(turn: &mut Turn<'_>, view: &View) {
    if !turn.state.has_unrouted() || turn.state.pending_route().is_some() {
        return;
    }
    if let Some(route) = turn.state.route.clone().filter(|route| is_backed(turn, view, route)) {
        turn.intend(Effect::Route(route));
    }
}

/// Sets `wanted` unless it is set. Returns whether it is in force.
pub(super) fn set(turn: &mut Turn<'_>, view: &View, wanted: &Route) -> bool {
    if turn.setup.capabilities.router.is_none() {
        return true;
    }
    let is_new = turn.state.route.as_ref() != Some(wanted);
    let is_due = turn.state.has_unrouted() && turn.state.pending_route().is_none();
    if (is_new || is_due) && is_backed(turn, view, wanted) {
        turn.intend(Effect::Route(wanted.clone()));
    }
    let in_force = view.route_in_force(&turn.state).and_then(|seen| seen.route.as_ref());
    if turn.state.pending_route().is_none() && turn.state.route.as_ref() == Some(wanted) {
        if in_force == Some(wanted) {
            return true;
        }
        let differs = view.route_in_force(&turn.state).is_some();
        let again_at = turn.state.routed_at.unwrap_or_default().after(AGAIN_AFTER);
        if differs && again_at <= turn.now && is_backed(turn, view, wanted) {
            turn.intend(Effect::Route(wanted.clone()));
        } else if differs {
            turn.wake(again_at);
        }
    }
    let in_force = in_force.cloned();
    let (since, until) = moving::bound(turn, false);
    turn.wait(since, until, || WaitReason::Route { wanted: wanted.clone(), in_force });
    false
}
