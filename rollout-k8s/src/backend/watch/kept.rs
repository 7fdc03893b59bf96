//! Kept: the kinds of objects that are kept, and how what is heard of one changes what is known.

use std::{collections::BTreeMap, time::Instant};

use k8s_openapi::api::apps::v1::{DaemonSet, StatefulSet};
use rollout_core::id::Epoch;

use super::{
    super::{
        Controller,
        facts::{Facts, InPlace, InPlaceFacts, InPlaceObject, PodFacts, SetFacts, Version},
    },
    held::Held,
    shelf::{Became, Shelf},
};

/// Namespace and name of a workload.
pub(in crate::backend) type Key = (String, String);

/// All that is known.
#[derive(Debug, Default)]
pub(in crate::backend) struct Known {
    pub(super) held: BTreeMap<Key, Held>,
    pub(super) sets: Feed<SetFacts>,
    pub(super) stateful: Feed<InPlaceFacts<StatefulSet>>,
    pub(super) daemons: Feed<InPlaceFacts<DaemonSet>>,
    pub(super) pods: Feed<PodFacts>,
}

impl Known {
    /// Every event about what `controller` makes pods by has come up to there.
    pub(super) const fn newest(&self, controller: Controller) -> Version {
        match controller {
            Controller::ReplicaSet => self.sets.newest,
            Controller::StatefulSet => self.stateful.newest,
            Controller::DaemonSet => self.daemons.newest,
        }
    }

    /// When the watch of what `controller` makes pods by has told something last.
    pub(super) const fn heard_at(&self, controller: Controller) -> Instant {
        match controller {
            Controller::ReplicaSet => self.sets.heard_at,
            Controller::StatefulSet => self.stateful.heard_at,
            Controller::DaemonSet => self.daemons.heard_at,
        }
    }
}

/// One watch.
#[derive(Debug)]
pub(in crate::backend) struct Feed<F> {
    /// Every event up to there has come.
    pub(super) newest: Version,
    /// What a list that is under way has brought so far.
    pub(super) staged: Option<BTreeMap<Key, BTreeMap<String, F>>>,
    /// When it told anything last.
    pub(super) heard_at: Instant,
}

impl<F> Default for Feed<F> {
    fn default() -> Self {
        Self { newest: Version::default(), staged: None, heard_at: Instant::now() }
    }
}

/// Which of the watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend) enum Kind {
    /// That of what makes pods.
    Sets(Controller),
    Pods,
}

/// A kind of objects that is kept.
pub(in crate::backend) trait Kept: Facts {
    /// Which watch brings it.
    const KIND: Kind;

    /// Its watch, and all workloads.
    fn feed(known: &mut Known) -> (&mut Feed<Self>, &mut BTreeMap<Key, Held>);

    /// Its place.
    fn shelf(held: &mut Held) -> &mut Shelf<Self>;

    /// One is gone.
    fn gone(held: &mut Held, gone: &Self);
}

impl Kept for SetFacts {
    const KIND: Kind = Kind::Sets(Controller::ReplicaSet);

    fn feed(known: &mut Known) -> (&mut Feed<Self>, &mut BTreeMap<Key, Held>) {
        (&mut known.sets, &mut known.held)
    }

    fn shelf(held: &mut Held) -> &mut Shelf<Self> {
        &mut held.sets
    }

    fn gone(_: &mut Held, _: &Self) {}
}

/// What makes pods, and says who reigns.
pub(in crate::backend) trait Stamped: Kept {
    /// The reign that wrote it last.
    fn epoch(&self) -> Option<Epoch>;

    /// Its name.
    fn name(&self) -> &str;
}

impl Stamped for SetFacts {
    fn epoch(&self) -> Option<Epoch> {
        Self::epoch(self)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Kept for InPlaceFacts<StatefulSet> {
    const KIND: Kind = Kind::Sets(Controller::StatefulSet);

    fn feed(known: &mut Known) -> (&mut Feed<Self>, &mut BTreeMap<Key, Held>) {
        (&mut known.stateful, &mut known.held)
    }

    fn shelf(held: &mut Held) -> &mut Shelf<Self> {
        &mut held.stateful
    }

    fn gone(_: &mut Held, _: &Self) {}
}

impl Kept for InPlaceFacts<DaemonSet> {
    const KIND: Kind = Kind::Sets(Controller::DaemonSet);

    fn feed(known: &mut Known) -> (&mut Feed<Self>, &mut BTreeMap<Key, Held>) {
        (&mut known.daemons, &mut known.held)
    }

    fn shelf(held: &mut Held) -> &mut Shelf<Self> {
        &mut held.daemons
    }

    fn gone(_: &mut Held, _: &Self) {}
}

impl<K: InPlaceObject> Stamped for InPlaceFacts<K>
where
    Self: Kept,
{
    fn epoch(&self) -> Option<Epoch> {
        InPlace::epoch(&self.set)
    }

    fn name(&self) -> &str {
        &self.set.name
    }
}

impl Kept for PodFacts {
    const KIND: Kind = Kind::Pods;

    fn feed(known: &mut Known) -> (&mut Feed<Self>, &mut BTreeMap<Key, Held>) {
        (&mut known.pods, &mut known.held)
    }

    fn shelf(held: &mut Held) -> &mut Shelf<Self> {
        &mut held.pods
    }

    fn gone(held: &mut Held, gone: &Self) {
        held.forget_pod(gone);
    }
}

/// One was seen like this.
pub(super) fn put<F: Kept>(held: &mut Held, name: &str, facts: F) {
    if F::shelf(held).put(name, facts) == Became::Other {
        held.changed();
    }
}

/// One is gone since `version`.
pub(super) fn remove<F: Kept>(held: &mut Held, name: &str, version: Version) {
    if let Some(gone) = F::shelf(held).remove(name, version) {
        F::gone(held, &gone);
        held.changed();
    }
}

/// These are all.
pub(super) fn replace<F: Kept>(
    held: &mut Held,
    all: BTreeMap<String, F>,
    version: Option<Version>,
) {
    for gone in F::shelf(held).replace(all, version) {
        F::gone(held, &gone);
    }
    held.heard();
    held.changed();
}

/// A list that began a watch is complete: what it did not bring is gone.
pub(super) fn listed_all<F: Kept>(feed: &mut Feed<F>, all: &mut BTreeMap<Key, Held>) {
    let mut staged = feed.staged.take().unwrap_or_default();
    let versions = staged.values().flat_map(BTreeMap::values).map(F::version);
    feed.newest = versions.fold(feed.newest, Version::max);
    for (key, held) in all.iter_mut() {
        replace(held, staged.remove(key).unwrap_or_default(), None);
    }
    for (key, brought) in staged {
        replace(all.entry(key).or_default(), brought, None);
    }
    all.retain(|_, held| !held.is_idle());
}
