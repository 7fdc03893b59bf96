//! Mirror: the objects that routers read, watched once for all of them.
//!
//! In: a kind and a namespace to watch, from whoever reads there; answers to own reads and writes. Out: the newest
//! of each object, as far as the watch can be trusted; where it cannot, nothing, and whoever asks reads for
//! himself. A watch lasts as long as a router reads there, and begins anew with a list every ten minutes. Absent:
//! calls of its own beside the watches.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use futures_util::StreamExt as _;
use kube::{
    Api, Client, ResourceExt as _,
    api::DynamicObject,
    core::ApiResource,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use tokio::task::AbortHandle;

use super::object::Object;
use crate::backend::LIST_EVERY;

/// A kind in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    api_version: String,
    kind: String,
    namespace: String,
}

/// The objects that routers read, watched once for all of them.
pub(crate) struct Mirror {
    client: Client,
    shelves: Mutex<BTreeMap<Subject, Weak<Shelf>>>,
}

/// What one router reads of a [`Mirror`]: as long as it does, it is watched.
pub(super) struct Reader {
    mirror: Arc<Mirror>,
    held: Mutex<BTreeMap<Subject, Arc<Shelf>>>,
}

/// The objects of one kind in one namespace.
#[derive(Default)]
pub(super) struct Shelf {
    known: Mutex<Known>,
    task: Mutex<Option<AbortHandle>>,
}

/// What a watch says of one object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    There(Object),
    /// There is none of that name; the kind is known, or it could not be watched.
    Absent,
    /// The watch cannot be trusted.
    Unknown,
}

/// What is known of them.
#[derive(Debug, Default)]
struct Known {
    objects: BTreeMap<String, Object>,
    /// Those that are gone by an own write, with the version they had.
    gone: BTreeMap<String, u64>,
    /// What a list that is under way has brought so far.
    staged: BTreeMap<String, Object>,
    /// The watch has told everything, and goes on.
    is_whole: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked was only reading: every change is made in one go.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror").finish_non_exhaustive()
    }
}

impl Mirror {
    /// Watches nothing yet.
    pub(crate) fn new(client: Client) -> Self {
        Self { client, shelves: Mutex::default() }
    }

