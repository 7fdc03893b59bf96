//! Instances replaced in place: told to go by their line, drained by name, then taken away by the division that
//! reaches them, or by name.
//!
//! In: targets, the line, and who has nothing in flight. Out: who goes and who stays, the number of places, the
//! division, removals. Absent: how many go. On the way forward by rank a backend takes away whom the division
//! reaches; everywhere else the division only says as what who was taken away comes back, so that anybody can
//! go, whatever the rank: a candidate that never gets ready would keep its place for ever otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::{down, leave};
use crate::{
    engine::{Division, Effect, InstanceSeen, Reach, Space, Turn, View},
    fleet::{
        instance::{Instance, Made},
        line::{self, Waiting},
        tally::tally,
    },
    id::{ActionId, InstanceId, RevisionId},
    port::{InPlaceOrder, Making},
};

/// Brings every place one action further.
pub(super) fn replace(turn: &mut Turn<'_>, view: &View, space: Space) {
    let Some(lead) = lead(turn) else { return };
    let Some(places) = line::places(&turn.state, view) else { return };
    let targets = turn.state.pools.values().map(|pool| pool.target);
    let total = targets.fold(0, u64::saturating_add);
    choose(turn, view, space, (&lead, places == total));
    let quiet = leave::drain(turn, view);
    let is_sized = !turn.state.pending.values().any(|it| matches!(it, Effect::Scale { .. }));
    if places == total && is_sized {
        divide(turn, view, &lead, &quiet);
        remove(turn, view, &lead, &quiet);
    } else {
        size(turn, view, &quiet, (places, total));
    }
}

/// The revision that takes the places of the others.
fn lead(turn: &Turn<'_>) -> Option<RevisionId> {
    let rollout = turn.state.rollout.as_ref()?;
    let from = rollout.from.as_ref().filter(|_| line::is_back(&turn.state));
    Some(from.unwrap_or(&rollout.candidate).id.clone())
}

/// Tells those to go that a revision has too many of, and spares those that it has too few of.
fn choose(turn: &mut Turn<'_>, view: &View, space: Space, (lead, is_sized): (&RevisionId, bool)) {
    let pools: Vec<(RevisionId, u64)> =
        turn.state.pools.iter().map(|(id, pool)| (id.clone(), pool.target)).collect();
    let mut over = BTreeMap::new();
    for (id, target) in pools {
        let standing = line::standing(&turn.state, view, &id);
        spare(turn, view, &id, target.saturating_sub(standing));
        over.insert(id, standing.saturating_sub(target));
    }
    let most = over.values().copied().fold(0, u64::saturating_add);
    if most == 0 {
        return;
    }
    let space = match turn.state.stable {
        Some(_) => line::fit(turn, view, space),
        None => Space { desired: 0, ..space },
    };
    let tallies = tally(turn.now, turn.setup, &turn.state, view);
    let waiting = line::line(turn, view, |revision| !is_sized || revision != lead);
    let go = line::affordable(&waiting, most, &space, &tallies, Some(lead).filter(|_| is_sized));
    let chosen: Vec<(InstanceId, RevisionId)> = waiting
        .into_iter()
        .take(go)
        .take_while(|Waiting { revision, .. }| {
            let left = over.get_mut(*revision).filter(|left| 0 < **left);
            left.map(|left| *left -= 1).is_some()
        })
        .map(|one| (one.instance.clone(), one.revision.clone()))
        .collect();
    for (instance, revision) in chosen {
        leave::tell_to_go(turn, instance, revision);
    }
}

/// Lets up to `count` instances stay that were to go, where nothing can take them away any more.
fn spare(turn: &mut Turn<'_>, view: &View, revision: &RevisionId, count: u64) {
    let is_known = pending(turn).is_none() && turn.state.pending_scale(revision).is_none();
    let (Some(division), true) = (view.division(), is_known && 0 < count) else { return };
    let is_safe = |turn: &Turn<'_>, instance: &InstanceId, entry: &Instance| {
        let rank = view.seen(instance).there().and_then(|seen| seen.rank);
        let is_reached = match division.reach {
            Reach::First(places) if division.revision != *revision => {
                rank.is_some_and(|rank| u64::from(rank) < places)
            }
            Reach::First(_) | Reach::Vacated => false,
        };
        let is_removed = matches!(turn.state.pending_on(entry), Some((_, Effect::Remove { .. })));
        !is_reached && !is_removed && entry.made != Made::Removed
    };
    leave::spare(turn, view, revision, count, is_safe);
}

