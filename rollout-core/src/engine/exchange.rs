//! Steering where instances are replaced in place: what one revision gains, another one loses.
//!
//! In: a goal, the counts of now, and the line. Out: targets that make all places there are. Absent: a route,
//! surge, and who goes: the line has its own order.

use std::collections::BTreeMap;

use super::{
    batch, note::WaitReason, phase::moving, record::Change, steer::Goal, turn::Turn, view::View,
};
use crate::{
    fleet::{self, Tally},
    id::RevisionId,
    port::{InPlaceOrder, Making},
};

/// Decides targets. Returns whether the goal is reached.
pub(super) fn exchange(
    turn: &mut Turn<'_>,
    view: &View,
    goal: &Goal,
    tallies: &mut BTreeMap<RevisionId, Tally>,
) -> bool {
    let Some((lead, wanted)) = goal.counts.first().cloned() else { return false };
    let Some(places) = fleet::places(&turn.state, view) else { return false };
    let goal = &Goal { space: fleet::fit(turn, view, goal.space), ..goal.clone() };
    let total = goal.counts.iter().map(|(_, count)| *count).fold(0, u64::saturating_add);
    if total == 0 {
        return empty(turn, tallies, places);
    }
    if let Some(holder) = sole_holder(turn, view, &lead)
        && places != total
        && has_size(turn, places, total)
    {
        resize(turn, view, goal, tallies, (&holder, places, total));
        return false;
    }
    let standing = |turn: &Turn<'_>, id: &RevisionId| fleet::standing(&turn.state, view, id);
    let others: Vec<RevisionId> = tallies.keys().filter(|id| **id != lead).cloned().collect();
    let kept = others.iter().map(|id| standing(turn, id)).fold(0, u64::saturating_add);
    let keeps = goal.counts.iter().skip(1).map(|(_, count)| *count).fold(0, u64::saturating_add);
    for id in &others {
        let target = standing(turn, id);
        tallies.entry(id.clone()).and_modify(|tally| tally.target = target);
    }
    let gained = places.saturating_sub(kept);
    tallies.entry(lead.clone()).and_modify(|tally| tally.target = gained);
    let most = allowed(turn, goal, tallies, &lead).min(kept.saturating_sub(keeps));
    let line = fleet::line(turn, view, |revision| *revision != lead);
    let go = fleet::affordable(&line, most, &goal.space, tallies, Some(&lead));
    if (go as u64) < most {
        say_floor(turn, goal, tallies);
    }
    for one in line.iter().take(go) {
        tallies.entry(one.revision.clone()).and_modify(|tally| tally.target -= 1);
        tallies.entry(lead.clone()).and_modify(|tally| tally.target += 1);
    }
    for id in others.iter().chain([&lead]) {
        let target = tallies.get(id).map_or(0, |tally| tally.target);
        set_target(turn, id, target);
    }
    let created = tallies.values().map(|tally| tally.created).fold(0, u64::saturating_add);
    kept <= keeps
        && created == places
        && tallies.values().all(|tally| tally.terminating == 0)
        && wanted <= tallies.get(&lead).map_or(0, |tally| tally.created)
}

/// Everything goes, of whatever revision. Returns whether it has.
fn empty(turn: &mut Turn<'_>, tallies: &BTreeMap<RevisionId, Tally>, places: u64) -> bool {
    for id in tallies.keys() {
        set_target(turn, id, 0);
    }
    places == 0 && tallies.values().all(|tally| tally.created == 0 && tally.terminating == 0)
}

/// The revision that every place is of, unless the way back has to take it away first.
fn sole_holder(turn: &Turn<'_>, view: &View, lead: &RevisionId) -> Option<RevisionId> {
    let inventory = view.inventory.as_ref().map(|seen| &seen.what)?;
    let is_vacant = inventory.pools.values().all(|pool| pool.replicas == 0);
    let held = inventory.division.as_ref().filter(|_| !is_vacant);
    let holder = held.map_or(lead, |division| &division.revision);
    let mut others = inventory.pools.iter().filter(|(id, _)| *id != holder);
    let is_sole = others.all(|(_, pool)| pool.replicas == 0);
    let is_in_turn = holder == lead || !fleet::is_back(&turn.state);
    (is_sole && is_in_turn && turn.state.pools.contains_key(holder)).then(|| holder.clone())
}

/// Whether the number of places is the engine's to say: always but where each node has one.
fn has_size(turn: &Turn<'_>, places: u64, total: u64) -> bool {
    match turn.setup.capabilities.making {
        Making::InPlace { order: InPlaceOrder::Any } => places == 0 || total == 0,
        Making::InPlace { order: InPlaceOrder::Ranked } | Making::ByName | Making::ByCount => true,
    }
}

/// Another number of places, while all are of one revision.
fn resize(
    turn: &mut Turn<'_>,
    view: &View,
    goal: &Goal,
    tallies: &mut BTreeMap<RevisionId, Tally>,
    (holder, places, total): (&RevisionId, u64, u64),
) {
    let standing = fleet::standing(&turn.state, view, holder);
    // Who was told to go for a smaller number stays for a greater one.
    let target = if places < total || standing < total {
        total
    } else {
        // Who is about to come back is not there to be drained.
        let there = tallies.get(holder).map_or(0, |tally| tally.created);
        let fewer = standing.min(there).saturating_sub(total);
        let line = fleet::line(turn, view, |revision| revision == holder);
        let go = fleet::affordable(&line, fewer, &goal.space, tallies, None) as u64;
        if go < fewer {
            say_floor(turn, goal, tallies);
        }
        standing - go
    };
    let ids: Vec<RevisionId> = tallies.keys().cloned().collect();
    for id in ids {
        set_target(turn, &id, if id == *holder { target } else { 0 });
    }
}

/// How many more may be told to go by parallelism and by the batch under way.
fn allowed(
    turn: &mut Turn<'_>,
    goal: &Goal,
    tallies: &BTreeMap<RevisionId, Tally>,
    lead: &RevisionId,
) -> u64 {
    let batch = batch::under_way(turn, goal, tallies);
    let tally = tallies.get(lead).copied().unwrap_or_default();
    let lanes = match goal.space.budget.parallelism {
        0 => u64::MAX,
        lanes => lanes.saturating_sub(tally.target.saturating_sub(tally.serving)),
    };
    let of_batch = batch.most.saturating_sub(tally.target);
    lanes.min(of_batch).min(batch::others(tallies, lead).saturating_sub(batch.least))
}

fn say_floor(turn: &mut Turn<'_>, goal: &Goal, tallies: &BTreeMap<RevisionId, Tally>) {
    let available = tallies.values().map(|tally| tally.serving).fold(0, u64::saturating_add);
    let floor = goal.space.floor();
    let terminates = tallies.values().any(|tally| 0 < tally.terminating);
    let (since, until) = moving::bound(turn, terminates);
    turn.wait(since, until, || WaitReason::Floor { available, floor });
}

fn set_target(turn: &mut Turn<'_>, id: &RevisionId, replicas: u64) {
    if turn.state.pools.get(id).is_some_and(|pool| pool.target != replicas) {
        turn.record(Change::Targeted { revision: id.clone(), replicas });
    }
}
