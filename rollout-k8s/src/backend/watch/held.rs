//! Held: all that is known of one workload.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rollout_core::id::{Epoch, Mark, RevisionId};
use tokio::sync::watch;

use super::{
    super::facts::{PodFacts, SetFacts, Version},
    shelf::Shelf,
};

/// All that is known of one workload.
#[derive(Debug)]
pub(in crate::backend) struct Held {
    pub(in crate::backend) sets: Shelf<SetFacts>,
    pub(in crate::backend) pods: Shelf<PodFacts>,
    /// Failures of pods that are gone.
    pub(in crate::backend) failed_before: BTreeMap<RevisionId, FailedBefore>,
    /// The highest epoch that was granted here.
    pub(in crate::backend) granted: Epoch,
    /// Sizes as they were told last: in an observation, or by an own write since.
    pub(in crate::backend) told: BTreeMap<RevisionId, u64>,
    /// Acknowledged writes so far.
    written: u64,
    /// Those of sets that their controller has not acted on yet.
    pending: Vec<Pending>,
    /// When something was written last.
    written_at: Option<Instant>,
    /// When anything was heard last.
    heard_at: Instant,
    changed: watch::Sender<u64>,
}

/// Failures of pods that are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::backend) struct FailedBefore {
    pub(in crate::backend) count: u64,
    /// The last one, in the orchestrator's own words.
    pub(in crate::backend) why: Option<String>,
}

/// An acknowledged write that is not to be seen yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    mark: u64,
    name: String,
    version: Version,
    generation: i64,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            sets: Shelf::default(),
            pods: Shelf::default(),
            failed_before: BTreeMap::new(),
            granted: Epoch(0),
            told: BTreeMap::new(),
            written: 0,
            pending: Vec::new(),
            written_at: None,
            heard_at: Instant::now(),
            changed: watch::Sender::new(0),
        }
    }
}

impl Held {
    /// The highest epoch that is known of.
    pub(in crate::backend) fn epoch(&self) -> Epoch {
        let stamped = self.sets.values().filter_map(SetFacts::epoch).max();
        stamped.map_or(self.granted, |epoch| epoch.max(self.granted))
    }

    /// The set of a revision; the newest, if somebody made several.
    pub(in crate::backend) fn set_of(&self, revision: &RevisionId) -> Option<&SetFacts> {
        let is_its = |set: &&SetFacts| set.revision == *revision && !set.deleting;
        self.sets.values().filter(is_its).max_by_key(|set| set.version)
    }

    /// A write was acknowledged now that every observation from now on shows.
    pub(in crate::backend) fn acknowledged(&mut self) -> Mark {
        self.written += 1;
        self.written_at = Some(Instant::now());
        Mark(self.written)
    }

    /// The mark of what is seen of pods: own writes to them are taken in with their answers.
    pub(in crate::backend) const fn shown_of_pods(&self) -> Mark {
        Mark(self.written)
    }

    /// A write to `set` was acknowledged now. It shows when its controller has acted on it: until then the
    /// count of pods is an old one.
    pub(in crate::backend) fn acknowledged_set(&mut self, set: &SetFacts) -> Mark {
        let mark = self.acknowledged();
        let SetFacts { name, version, generation, .. } = set.clone();
        self.told.insert(set.revision.clone(), set.replicas);
        self.pending.push(Pending { mark: mark.0, name, version, generation });
        mark
    }

    /// Every write up to this mark is shown. `newest`: every event about sets up to there has come.
    pub(in crate::backend) fn shown(&mut self, newest: Version) -> Mark {
        let Self { pending, sets, .. } = self;
        let newest = newest.max(sets.floor());
        pending.retain(|one| match sets.get(&one.name) {
            Some(set) => set.version < one.version || set.observed < one.generation,
            None => newest < one.version,
        });
        let first = pending.iter().map(|one| one.mark).min();
        Mark(first.map_or(self.written, |mark| mark - 1))
    }

    /// Whether the watch should have told something by now: a workload that was written to within
    /// `while_written`, is not where it is to be, and of which nothing was heard for `silent`.
    pub(in crate::backend) fn is_silent(&self, while_written: Duration, silent: Duration) -> bool {
        self.written_at.is_some_and(|at| at.elapsed() < while_written)
            && silent <= self.heard_at.elapsed()
            && !self.is_steady()
    }

    /// Whether every set has as many pods as it was told, all of them ready.
    fn is_steady(&self) -> bool {
        let mut wanted: u64 = self.sets.values().map(|set| set.replicas).sum();
        for pod in self.pods.values().filter(|pod| !pod.ended) {
            let serves = !pod.terminating && pod.ready_since.is_some();
            let Some(left) = wanted.checked_sub(1).filter(|_| serves) else { return false };
            wanted = left;
        }
        wanted == 0 && self.pending.is_empty()
    }

    /// Something was heard.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// Hints for whoever observes the workload.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Whether nothing is known and nobody cares.
    pub(super) fn is_idle(&self) -> bool {
        let is_ours = self.granted != Epoch(0) || self.written != 0;
        let is_heard = self.changed.receiver_count() != 0;
        self.sets.is_empty() && self.pods.is_empty() && !is_ours && !is_heard
    }

    /// Keeps the failures of a pod that is gone.
    pub(super) fn forget_pod(&mut self, gone: &PodFacts) {
        if gone.failures == 0 {
            return;
        }
        let before = self.failed_before.entry(gone.revision.clone()).or_default();
        before.count = before.count.saturating_add(gone.failures);
        before.why = gone.why.clone().or_else(|| before.why.take());
    }
}
