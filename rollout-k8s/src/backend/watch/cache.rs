//! Cache: what is known of every workload, fed by two watches.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource as _, runtime::watcher::Event};
use tokio::sync::watch;

use super::{
    super::facts::{Facts, PodFacts, SetFacts, Version, identity},
    held::Held,
    shelf::{Became, Shelf},
};
use crate::outcome::Failed;

/// Namespace and name of a workload.
pub(in crate::backend) type Key = (String, String);

/// What is known of every workload.
#[derive(Debug)]
pub(in crate::backend) struct Cache {
    known: Mutex<Known>,
    /// How the two watches stand.
    standing: watch::Sender<Standing>,
}

/// How the two watches stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    pub(super) sets: Stand,
    pub(super) pods: Stand,
}

/// How one watch stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stand {
    /// It has told everything once.
    pub(super) listed: bool,
    /// It fails, and why.
    pub(super) failed: Option<Failed>,
}

#[derive(Debug, Default)]
pub(in crate::backend) struct Known {
    held: BTreeMap<Key, Held>,
    sets: Feed<SetFacts>,
    pods: Feed<PodFacts>,
}

/// One watch.
#[derive(Debug)]
pub(in crate::backend) struct Feed<F> {
    /// Every event up to there has come.
    newest: Version,
    /// What a list that is under way has brought so far.
    staged: Option<BTreeMap<Key, BTreeMap<String, F>>>,
}

impl<F> Default for Feed<F> {
    fn default() -> Self {
        Self { newest: Version::default(), staged: None }
    }
}

/// Which of the two watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend) enum Kind {
    Sets,
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
    const KIND: Kind = Kind::Sets;

    fn feed(known: &mut Known) -> (&mut Feed<Self>, &mut BTreeMap<Key, Held>) {
        (&mut known.sets, &mut known.held)
    }

    fn shelf(held: &mut Held) -> &mut Shelf<Self> {
        &mut held.sets
    }

    fn gone(_: &mut Held, _: &Self) {}
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
fn put<F: Kept>(held: &mut Held, name: &str, facts: F) {
    if F::shelf(held).put(name, facts) == Became::Other {
        held.changed();
    }
}

/// One is gone since `version`.
fn remove<F: Kept>(held: &mut Held, name: &str, version: Version) {
    if let Some(gone) = F::shelf(held).remove(name, version) {
        F::gone(held, &gone);
        held.changed();
    }
}

/// These are all.
fn replace<F: Kept>(held: &mut Held, all: BTreeMap<String, F>, version: Option<Version>) {
    for gone in F::shelf(held).replace(all, version) {
        F::gone(held, &gone);
    }
    held.heard();
    held.changed();
}

fn key(meta: &ObjectMeta) -> Option<(Key, String)> {
    let (namespace, workload, name) = identity(meta)?;
    Some(((namespace.to_owned(), workload.to_owned()), name.to_owned()))
}

