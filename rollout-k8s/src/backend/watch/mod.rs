//! Watches: what makes the pods of all workloads, and the pods, watched once and kept.
//!
//! In: two watches, of `ReplicaSet`s and of pods, and one more for each other kind that somebody asks for; each
//! is begun anew with a list every ten minutes. Out: what is known of each workload, and hints; and the
//! readiness gates of new pods are opened. In steady state nothing else is read. A list of one workload is read where a watch fails, or says
//! nothing about a workload that was written to.

mod births;
mod cache;
mod held;
mod kept;
mod shelf;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use k8s_openapi::api::{
    apps::v1::{DaemonSet, StatefulSet},
    core::v1::Pod,
};
use kube::{
    Api, Client, Resource,
    api::ListParams,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watcher},
    },
};
use tokio::task::AbortHandle;

use self::births::Births;
pub(super) use self::{
    cache::Cache,
    held::Held,
    kept::{Kept, Key, Stamped},
};
use super::{
    Controller,
    facts::{InPlaceFacts, PodFacts, SetFacts, Version},
};
use crate::{
    labels,
    outcome::{ANSWER_WITHIN, Failed, ask},
    router::mirror::Mirror,
};

/// Time after which a watch is begun anew with a list, so that whatever it lost is found.
pub(crate) const LIST_EVERY: Duration = Duration::from_secs(600);
/// A workload that was written to within this time is one that moves.
const MOVES_FOR: Duration = Duration::from_secs(120);
/// How long a watch may say nothing about a workload that moves before it is listed, if it says nothing about others
/// either.
const SILENT_FOR: Duration = Duration::from_secs(15);
/// The same where it tells of others: then the cluster is slow, and lists would make it slower.
const SILENT_BESIDE_OTHERS: Duration = Duration::from_secs(60);
/// Shortest time between two lists of single workloads for that reason, whichever they are.
const LISTS_APART: Duration = Duration::from_millis(200);

/// Whose objects are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of every workload in every namespace.
    Cluster,
    /// Those of every workload in one namespace.
    Namespace(String),
    /// Those of one workload.
    Workload {
        /// Its namespace.
        namespace: String,
        /// Its name.
        workload: String,
    },
}

/// What makes the pods of many workloads, and the pods, watched once. Dropping it ends the watches.
pub struct Watches {
    pub(super) client: Client,
    pub(super) cache: Arc<Cache>,
    scope: Scope,
    /// When a workload may be listed next because the watches are silent about it.
    next_list: Mutex<Instant>,
    /// What routers read.
    mirror: Arc<Mirror>,
    tasks: [AbortHandle; 3],
    stateful: OnceLock<AbortHandle>,
    daemons: OnceLock<AbortHandle>,
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").finish_non_exhaustive()
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        let more = [self.stateful.get(), self.daemons.get()];
        for task in self.tasks.iter().chain(more.into_iter().flatten()) {
            task.abort();
        }
    }
}

