//! Watches: the `ReplicaSet`s and pods of all workloads, watched once and kept.
//!
//! In: two watches, each begun anew with a list every ten minutes. Out: what is known of each workload, and
//! hints; and the readiness gates of new pods are opened. In steady state nothing else is read. A list of one workload is read where a watch fails, or says
//! nothing about a workload that was written to.

mod births;
mod cache;
mod held;
mod kept;
mod shelf;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use kube::{
    Api, Client, Resource,
    api::ListParams,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watcher},
    },
};
use serde::de::DeserializeOwned;
use tokio::task::AbortHandle;

use self::births::Births;
pub(super) use self::{
    cache::Cache,
    held::Held,
    kept::{Kept, Key},
};
use super::facts::{PodFacts, SetFacts, Version};
use crate::{
    labels,
    outcome::{ANSWER_WITHIN, Failed, ask},
    router::mirror::Mirror,
};

/// Time after which a watch is begun anew with a list, so that whatever it lost is found.
pub(crate) const LIST_EVERY: Duration = Duration::from_secs(600);
/// A workload that was written to within this time is one that moves.
const MOVES_FOR: Duration = Duration::from_secs(120);
/// How long a watch may say nothing about a workload that moves before it is listed.
const SILENT_FOR: Duration = Duration::from_secs(15);

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

/// The `ReplicaSet`s and pods of many workloads, watched once. Dropping it ends the watches.
pub struct Watches {
    pub(super) client: Client,
    pub(super) cache: Arc<Cache>,
    /// What routers read.
    mirror: Arc<Mirror>,
    tasks: [AbortHandle; 3],
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").finish_non_exhaustive()
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Watches {
    /// Begins to watch. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(client: Client, scope: &Scope) -> Arc<Self> {
        let cache = Arc::new(Cache::new());
        let config = watcher::Config::default().labels(&scope.selector());
        let sets: Api<ReplicaSet> = scope.api(&client);
        let pods: Api<Pod> = scope.api(&client);
        let (births, opened) = Births::new(client.clone());
        let sets = follow::<SetFacts>(sets, config.clone(), Arc::clone(&cache), |_| ());
        let announce = move |event: &watcher::Event<Pod>| births.announce(event);
        let pods = follow::<PodFacts>(pods, config, Arc::clone(&cache), announce);
        let tasks = [tokio::spawn(sets), tokio::spawn(pods), tokio::spawn(opened)];
        let tasks = tasks.map(|task| task.abort_handle());
        let mirror = Arc::new(Mirror::new(client.clone()));
        Arc::new(Self { client, cache, mirror, tasks })
    }

    /// What routers read, which share these watches.
    pub(crate) fn mirror(&self) -> Arc<Mirror> {
        Arc::clone(&self.mirror)
    }

    /// Returns when everything about a workload is known as of now, as far as the watches can be trusted.
    pub(super) async fn settled(&self, key: &Key) -> Result<(), Failed> {
        let mut standing = self.cache.standing();
        let listed = async {
            loop {
                {
                    let now = standing.borrow_and_update();
                    if now.is_listed() {
                        return Ok(());
                    }
                    if let Some(failed) = now.failed() {
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
                    "the API server did not list pods and ReplicaSets within {ANSWER_WITHIN}"
                )));
            }
        }
        let is_broken = standing.borrow().failed().is_some();
        let is_silent = self.cache.with(key, |held| held.is_silent(MOVES_FOR, SILENT_FOR));
        if is_broken || is_silent { self.list(key).await } else { Ok(()) }
    }

    /// Lists one workload.
    pub(super) async fn list(&self, key: &Key) -> Result<(), Failed> {
        let (namespace, workload) = key;
        let params = ListParams::default().labels(&format!("{}={workload}", labels::WORKLOAD));
        let sets: Api<ReplicaSet> = Api::namespaced(self.client.clone(), namespace);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let sets = ask(sets.list(&params)).await?;
        let pods = ask(pods.list(&params)).await?;
        let version = |text: &Option<String>| Version::read(text.as_deref());
        let cache = &self.cache;
        cache.list::<SetFacts>(key, &sets.items, version(&sets.metadata.resource_version));
        cache.list::<PodFacts>(key, &pods.items, version(&pods.metadata.resource_version));
        cache.mended();
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

/// Follows one kind for ever, and lets `told` see every event first.
async fn follow<F: Kept>(
    api: Api<F::Object>,
    config: watcher::Config,
    cache: Arc<Cache>,
    told: impl Fn(&watcher::Event<F::Object>),
) where
    F::Object: Clone + fmt::Debug + DeserializeOwned + Send + 'static,
{
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
