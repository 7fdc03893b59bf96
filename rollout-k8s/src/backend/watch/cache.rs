//! Cache: what is known of every workload, fed by the watches.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource as _, runtime::watcher::Event};
use tokio::sync::watch;

use super::{
    super::{
        Controller,
        facts::{Version, identity},
    },
    held::Held,
    kept::{Kept, Key, Kind, Known, listed_all, put, remove, replace},
};
use crate::outcome::Failed;

/// What is known of every workload.
#[derive(Debug)]
pub(in crate::backend) struct Cache {
    known: Mutex<Known>,
    /// How the watches stand.
    standing: watch::Sender<Standing>,
}

/// How the watches stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    sets: Stand,
    stateful: Stand,
    daemons: Stand,
    pods: Stand,
}

/// How one watch stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stand {
    /// It has told everything once.
    pub(super) listed: bool,
    /// It fails, and why.
    pub(super) failed: Option<Failed>,
}

fn key(meta: &ObjectMeta) -> Option<(Key, String)> {
    let (namespace, workload, name) = identity(meta)?;
    Some(((namespace.to_owned(), workload.to_owned()), name.to_owned()))
}

impl Cache {
    pub(in crate::backend) fn new() -> Self {
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

    /// How long the watch that is silent for longer has told nothing about any workload.
    pub(super) fn silent_for(&self, controller: Controller) -> Duration {
        let known = self.known();
        known.heard_at(controller).min(known.pods.heard_at).elapsed()
    }

    /// Every event about what `controller` makes pods by has come up to there.
    pub(in crate::backend) fn newest(&self, controller: Controller) -> Version {
        self.known().newest(controller)
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
            let mut all = [&mut standing.sets, &mut standing.stateful, &mut standing.daemons];
            let sets = all.iter_mut().map(|stand| stand.failed.take().is_some()).max();
            standing.pods.failed.take().is_some() || sets == Some(true)
        });
    }

    /// Takes in an event of a watch.
    pub(in crate::backend) fn take<F: Kept>(&self, event: Event<F::Object>) {
        let listed = matches!(event, Event::InitDone);
        let mut known = self.known();
        let (feed, all) = F::feed(&mut known);
        feed.heard_at = Instant::now();
        match event {
            Event::Init => feed.staged = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                if let (Some(staged), Some((key, name)), Some(facts)) =
                    (&mut feed.staged, key(object.meta()), F::read(&object))
                {
                    staged.entry(key).or_default().insert(name, facts);
                }
            }
            Event::InitDone => listed_all(feed, all),
            Event::Apply(object) => {
                feed.newest = feed.newest.max(version(object.meta()));
                if let Some((key, name)) = key(object.meta()) {
                    let held = all.entry(key).or_default();
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
                    && let Some(held) = all.get_mut(&key)
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
            Kind::Sets(Controller::ReplicaSet) => &mut self.sets,
            Kind::Sets(Controller::StatefulSet) => &mut self.stateful,
            Kind::Sets(Controller::DaemonSet) => &mut self.daemons,
            Kind::Pods => &mut self.pods,
        }
    }

    /// How the two watches stand that matter for pods of `controller`.
    const fn both(&self, controller: Controller) -> [&Stand; 2] {
        let sets = match controller {
            Controller::ReplicaSet => &self.sets,
            Controller::StatefulSet => &self.stateful,
            Controller::DaemonSet => &self.daemons,
        };
        [sets, &self.pods]
    }

    /// Whether both watches have told everything once.
    pub(super) fn is_listed(&self, controller: Controller) -> bool {
        self.both(controller).iter().all(|stand| stand.listed)
    }

    /// Why one of them fails.
    pub(super) fn failed(&self, controller: Controller) -> Option<&Failed> {
        self.both(controller).into_iter().find_map(|stand| stand.failed.as_ref())
    }
}