    /// The shelf of a subject, which is watched from now on. Must be called within a tokio runtime.
    fn shelf(&self, subject: &Subject, resource: &ApiResource) -> Arc<Shelf> {
        let mut shelves = lock(&self.shelves);
        shelves.retain(|_, kept| 0 < kept.strong_count());
        if let Some(kept) = shelves.get(subject).and_then(Weak::upgrade) {
            return kept;
        }
        let kept = Arc::new(Shelf::default());
        let api = Api::namespaced_with(self.client.clone(), &subject.namespace, resource);
        let task = tokio::spawn(follow(api, Arc::downgrade(&kept))).abort_handle();
        *lock(&kept.task) = Some(task);
        shelves.insert(subject.clone(), Arc::downgrade(&kept));
        kept
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

impl Reader {
    /// Reads of `mirror`.
    pub(super) fn new(mirror: Arc<Mirror>) -> Self {
        Self { mirror, held: Mutex::default() }
    }

    fn shelf(&self, resource: &ApiResource, namespace: &str) -> Arc<Shelf> {
        let subject = Subject {
            api_version: resource.api_version.clone(),
            kind: resource.kind.clone(),
            namespace: namespace.to_owned(),
        };
        let mut held = lock(&self.held);
        let kept = held.entry(subject.clone());
        Arc::clone(kept.or_insert_with(|| self.mirror.shelf(&subject, resource)))
    }

    /// The object of that name.
    pub(super) fn find(&self, resource: &ApiResource, namespace: &str, name: &str) -> Found {
        let kept = self.shelf(resource, namespace);
        let known = lock(&kept.known);
        match known.objects.get(name).filter(|_| known.is_whole) {
            Some(object) => Found::There(object.clone()),
            None if known.is_whole => Found::Absent,
            None => Found::Unknown,
        }
    }

    /// All that `is_it`; nothing while the watch cannot be trusted.
    pub(super) fn list(
        &self,
        resource: &ApiResource,
        namespace: &str,
        is_it: impl Fn(&Object) -> bool,
    ) -> Option<Vec<Object>> {
        let kept = self.shelf(resource, namespace);
        let known = lock(&kept.known);
        known.is_whole.then(|| known.objects.values().filter(|it| is_it(it)).cloned().collect())
    }

    /// An object as the answer to an own read or write shows it.
    pub(super) fn answered(&self, resource: &ApiResource, namespace: &str, object: &Object) {
        let kept = self.shelf(resource, namespace);
        lock(&kept.known).put(object.clone());
    }

    /// An object that is gone by an own write, which had this version.
    pub(super) fn answered_gone(&self, resource: &ApiResource, namespace: &str, gone: &Object) {
        let kept = self.shelf(resource, namespace);
        let mut known = lock(&kept.known);
        known.gone.insert(gone.name().to_owned(), number(gone));
        known.objects.remove(gone.name());
    }
}

/// The version of an object as a number: they are comparable with etcd under them, and by promise since
/// Kubernetes 1.35.
fn number(object: &Object) -> u64 {
    object.version().parse().unwrap_or_default()
}

impl Known {
    /// An object was seen; one that is older than what is known changes nothing.
    fn put(&mut self, object: Object) {
        let (name, version) = (object.name().to_owned(), number(&object));
        let is_gone = self.gone.get(&name).is_some_and(|gone| version <= *gone);
        let is_old = self.objects.get(&name).is_some_and(|known| version < number(known));
        if !is_gone && !is_old {
            self.objects.insert(name, object);
        }
    }

    /// Takes in an event of the watch.
    fn take(&mut self, event: Event<DynamicObject>) {
        match event {
            Event::Init => self.staged.clear(),
            Event::InitApply(object) => {
                let object = slim(object);
                self.staged.insert(object.name().to_owned(), object);
            }
            Event::InitDone => {
                let staged = std::mem::take(&mut self.staged);
                // What was made since the list is told by an event after it.
                self.objects.retain(|name, _| staged.contains_key(name));
                for object in staged.into_values() {
                    self.put(object);
                }
                self.is_whole = true;
            }
            Event::Apply(object) => self.put(slim(object)),
            Event::Delete(object) => {
                let gone = slim(object);
                self.gone.remove(gone.name());
                let known = self.objects.get(gone.name()).map(number);
                if known.is_some_and(|known| known <= number(&gone)) {
                    self.objects.remove(gone.name());
                }
            }
        }
    }
}

/// The object without what nobody reads here.
fn slim(mut object: DynamicObject) -> Object {
    object.managed_fields_mut().clear();
    let value = serde_json::to_value(object).expect("what was read as JSON is written as JSON");
    Object(value)
}

/// Follows one kind as long as somebody reads it.
async fn follow(api: Api<DynamicObject>, shelf: Weak<Shelf>) {
    loop {
        let events = watcher(api.clone(), watcher::Config::default()).default_backoff();
        let events = events.take_until(tokio::time::sleep(LIST_EVERY));
        tokio::pin!(events);
        while let Some(event) = events.next().await {
            let Some(kept) = shelf.upgrade() else { return };
            let mut known = lock(&kept.known);
            match event {
                Ok(event) => known.take(event),
                Err(error) => {
                    tracing::debug!(%error, "a watch failed; routers read for themselves");
                    known.is_whole = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, version: u64) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": name, "resourceVersion": version.to_string() },
        }))
        .unwrap()
    }

    fn version(known: &Known, name: &str) -> Option<u64> {
        known.objects.get(name).map(number)
    }

    #[test]
    fn what_is_older_changes_nothing() {
        let mut known = Known::default();
        known.take(Event::Init);
        known.take(Event::InitApply(object("a", 5)));
        assert!(!known.is_whole);
        known.take(Event::InitDone);
        assert!(known.is_whole);
        // The answer to an own write comes before its event.
        known.put(slim(object("a", 7)));
        known.take(Event::Apply(object("a", 6)));
        assert_eq!(version(&known, "a"), Some(7));
        known.take(Event::Delete(object("a", 6)));
        assert_eq!(version(&known, "a"), Some(7));
        known.take(Event::Delete(object("a", 8)));
        assert_eq!(version(&known, "a"), None);
    }

    #[test]
    fn what_an_own_write_deleted_does_not_come_back_late() {
        let mut known = Known::default();
        known.put(slim(object("a", 5)));
        known.gone.insert("a".to_owned(), 5);
        known.objects.remove("a");
        known.take(Event::Apply(object("a", 5)));
        assert_eq!(version(&known, "a"), None);
        known.take(Event::Apply(object("a", 9)));
        assert_eq!(version(&known, "a"), Some(9), "somebody made it anew");
    }
}