/// Tells the backend how many places there are to be, while all are of one revision: more at once, fewer by
/// those that are drained.
fn size(
    turn: &mut Turn<'_>,
    view: &View,
    quiet: &BTreeSet<InstanceId>,
    (places, total): (u64, u64),
) {
    let holder = turn.state.pools.iter().find(|(_, pool)| 0 < pool.target);
    let seen = view.inventory.as_ref().and_then(|seen| seen.what.division.as_ref());
    let Some(revision) = seen
        .map(|division| division.revision.clone())
        .or_else(|| holder.map(|(id, _)| id.clone()))
        .filter(|id| places == 0 || turn.state.pools.contains_key(id))
    else {
        return;
    };
    // Nobody is there who could be replaced: the places are of another revision from the first on.
    if let (0, Some((id, _))) = (places, holder.filter(|(id, _)| **id != revision)) {
        let reach = if has_ranks(turn) { Reach::First(0) } else { Reach::Vacated };
        let division = Division { revision: id.clone(), reach };
        let is_told = pending(turn).is_some() || view.division().is_none();
        if !is_told {
            turn.intend(Effect::Divide(division));
        }
        return;
    }
    // Whoever ends where there is no place any more takes up room still.
    let seen = view.inventory.as_ref().map(|seen| &seen.what);
    let ends = seen.is_some_and(|seen| seen.pools.values().any(|pool| 0 < pool.terminating));
    if places < total && ends {
        return;
    }
    let replicas = if places <= total { total } else { places - gone(turn, view, quiet, places) };
    let pending = turn.state.pending_scale(&revision);
    if pending.is_some_and(|(id, told)| view.is_in_flight(id) || told == replicas) {
        return;
    }
    if replicas != places || pending.is_some() {
        turn.intend(Effect::Scale { revision, replicas });
    }
}

/// How many of the places that go first hold somebody who has nothing in flight. Where each node has one, it
/// is all of them or none.
fn gone(turn: &Turn<'_>, view: &View, quiet: &BTreeSet<InstanceId>, places: u64) -> u64 {
    match turn.setup.capabilities.making {
        Making::InPlace { order: InPlaceOrder::Any } => {
            if places <= quiet.len() as u64 {
                places
            } else {
                0
            }
        }
        Making::InPlace { order: InPlaceOrder::Ranked } | Making::ByName | Making::ByCount => {
            let front = line::front(view, None).into_iter();
            front.take_while(|(instance, _)| quiet.contains(*instance)).count() as u64
        }
    }
}

/// The division under way, if one is.
fn pending<'a>(turn: &'a Turn<'_>) -> Option<(ActionId, &'a Division)> {
    turn.state.pending.iter().find_map(|(id, effect)| {
        let Effect::Divide(division) = effect else { return None };
        Some((*id, division))
    })
}

/// Tells the backend the division that is due.
fn divide(turn: &mut Turn<'_>, view: &View, lead: &RevisionId, quiet: &BTreeSet<InstanceId>) {
    let told = match pending(turn) {
        Some((id, _)) if view.is_in_flight(id) && !line::is_back(&turn.state) => return,
        Some((_, division)) => Some(division),
        None => view.division(),
    };
    let Some(told) = told.cloned() else { return };
    let wanted = due(turn, view, lead, quiet, &told);
    if let Some(division) = wanted.filter(|wanted| *wanted != told) {
        turn.intend(Effect::Divide(division));
    }
}

