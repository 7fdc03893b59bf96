//! The line of a workload that is replaced in place: who goes next, and what is known of its places.
//!
//! In: the last snapshot, the roster. Out: the instances that may be told to go, in the order they go; how many
//! places there are and how many of each revision are to stay. Absent: how many go, and actions.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    instance::Instance,
    leaving::{Leaving, is_healthy},
    tally::Tally,
};
use crate::{
    engine::{Division, InstanceSeen, Reach, Space, State, Turn, View, Walk},
    id::{InstanceId, RevisionId},
    port::{InPlaceOrder, Making},
};

/// One that may be told to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting<'a> {
    pub(crate) instance: &'a InstanceId,
    pub(crate) revision: &'a RevisionId,
    /// Whether it serves, as far as anybody knows.
    pub(crate) serves: bool,
}

/// Whether instances go back to what was before: then they go in any order, those of no use first.
pub(crate) fn is_back(state: &State) -> bool {
    state.rollout.as_ref().is_some_and(|rollout| match &rollout.walk {
        Walk::Reverting => rollout.from.is_some(),
        Walk::Ended(_) => rollout.from.is_some() && rollout.cause.is_some() && !rollout.proven,
        Walk::Moving { .. } | Walk::Gating { .. } => false,
    })
}

/// Whether places are replaced in the order of their ranks now.
pub(crate) fn is_ranked(turn: &Turn<'_>) -> bool {
    let making = Making::InPlace { order: InPlaceOrder::Ranked };
    turn.setup.capabilities.making == making && !is_back(&turn.state)
}

/// How many places there are; `None` while no snapshot shows my last write to their number.
pub(crate) fn places(state: &State, view: &View) -> Option<u64> {
    let seen = &view.inventory.as_ref()?.what;
    let is_shown = state.pools.keys().all(|id| view.pool(id).is_some());
    let sizes = seen.pools.values().map(|pool| pool.replicas);
    is_shown.then(|| sizes.fold(0, u64::saturating_add))
}

/// Places of `revision` that nobody was told to leave.
pub(crate) fn standing(state: &State, view: &View, revision: &RevisionId) -> u64 {
    let seen = view.inventory.as_ref().and_then(|seen| seen.what.pools.get(revision));
    let leaving = Leaving::of(state, view, revision).count;
    seen.map_or(0, |seen| seen.replicas).saturating_sub(leaving)
}

/// The limits, for no more instances than there are places.
pub(crate) fn fit(turn: &Turn<'_>, view: &View, space: Space) -> Space {
    let places = places(&turn.state, view).filter(|_| turn.setup.capabilities.replaces_in_place());
    let desired = places.map_or(space.desired, |places| places.min(space.desired));
    Space { desired, ..space }
}

/// Those of the revisions that `is_meant` picks and that were not told to go, in the order they go. By rank,
/// nobody is passed over: the line ends where a place is vacant.
pub(crate) fn line<'a>(
    turn: &Turn<'_>,
    view: &'a View,
    is_meant: impl Fn(&RevisionId) -> bool,
) -> Vec<Waiting<'a>> {
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return Vec::new() };
    let entry = |instance: &InstanceId| turn.state.roster.get(instance);
    let waits = |(instance, seen): &(&'a InstanceId, &'a InstanceSeen)| {
        is_meant(&seen.revision) && entry(instance).is_none_or(|it| !it.is_terminating())
    };
    let may_get_more = |instance| entry(instance).is_none_or(Instance::may_get_more);
    let waiting = |(instance, seen): (&'a InstanceId, &'a InstanceSeen)| Waiting {
        instance,
        revision: &seen.revision,
        serves: is_healthy(view, instance) && may_get_more(instance),
    };
    if is_ranked(turn) {
        let own = inventory.division.as_ref().filter(|division| !is_meant(&division.revision));
        let front = front(view, own).into_iter();
        return front.filter(waits).map(waiting).collect();
    }
    let mut line: Vec<Waiting<'a>> =
        inventory.instances.iter().filter(waits).map(waiting).collect();
    line.sort_by_key(|one| {
        (may_get_more(one.instance), is_healthy(view, one.instance), Reverse(one.instance))
    });
    line
}

/// The instances by their ranks, up to the first vacant place whose revision is not known. What comes back to
/// one that the division reaches is.
pub(super) fn front<'a>(
    view: &'a View,
    division: Option<&Division>,
) -> Vec<(&'a InstanceId, &'a InstanceSeen)> {
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return Vec::new() };
    let reached = match division {
        Some(Division { reach: Reach::First(places), .. }) => *places,
        Some(Division { reach: Reach::Vacated, .. }) | None => 0,
    };
    let ranked: BTreeMap<u64, (&InstanceId, &InstanceSeen)> = inventory
        .instances
        .iter()
        .filter_map(|(instance, seen)| Some((u64::from(seen.rank?), (instance, seen))))
        .collect();
    let mut next = 0;
    let is_next = |(rank, _): &(u64, _)| {
        let is_next = *rank <= reached.max(next);
        next = rank + 1;
        is_next
    };
    ranked.into_iter().take_while(is_next).map(|(_, one)| one).collect()
}

/// How many at the front of `line` may go, `most` at most: whoever serves while more serve than the floor asks
/// for, whoever does not while there are more than that, whatever their health, without those of `lead` that are
/// still waited for.
pub(crate) fn affordable(
    line: &[Waiting<'_>],
    most: u64,
    space: &Space,
    tallies: &BTreeMap<RevisionId, Tally>,
    lead: Option<&RevisionId>,
) -> usize {
    let created = tallies.values().map(|tally| tally.created).fold(0, u64::saturating_add);
    let awaited = lead.and_then(|lead| tallies.get(lead));
    let awaited = awaited.map_or(0, |tally| tally.created.saturating_sub(tally.serving));
    let mut surplus = created.saturating_sub(awaited).saturating_sub(space.floor());
    let mut above = space.spare(tallies);
    let may_go = |one: &&Waiting<'_>| {
        let left = if one.serves { &mut above } else { &mut surplus };
        let is_left = 0 < *left;
        *left = left.saturating_sub(1);
        if one.serves {
            surplus = surplus.saturating_sub(1);
        }
        is_left
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    line.iter().take(most).take_while(may_go).count()
}
