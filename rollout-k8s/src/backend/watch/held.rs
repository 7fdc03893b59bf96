//! Held: all that is known of one workload.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use k8s_openapi::api::apps::v1::{DaemonSet, StatefulSet};
use rollout_core::{
    engine::Division,
    id::{Epoch, Mark, RevisionId},
};
use tokio::sync::watch;

use super::{
    super::{
        Controller,
        facts::{InPlace, InPlaceFacts, InPlaceObject, PodFacts, SetFacts, Version},
    },
    shelf::Shelf,
};

/// All that is known of one workload.
#[derive(Debug)]
pub(in crate::backend) struct Held {
    pub(in crate::backend) sets: Shelf<SetFacts>,
    pub(in crate::backend) stateful: Shelf<InPlaceFacts<StatefulSet>>,
    pub(in crate::backend) daemons: Shelf<InPlaceFacts<DaemonSet>>,
    pub(in crate::backend) pods: Shelf<PodFacts>,
    /// Failures of pods that are gone.
    pub(in crate::backend) failed_before: BTreeMap<RevisionId, FailedBefore>,
    /// The highest epoch that was granted here.
    pub(in crate::backend) granted: Epoch,
    /// Sizes as they were told last: in an observation, or by an own write since.
    pub(in crate::backend) told: BTreeMap<RevisionId, u64>,
    /// Division and number of places, the same way.
    pub(in crate::backend) told_in_place: Option<(Division, u64)>,
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

/// How far an object is.
enum Stand {
    /// Its version, and the generation that its controller has acted on.
    At(Version, i64),
    /// There is none as of that version.
    Gone(Version),
}

impl Default for Held {
    fn default() -> Self {
        Self {
            sets: Shelf::default(),
            stateful: Shelf::default(),
            daemons: Shelf::default(),
            pods: Shelf::default(),
            failed_before: BTreeMap::new(),
            granted: Epoch(0),
            told: BTreeMap::new(),
            told_in_place: None,
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
        let of_sets = self.sets.values().filter_map(SetFacts::epoch);
        let stamped = of_sets.chain(self.all_in_place().filter_map(InPlace::epoch)).max();
        stamped.map_or(self.granted, |epoch| epoch.max(self.granted))
    }

    /// The set of a revision; the newest, if somebody made several.
    pub(in crate::backend) fn set_of(&self, revision: &RevisionId) -> Option<&SetFacts> {
        let is_its = |set: &&SetFacts| set.revision == *revision && !set.deleting;
        self.sets.values().filter(is_its).max_by_key(|set| set.version)
    }

    /// Every `StatefulSet` and `DaemonSet`.
    fn all_in_place(&self) -> impl Iterator<Item = &InPlace> {
        let stateful = self.stateful.values().map(|facts| &facts.set);
        stateful.chain(self.daemons.values().map(|facts| &facts.set))
    }

    /// The object whose pods are replaced in place; the newest, if somebody made several.
    pub(in crate::backend) fn in_place(&self, controller: Controller) -> Option<&InPlace> {
        fn newest<K: InPlaceObject>(shelf: &Shelf<InPlaceFacts<K>>) -> Option<&InPlace> {
            let all = shelf.values().map(|facts| &facts.set).filter(|set| !set.deleting);
            all.max_by_key(|set| set.version)
        }
        match controller {
            Controller::ReplicaSet => None,
            Controller::StatefulSet => newest(&self.stateful),
            Controller::DaemonSet => newest(&self.daemons),
        }
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
        self.told.insert(set.revision.clone(), set.replicas);
        let SetFacts { name, version, generation, .. } = set.clone();
        self.pend(name, version, generation)
    }

    /// The same for what is replaced in place.
    pub(in crate::backend) fn acknowledged_in_place(&mut self, set: &InPlace) -> Mark {
        self.told_in_place = Some((set.division.clone(), set.places));
        let InPlace { name, version, generation, .. } = set.clone();
        self.pend(name, version, generation)
    }

    fn pend(&mut self, name: String, version: Version, generation: i64) -> Mark {
        let mark = self.acknowledged();
        self.pending.push(Pending { mark: mark.0, name, version, generation });
        mark
    }

    /// Every write up to this mark is shown. `newest`: every event about what `controller` makes pods by has
    /// come up to there.
    pub(in crate::backend) fn shown(&mut self, controller: Controller, newest: Version) -> Mark {
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain(|one| match self.stand(controller, &one.name) {
            Stand::At(version, observed) => version < one.version || observed < one.generation,
            Stand::Gone(floor) => newest.max(floor) < one.version,
        });
        self.pending = pending;
        let first = self.pending.iter().map(|one| one.mark).min();
        Mark(first.map_or(self.written, |mark| mark - 1))
    }

    /// How far an object is.
    fn stand(&self, controller: Controller, name: &str) -> Stand {
        fn at<K: InPlaceObject>(shelf: &Shelf<InPlaceFacts<K>>, name: &str) -> Stand {
            let found = shelf.get(name).map(|facts| &facts.set);
            found.map_or(Stand::Gone(shelf.floor()), |set| Stand::At(set.version, set.observed))
        }
        match controller {
            Controller::ReplicaSet => {
                let found = self.sets.get(name);
                found.map_or(Stand::Gone(self.sets.floor()), |set| {
                    Stand::At(set.version, set.observed)
                })
            }
            Controller::StatefulSet => at(&self.stateful, name),
            Controller::DaemonSet => at(&self.daemons, name),
        }
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
        let of_sets = self.sets.values().map(|set| set.replicas);
        let mut wanted: u64 = of_sets.chain(self.all_in_place().map(|set| set.places)).sum();
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
        let is_empty = self.sets.is_empty() && self.all_in_place().next().is_none();
        is_empty && self.pods.is_empty() && !is_ours && !is_heard
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