/// The division that is to be in force after `told`.
fn due(
    turn: &Turn<'_>,
    view: &View,
    lead: &RevisionId,
    quiet: &BTreeSet<InstanceId>,
    told: &Division,
) -> Option<Division> {
    let inventory = view.inventory.as_ref().map(|seen| &seen.what)?;
    let of = |revision: &RevisionId, reach| Some(Division { revision: revision.clone(), reach });
    let places = line::places(&turn.state, view)?;
    let is_whole = |id: &RevisionId| {
        let own = inventory.instances.values().filter(|seen| seen.revision == *id).count() as u64;
        own == places && turn.state.roster.values().all(|entry| !entry.is_terminating())
    };
    if is_whole(lead) {
        return of(lead, if has_ranks(turn) { Reach::First(places) } else { Reach::Vacated });
    }
    if !line::is_ranked(turn) {
        let is_another = |entry: &Instance| entry.revision != *lead;
        let others = inventory.pools.iter().filter(|(id, pool)| *id != lead && 0 < pool.replicas);
        let goes = || quiet.iter().any(|it| turn.state.roster.get(it).is_some_and(is_another));
        let is_due = (line::is_back(&turn.state) && 0 < others.count()) || goes();
        return if is_due { of(lead, Reach::Vacated) } else { None };
    }
    // Whoever comes back is to be what it was, whatever was the way back before.
    if told.revision != *lead && told.reach == Reach::Vacated && is_whole(&told.revision) {
        return of(&told.revision, Reach::First(places));
    }
    let own = Some(told).filter(|told| told.revision == *lead);
    let may_pass = |(instance, seen): &(&InstanceId, &InstanceSeen)| {
        seen.revision == *lead || quiet.contains(*instance)
    };
    let passed: Vec<_> = line::front(view, own).into_iter().take_while(may_pass).collect();
    let last = passed.iter().rev().find(|(_, seen)| seen.revision != *lead)?;
    let reach = u64::from(last.1.rank?) + 1;
    let before = match own.map(|own| own.reach) {
        Some(Reach::First(places)) => places,
        Some(Reach::Vacated) | None => 0,
    };
    of(lead, Reach::First(reach.max(before)))
}

/// Whether the backend replaces in an order of its own.
fn has_ranks(turn: &Turn<'_>) -> bool {
    turn.setup.capabilities.making == Making::InPlace { order: InPlaceOrder::Ranked }
}

/// Takes those away by name who are to go and have nothing in flight, once whoever comes back is of `lead`.
fn remove(turn: &mut Turn<'_>, view: &View, lead: &RevisionId, quiet: &BTreeSet<InstanceId>) {
    let vacated = Division { revision: lead.clone(), reach: Reach::Vacated };
    if pending(turn).is_some() || view.division() != Some(&vacated) {
        return;
    }
    for instance in quiet {
        let Some(entry) = turn.state.roster.get(instance) else { continue };
        let is_under_way = turn.state.pending_on(entry).is_some() || entry.made == Made::Removed;
        if entry.revision != *lead && !is_under_way {
            turn.intend(Effect::Remove { instance: instance.clone() });
        }
    }
}

/// Whether a division may be told again.
pub(crate) fn may_divide(turn: &Turn<'_>, view: &View, division: &Division) -> bool {
    match division.reach {
        Reach::First(places) => are_drained(turn, view, places, |id| *id != division.revision),
        Reach::Vacated => true,
    }
}

/// Whether there may be told again to be so many places.
pub(crate) fn may_size(turn: &Turn<'_>, view: &View, replicas: u64) -> bool {
    let places = line::places(&turn.state, view).unwrap_or(replicas);
    are_drained(turn, view, places.saturating_sub(replicas), |_| true)
}

/// Whether everybody in the first `places` whose revision `is_meant` picks was told to go and has nothing in
/// flight.
fn are_drained(
    turn: &Turn<'_>,
    view: &View,
    places: u64,
    is_meant: impl Fn(&RevisionId) -> bool,
) -> bool {
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return false };
    let mut first = inventory.instances.iter().filter(|(_, seen)| {
        seen.rank.is_some_and(|rank| u64::from(rank) < places) && is_meant(&seen.revision)
    });
    first.all(|(instance, _)| {
        let entry = turn.state.roster.get(instance);
        entry.is_some_and(|entry| {
            entry.is_terminating() && down::has_ended(turn, view, instance, entry)
        })
    })
}
