//! Instances of a pool that its backend keeps by count and that are to go: drained by name first, then the
//! pool is told to be smaller by as many.
//!
//! In: the roster, which names those instances alone, and those that were spared; and the last snapshot.
//! Out: how many of them there are and how far. Absent: which ones they are to be, and actions.

use crate::{
    engine::{InstanceState, PoolSeen, State, View},
    id::{InstanceId, RevisionId},
};

use super::instance::{Instance, Traffic};

/// The instances of one pool that are to go and exist still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leaving {
    /// All of them.
    pub(super) count: u64,
    /// Of those, the ones that answer their probe.
    pub(super) healthy: u64,
    /// Of all, the ones that may still get something new.
    pub(super) parting: u64,
    /// Instances that answer their probe, are to stay, and are not back in traffic yet.
    pub(super) returning: u64,
    /// Instances that answer their probe, on their way out or not, and get nothing new for sure.
    pub(super) drained: u64,
}

impl Leaving {
    /// Counts those of `revision`.
    pub(super) fn of(state: &State, view: &View, revision: &RevisionId) -> Self {
        let mut leaving = Self::default();
        for (instance, entry) in named(state, revision) {
            let is_healthy = is_healthy(view, instance);
            let is_drained = matches!(entry.traffic, Traffic::Drained(_));
            leaving.drained += u64::from(is_healthy && is_drained);
            if !entry.is_terminating() {
                leaving.returning += u64::from(is_healthy && entry.traffic != Traffic::In);
                continue;
            }
            leaving.count += 1;
            leaving.healthy += u64::from(is_healthy);
            leaving.parting += u64::from(entry.may_get_more());
        }
        leaving
    }

    /// How many of them the pool was not told to be smaller by yet, at the size it was told: what is on its way
    /// makes it smaller by `dropped` in all.
    pub(super) fn kept(&self, seen: &PoolSeen, told: u64, dropped: u64) -> u64 {
        self.count.saturating_sub(seen.created.saturating_sub(told).max(dropped))
    }
}

/// By how many instances all that is on its way to a pool makes it smaller.
pub(super) fn dropped_on_the_way(state: &State, view: &View, revision: &RevisionId) -> u64 {
    let is_under_way = state.pending_scale(revision).is_some_and(|(id, _)| view.is_in_flight(id));
    view.told.get(revision).filter(|_| is_under_way).map_or(0, |told| told.dropped)
}

/// The instances of a pool that are treated by name.
pub(super) fn named<'a>(
    state: &'a State,
    revision: &'a RevisionId,
) -> impl Iterator<Item = (&'a InstanceId, &'a Instance)> {
    state.roster.iter().filter(move |(_, entry)| entry.revision == *revision)
}

/// Whether an instance is seen to run and to answer its probe.
pub(super) fn is_healthy(view: &View, instance: &InstanceId) -> bool {
    let seen = view.inventory.as_ref().and_then(|seen| seen.what.instances.get(instance));
    seen.is_some_and(|seen| seen.state == InstanceState::Running && seen.healthy == Some(true))
}