impl Cache {
    pub(super) fn new() -> Self {
        Self { known: Mutex::default(), standing: watch::Sender::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked was only reading: every change is made in one go.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on what is known of one workload.
    pub(in crate::backend) fn with<T>(&self, key: &Key, work: impl FnOnce(&mut Held) -> T) -> T {
        let mut known = self.known();
        if let Some(held) = known.held.get_mut(key) {
            return work(held);
        }
        work(known.held.entry(key.clone()).or_default())
    }

    /// Every event about sets up to there has come.
    pub(in crate::backend) fn newest_set(&self) -> Version {
        self.known().sets.newest
    }

    /// An object as the answer to an own write shows it. One that is not known is taken for new, unless the
    /// watch has gone past it already: then it has gone again.
    pub(in crate::backend) fn answered<F: Kept>(&self, key: &Key, name: &str, facts: F) {
        let mut known = self.known();
        let (feed, held) = F::feed(&mut known);
        let newest = feed.newest;
        let held = held.entry(key.clone()).or_default();
        if F::shelf(held).get(name).is_some() || newest < facts.version() {
            put(held, name, facts);
        }
    }

    /// An object that is gone, as the answer to an own write says.
    pub(in crate::backend) fn answered_gone<F: Kept>(&self, key: &Key, name: &str) {
        self.with(key, |held| remove::<F>(held, name, Version::NEWEST));
    }

    pub(super) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// A watch failed.
    pub(super) fn failed(&self, kind: Kind, failed: Failed) {
        tracing::warn!(?kind, ?failed, "a watch failed");
        self.standing.send_modify(|standing| standing.of(kind).failed = Some(failed));
    }

    /// A list of one workload was answered though the watch fails.
    pub(super) fn mended(&self) {
        self.standing.send_if_modified(|standing| {
            let failed = [standing.sets.failed.take(), standing.pods.failed.take()];
            failed.iter().any(Option::is_some)
        });
    }

    /// Takes in an event of a watch.
    pub(super) fn take<F: Kept>(&self, event: Event<F::Object>) {
        let mut known = self.known();
        let (feed, held) = F::feed(&mut known);
        let mut listed = false;
        match event {
            Event::Init => feed.staged = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                let (Some(staged), Some((key, name))) = (&mut feed.staged, key(object.meta()))
                else {
                    return;
                };
                if let Some(facts) = F::read(&object) {
                    staged.entry(key).or_default().insert(name, facts);
                }
            }
            Event::InitDone => {
                listed = true;
                let mut staged = feed.staged.take().unwrap_or_default();
                let versions = staged.values().flat_map(BTreeMap::values).map(F::version);
                feed.newest = versions.fold(feed.newest, Version::max);
                for (key, held) in held.iter_mut() {
                    replace(held, staged.remove(key).unwrap_or_default(), None);
                }
                for (key, all) in staged {
                    replace(held.entry(key).or_default(), all, None);
                }
                held.retain(|_, held| !held.is_idle());
            }
            Event::Apply(object) => {
                feed.newest = feed.newest.max(version(object.meta()));
                if let Some((key, name)) = key(object.meta()) {
                    let held = held.entry(key).or_default();
                    held.heard();
                    match F::read(&object) {
                        Some(facts) => put(held, &name, facts),
                        None => remove::<F>(held, &name, version(object.meta())),
                    }
                }
            }
            Event::Delete(object) => {
                feed.newest = feed.newest.max(version(object.meta()));
                if let Some((key, name)) = key(object.meta())
                    && let Some(held) = held.get_mut(&key)
                {
                    held.heard();
                    remove::<F>(held, &name, version(object.meta()));
                }
            }
        }
        drop(known);
        self.is_heard(F::KIND, listed);
    }

    /// A watch tells something.
    fn is_heard(&self, kind: Kind, listed: bool) {
        self.standing.send_if_modified(|standing| {
            let stand = standing.of(kind);
            let next = Stand { listed: stand.listed || listed, failed: None };
            let changed = *stand != next;
            *stand = next;
            changed
        });
    }

    /// Takes in a list of one workload; nothing if the watch itself is listing.
    pub(super) fn list<F: Kept>(&self, key: &Key, all: &[F::Object], list: Version) {
        let mut known = self.known();
        let (feed, held) = F::feed(&mut known);
        if feed.staged.is_some() {
            return;
        }
        let read = |object: &F::Object| Some((object.meta().name.clone()?, F::read(object)?));
        let held = held.entry(key.clone()).or_default();
        replace(held, all.iter().filter_map(read).collect::<BTreeMap<_, F>>(), Some(list));
    }
}

fn version(meta: &ObjectMeta) -> Version {
    Version::read(meta.resource_version.as_deref())
}

impl Standing {
    fn of(&mut self, kind: Kind) -> &mut Stand {
        match kind {
            Kind::Sets => &mut self.sets,
            Kind::Pods => &mut self.pods,
        }
    }

    /// Whether both watches have told everything once.
    pub(super) const fn is_listed(&self) -> bool {
        self.sets.listed && self.pods.listed
    }

    /// Why one of them fails.
    pub(super) fn failed(&self) -> Option<&Failed> {
        self.sets.failed.as_ref().or(self.pods.failed.as_ref())
    }
}
