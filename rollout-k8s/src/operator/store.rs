//! What is known of every `Rollout` object: one watch for all of them.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt as _, stream::BoxStream};
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use tracing::warn;

use super::key::Key;
use crate::crd::Rollout;

/// Annotation of `kubectl apply` that repeats the whole spec.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What changed.
#[derive(Debug)]
pub(super) enum Changed {
    /// The object is new, or another one.
    Applied(Arc<Rollout>),
    /// The object is gone.
    Gone(Key),
    /// Everything was told once.
    Listed,
}

/// Every object, as the watch told last.
pub(super) struct Store {
    events: BoxStream<'static, watcher::Result<Event<Rollout>>>,
    known: BTreeMap<Key, Arc<Rollout>>,
    /// Objects of a list under way.
    staged: Option<BTreeMap<Key, Arc<Rollout>>>,
    queue: Vec<Changed>,
}

impl Store {
    /// Watches the objects of `namespace`, or of all.
    pub(super) fn new(client: Client, namespace: Option<&str>) -> Self {
        let api = match namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        Self { events, known: BTreeMap::new(), staged: None, queue: Vec::new() }
    }

    /// All objects.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Rollout>)> {
        self.known.iter()
    }

    /// One object.
    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Rollout>> {
        self.known.get(key)
    }

    /// Waits for the next change; safe to drop while it waits.
    pub(super) async fn next(&mut self) -> Changed {
        loop {
            if let Some(changed) = self.queue.pop() {
                return changed;
            }
            match self.events.next().await {
                Some(Ok(event)) => self.take(event),
                // The watch begins again by itself.
                Some(Err(error)) if is_unknown(&error) => warn!(
                    "the cluster does not know the kind Rollout; install the definitions (`kubectl apply --server-side -k deploy/crds`), and it goes on"
                ),
                Some(Err(error)) => warn!(%error, "rollouts cannot be watched"),
                None => std::future::pending().await,
            }
        }
    }

    fn take(&mut self, event: Event<Rollout>) {
        match event {
            Event::Init => self.staged = Some(BTreeMap::new()),
            Event::InitApply(rollout) => {
                let rollout = Arc::new(slim(rollout));
                self.staged.get_or_insert_default().insert(Key::of(&rollout), rollout);
            }
            Event::InitDone => self.listed(),
            Event::Apply(rollout) => {
                let rollout = Arc::new(slim(rollout));
                self.known.insert(Key::of(&rollout), Arc::clone(&rollout));
                self.queue.push(Changed::Applied(rollout));
            }
            Event::Delete(rollout) => {
                let key = Key::of(&rollout);
                self.known.remove(&key);
                self.queue.push(Changed::Gone(key));
            }
        }
    }

    /// A list is whole: what is not in it is gone.
    fn listed(&mut self) {
        let listed = self.staged.take().unwrap_or_default();
        let before = std::mem::replace(&mut self.known, listed);
        // The queue is read from its end.
        self.queue.push(Changed::Listed);
        for (key, rollout) in &self.known {
            let same = before.get(key).is_some_and(|known| {
                known.metadata.resource_version == rollout.metadata.resource_version
            });
            if !same {
                self.queue.push(Changed::Applied(Arc::clone(rollout)));
            }
        }
        let gone = before.into_keys().filter(|key| !self.known.contains_key(key));
        self.queue.extend(gone.map(Changed::Gone));
    }
}

/// Whether the kind is unknown. Where no path leads to it the API server answers with plain text, not with a status.
fn is_unknown(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code == 404,
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => false,
    }
}

/// Without what nobody here reads.
fn slim(mut rollout: Rollout) -> Rollout {
    rollout.metadata.managed_fields = None;
    if let Some(annotations) = &mut rollout.metadata.annotations {
        annotations.remove(LAST_APPLIED);
    }
    rollout
}