impl Watches {
    /// Begins to watch. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(client: Client, scope: &Scope) -> Arc<Self> {
        let cache = Arc::new(Cache::new());
        let (births, opened) = Births::new(client.clone());
        let announce = move |event: &watcher::Event<Pod>| births.announce(event);
        let tasks = [
            begin::<SetFacts>(&client, scope, &cache, |_| ()),
            begin::<PodFacts>(&client, scope, &cache, announce),
            tokio::spawn(opened).abort_handle(),
        ];
        let mirror = Arc::new(Mirror::new(client.clone()));
        let next_list = Mutex::new(Instant::now());
        let (scope, stateful, daemons) = (scope.clone(), OnceLock::new(), OnceLock::new());
        Arc::new(Self { client, cache, scope, next_list, mirror, tasks, stateful, daemons })
    }

    /// What routers read, which share these watches.
    pub(crate) fn mirror(&self) -> Arc<Mirror> {
        Arc::clone(&self.mirror)
    }

    /// Watches what `controller` makes pods by as well, from the first call on. Must be called within a tokio
    /// runtime.
    pub(super) fn include(&self, controller: Controller) {
        let Self { client, cache, scope, .. } = self;
        match controller {
            Controller::ReplicaSet => (),
            Controller::StatefulSet => {
                let watch = || begin::<InPlaceFacts<StatefulSet>>(client, scope, cache, |_| ());
                self.stateful.get_or_init(watch);
            }
            Controller::DaemonSet => {
                let watch = || begin::<InPlaceFacts<DaemonSet>>(client, scope, cache, |_| ());
                self.daemons.get_or_init(watch);
            }
        }
    }

    /// Returns when everything about a workload is known as of now, as far as the watches can be trusted.
    pub(super) async fn settled(&self, controller: Controller, key: &Key) -> Result<(), Failed> {
        let mut standing = self.cache.standing();
        let listed = async {
            loop {
                {
                    let now = standing.borrow_and_update();
                    if now.is_listed(controller) {
                        return Ok(());
                    }
                    if let Some(failed) = now.failed(controller) {
                        return Err(failed.clone());
                    }
                }
                if standing.changed().await.is_err() {
                    return Err(Failed::Unknown("the watches have ended".to_owned()));
                }
            }
        };
        match tokio::time::timeout(ANSWER_WITHIN.to_std(), listed).await {
            Ok(listed) => listed?,
            Err(_) => {
                return Err(Failed::Unknown(format!(
                    "the API server did not list pods and {controller}s within {ANSWER_WITHIN}"
                )));
            }
        }
        let is_broken = standing.borrow().failed(controller).is_some();
        if is_broken || self.is_to_be_listed(controller, key) {
            self.list(controller, key).await
        } else {
            Ok(())
        }
    }

    /// Whether the watches say nothing about a workload of which they should have told something by now, and no
    /// other one was listed just now for that reason.
    fn is_to_be_listed(&self, controller: Controller, key: &Key) -> bool {
        let is_dead = SILENT_FOR <= self.cache.silent_for(controller);
        let silent = if is_dead { SILENT_FOR } else { SILENT_BESIDE_OTHERS };
        if !self.cache.with(key, |held| held.is_silent(MOVES_FOR, silent)) {
            return false;
        }
        let mut next = self.next_list.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now < *next {
            return false;
        }
        *next = now + LISTS_APART;
        true
    }

    /// Lists one workload.
    pub(super) async fn list(&self, controller: Controller, key: &Key) -> Result<(), Failed> {
        match controller {
            Controller::ReplicaSet => self.list_of::<SetFacts>(key).await?,
            Controller::StatefulSet => self.list_of::<InPlaceFacts<StatefulSet>>(key).await?,
            Controller::DaemonSet => self.list_of::<InPlaceFacts<DaemonSet>>(key).await?,
        }
        self.list_of::<PodFacts>(key).await?;
        self.cache.mended();
        Ok(())
    }

    /// Lists what one workload has of one kind.
    async fn list_of<F: Kept>(&self, key: &Key) -> Result<(), Failed> {
        let (namespace, workload) = key;
        let params = ListParams::default().labels(&format!("{}={workload}", labels::WORKLOAD));
        let api: Api<F::Object> = Api::namespaced(self.client.clone(), namespace);
        let listed = ask(api.list(&params)).await?;
        let version = Version::read(listed.metadata.resource_version.as_deref());
        self.cache.list::<F>(key, &listed.items, version);
        Ok(())
    }

    /// Hints that something about a workload changed. Many at once are one.
    pub(super) fn hints(&self, key: &Key) -> BoxStream<'static, ()> {
        let changed = self.cache.with(key, |held| held.listen());
        stream::unfold(changed, |mut changed| async move {
            changed.changed().await.ok()?;
            Some(((), changed))
        })
        .boxed()
    }
}

impl Scope {
    fn selector(&self) -> String {
        match self {
            Self::Cluster | Self::Namespace(_) => labels::WORKLOAD.to_owned(),
            Self::Workload { workload, .. } => format!("{}={workload}", labels::WORKLOAD),
        }
    }

    fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::Cluster => Api::all(client.clone()),
            Self::Namespace(namespace) | Self::Workload { namespace, .. } => {
                Api::namespaced(client.clone(), namespace)
            }
        }
    }
}

/// Begins to watch one kind; `told` sees every event first.
fn begin<F: Kept>(
    client: &Client,
    scope: &Scope,
    cache: &Arc<Cache>,
    told: impl Fn(&watcher::Event<F::Object>) + Send + 'static,
) -> AbortHandle {
    let config = watcher::Config::default().labels(&scope.selector());
    tokio::spawn(follow::<F>(scope.api(client), config, Arc::clone(cache), told)).abort_handle()
}

/// Follows one kind for ever, and lets `told` see every event first.
async fn follow<F: Kept>(
    api: Api<F::Object>,
    config: watcher::Config,
    cache: Arc<Cache>,
    told: impl Fn(&watcher::Event<F::Object>),
) {
    loop {
        let events = watcher(api.clone(), config.clone()).default_backoff();
        let events = events.take_until(tokio::time::sleep(LIST_EVERY));
        tokio::pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    told(&event);
                    cache.take::<F>(event);
                }
                Err(error) => cache.failed(F::KIND, failed(error)),
            }
        }
    }
}

/// What the failure of a watch means.
fn failed(error: watcher::Error) -> Failed {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error.into(),
        watcher::Error::WatchError(status) => kube::Error::Api(status).into(),
        watcher::Error::NoResourceVersion => {
            Failed::Unknown("the API server gave an object without resourceVersion".to_owned())
        }
    }
}
