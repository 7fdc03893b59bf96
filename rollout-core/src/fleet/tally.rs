//! Counts per pool, from what lasts and what was seen; where both differ, the worse one counts.

use std::collections::BTreeMap;

use super::{
    instance::{Instance, Made, Standby, Traffic},
    leaving::{Leaving, dropped_on_the_way},
};
use crate::{
    engine::{Glance, InstanceState, Setup, Sight, State, View},
    id::RevisionId,
    port::Making,
    time::Timestamp,
};

/// How many instances of one pool are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Instances it is to have.
    pub target: u64,
    /// Instances that exist, or are being made, and were not told to go.
    pub created: u64,
    /// Of those, the ones that are ready.
    pub ready: u64,
    /// Of those, the ones that are available and, where there is a load balancer, enrolled.
    pub serving: u64,
    /// Of the created ones, those that would serve if the route were set again.
    pub standby: u64,
    /// Of the created ones, those that serve nobody for sure: not ready, or unknown to the load balancer.
    /// One whose enrolment was not answered may serve already.
    pub idle: u64,
    /// Of the created ones, those known not to be ready.
    pub unready: u64,
    /// Of the created ones, those nobody knows the health of yet.
    pub unknown: u64,
    /// Instances that were told to go and still exist.
    pub terminating: u64,
    /// Of those, the ones that may still get something new.
    pub parting: u64,
    /// Instances, on their way out or not, that the load balancer may send something new and that are not
    /// known to be unready: the most that may serve.
    pub may_serve: u64,
}

impl Tally {
    /// Instances that serve, or would if the route were set again.
    #[must_use]
    pub const fn able(&self) -> u64 {
        self.serving.saturating_add(self.standby)
    }
}

/// What is known of one instance's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// It does not run yet, or is not ready.
    Unready,
    /// It is ready, for less than `min_ready`.
    Ready,
    /// Nobody knows: no answer since this engine began.
    Unknown,
    /// It is available and gets no traffic.
    Available,
    /// It is available and enrolled, and gets its share when the route is set again.
    Standby,
    /// It is available and gets traffic, where there is a load balancer.
    Serving,
}

/// What is known of the health of `entry`.
pub(crate) fn condition(
    now: Timestamp,
    setup: &Setup,
    state: &State,
    glance: &Glance<'_>,
    entry: &Instance,
) -> Condition {
    let health = state.health_of(entry);
    if entry.dead || entry.made != Made::Started {
        return Condition::Unready;
    }
    let seen = match glance.seen {
        Sight::Unshown if entry.proved_ready => return Condition::Unknown,
        Sight::Unshown | Sight::Absent => return Condition::Unready,
        Sight::There(seen) => seen,
    };
    if seen.state != InstanceState::Running {
        return Condition::Unready;
    }
    let ready = glance.health.map_or(Some(false), |health_view| {
        health_view.ready(health, seen.healthy, entry.proved_ready)
    });
    let Some(since) = glance.health.and_then(|health_view| health_view.ready_since) else {
        return if ready.is_none() { Condition::Unknown } else { Condition::Unready };
    };
    let is_in = setup.capabilities.enrolment.is_some() && entry.traffic == Traffic::In;
    if !is_in && now < since.after(health.min_ready) {
        return Condition::Ready;
    }
    match (setup.capabilities.enrolment, glance.is_enrolled()) {
        (None, _) => Condition::Serving,
        (Some(_), Some(true)) if is_in && is_left_out(state, entry) => Condition::Standby,
        (Some(_), Some(true)) if is_in => Condition::Serving,
        (Some(_), None) if is_in => Condition::Unknown,
        (Some(_), _) => Condition::Available,
    }
}

/// Whether an instance waits on standby though its revision has a share already.
fn is_left_out(state: &State, entry: &Instance) -> bool {
    let is_due = state.route.as_ref().is_none_or(|route| route.gives_to(&entry.revision));
    entry.standby != Standby::No && is_due
}

/// The counts of every pool.
pub(crate) fn tally(
    now: Timestamp,
    setup: &Setup,
    state: &State,
    view: &View,
) -> BTreeMap<RevisionId, Tally> {
    let mut tallies: BTreeMap<RevisionId, Tally> = state
        .pools
        .iter()
        .map(|(id, pool)| (id.clone(), Tally { target: pool.target, ..Tally::default() }))
        .collect();
    match setup.capabilities.making {
        Making::ByName => {
            let mut glances = view.glances();
            for (instance, entry) in &state.roster {
                let Some(tally) = tallies.get_mut(&entry.revision) else { continue };
                let condition = condition(now, setup, state, &glances.of(instance), entry);
                add(tally, entry, condition);
            }
        }
        Making::InPlace { .. } => {
            add_forgotten(&mut tallies, view);
            for (id, tally) in &mut tallies {
                in_place(tally, state, view, id);
            }
        }
        Making::ByCount => {
            add_forgotten(&mut tallies, view);
            for (id, tally) in &mut tallies {
                by_count(tally, state, view, id, setup.capabilities.drains_by_name());
            }
        }
    }
    tallies
}

/// Adds pools that are forgotten and may not have gone wholly.
fn add_forgotten(tallies: &mut BTreeMap<RevisionId, Tally>, view: &View) {
    for id in view.inventory.iter().flat_map(|seen| seen.what.pools.keys()) {
        tallies.entry(id.clone()).or_default();
    }
}

/// Adds one instance to its pool's counts.
fn add(tally: &mut Tally, entry: &Instance, condition: Condition) {
    let may_get_more = entry.may_get_more();
    tally.may_serve += u64::from(may_get_more && !entry.dead && condition != Condition::Unready);
    if entry.is_terminating() {
        tally.terminating += 1;
        tally.parting += u64::from(may_get_more);
        return;
    }
    if entry.dead {
        return;
    }
    tally.created += 1;
    tally.idle += u64::from(match condition {
        Condition::Unready => true,
        Condition::Ready | Condition::Available => !may_get_more,
        Condition::Unknown | Condition::Standby | Condition::Serving => false,
    });
    match condition {
        Condition::Unready => tally.unready += 1,
        Condition::Unknown => tally.unknown += 1,
        Condition::Ready | Condition::Available => tally.ready += 1,
        Condition::Standby => {
            tally.ready += 1;
            tally.standby += 1;
        }
        Condition::Serving => {
            tally.ready += 1;
            tally.serving += 1;
        }
    }
}

/// The counts of a pool that its backend keeps by count: what the backend shows, less what the last
/// order may have taken away since, plus what it may have added.
fn by_count(tally: &mut Tally, state: &State, view: &View, id: &RevisionId, drains_by_name: bool) {
    let Some(inventory) = view.inventory.as_ref().map(|inventory| &inventory.what) else {
        // Nobody knows: nothing is to spare, nothing is absent.
        tally.created = tally.target;
        return;
    };
    let seen = inventory.pools.get(id).cloned().unwrap_or_default();
    let pending = state.pending_scale(id);
    let told = view.told.get(id);
    let size = match pending {
        Some((action, replicas)) if view.is_in_flight(action) => replicas,
        // Refused, or without an answer: what is there may stay.
        Some((_, replicas)) => replicas.max(seen.replicas),
        None => told.map_or(seen.replicas, |told| told.last),
    };
    // The least that any order of late leaves, and the one to come.
    let ordered = pending.map_or(size, |(_, replicas)| replicas.min(size));
    let least = told.map_or(ordered, |told| told.least.min(ordered));
    let least = least.min(seen.replicas).min(tally.target);
    // Of those that go, the ones that are known by name not to answer take nothing away.
    let leaving = Leaving::of(state, view, id);
    let useless = leaving.count.saturating_sub(leaving.healthy);
    let going = seen.created.saturating_sub(least).saturating_sub(useless).max(leaving.healthy);
    let kept = leaving.kept(&seen, size, dropped_on_the_way(state, view, id));
    tally.created = size.saturating_sub(kept);
    tally.ready = seen.ready.saturating_sub(going);
    tally.unready = tally.created.saturating_sub(tally.ready);
    tally.serving = seen.available.saturating_sub(going).saturating_sub(leaving.returning);
    // Who is ready gets requests already, however short a time it has been.
    tally.idle = tally.created.min(tally.target).saturating_sub(tally.ready.max(tally.serving));
    let dropped = told.map_or(0, |told| told.dropped).max(seen.created.saturating_sub(size));
    tally.terminating = seen.terminating.saturating_add(dropped).saturating_add(kept);
    // Before the answer comes, those may not have been told.
    tally.parting = match pending {
        // None goes before it is drained, and a size that another one has replaced may come in between.
        _ if drains_by_name => {
            let most = told.map_or(size, |told| told.most.max(size)).max(seen.created);
            let drained = leaving.count.saturating_sub(leaving.parting);
            most.saturating_sub(drained).saturating_sub(tally.created)
        }
        Some(_) => dropped,
        None => 0,
    };
    tally.may_serve = seen.ready.saturating_sub(leaving.drained);
}

/// The counts of a revision of a workload that is replaced in place: what the backend shows, less those that
/// were told to go.
fn in_place(tally: &mut Tally, state: &State, view: &View, id: &RevisionId) {
    let Some(inventory) = view.inventory.as_ref().map(|inventory| &inventory.what) else {
        // Nobody knows: nothing is to spare, nothing is absent.
        tally.created = tally.target;
        return;
    };
    let seen = inventory.pools.get(id).cloned().unwrap_or_default();
    let leaving = Leaving::of(state, view, id);
    tally.created = seen.created.saturating_sub(leaving.count);
    tally.ready = seen.ready.saturating_sub(leaving.healthy);
    tally.unready = tally.created.saturating_sub(tally.ready);
    let out = leaving.healthy.saturating_add(leaving.returning);
    tally.serving = seen.available.saturating_sub(out);
    tally.idle = tally.created.saturating_sub(tally.serving);
    tally.terminating = seen.terminating.saturating_add(leaving.count);
    tally.parting = leaving.parting;
    tally.may_serve = seen.ready.saturating_sub(leaving.drained);
}
