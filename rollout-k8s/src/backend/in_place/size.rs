//! Size: a `StatefulSet` with so many places, or a `DaemonSet`, which has one for each node.

use k8s_openapi::api::apps::v1::DaemonSet;
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
};
use rollout_core::{
    engine::{Action, RefusalKind},
    id::{Mark, RevisionId},
};
use serde_json::json;

use super::{
    super::{
        Controller, KubernetesBackend,
        facts::{Facts as _, InPlace, InPlaceFacts, InPlaceObject},
        fence::{self, put},
        perform::invalid,
        scale::{post, size},
        watch::{Held, Key, Stamped},
    },
    acknowledged, body, divide, known, name, whole,
};
use crate::{
    labels,
    outcome::{Failed, ask_for},
};

/// So many places of a revision, as an action asks for them.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) backend: &'a KubernetesBackend,
    pub(super) key: &'a Key,
    pub(super) action: &'a Action,
    pub(super) revision: &'a RevisionId,
    pub(super) replicas: u64,
}

impl Asked<'_> {
    /// Makes as many places, of the revision where they are new.
    pub(super) async fn scale<K: InPlaceObject>(self) -> Result<Mark, Failed>
    where
        InPlaceFacts<K>: Stamped<Object = K>,
    {
        let Self { backend, key, replicas, .. } = self;
        let cache = &backend.watches.cache;
        match (known::<K>(backend, key)?, K::CONTROLLER) {
            (None, _) if replicas == 0 => Ok(cache.with(key, Held::acknowledged)),
            (None, _) => Box::pin(self.create::<K>()).await,
            (Some(set), Controller::DaemonSet) if replicas == 0 => delete(backend, key, &set).await,
            (Some(_), Controller::DaemonSet) => Ok(cache.with(key, Held::acknowledged)),
            (Some(set), Controller::StatefulSet | Controller::ReplicaSet) => {
                self.resize::<K>(&set).await
            }
        }
    }

    /// Writes the size of a set that exists and is of one revision.
    async fn resize<K: InPlaceObject>(self, set: &InPlace) -> Result<Mark, Failed>
    where
        InPlaceFacts<K>: Stamped<Object = K>,
    {
        let Self { backend, key, action, revision, replicas } = self;
        if set.division.revision != *revision {
            let why = format!("places of {revision} are asked for, but {}", set.division);
            return Err(Failed::never(RefusalKind::Invalid, why));
        }
        let epoch = action.epoch.0.to_string();
        if set.places == replicas && set.epoch.as_ref() == Some(&epoch) {
            return Ok(backend.watches.cache.with(key, Held::acknowledged));
        }
        let mut patch = divide::conditions::<K>(set);
        let size = size(replicas)?;
        patch.push(json!({ "op": "replace", "path": "/spec/replicas", "value": size }));
        patch.push(put(labels::EPOCH, &epoch));
        patch.push(put(labels::ATTEMPT, &action.attempt.0.to_string()));
        divide::write::<K>(backend, key, action, set, patch).await
    }

    /// Makes the object.
    async fn create<K: InPlaceObject>(self) -> Result<Mark, Failed>
    where
        InPlaceFacts<K>: Stamped<Object = K>,
    {
        let Self { backend, key, action, revision, replicas } = self;
        let whole = whole(action, revision)?;
        size(replicas)?;
        let reign = fence::still(&backend.watches.client, &key.0, action).await?;
        let body = body::whole(K::CONTROLLER, &key.0, (action, &reign.owner), whole, replicas);
        match post::<K>(backend, &key.0, &body, false).await {
            Ok(written) => Ok(acknowledged::<K>(backend, key, &written)),
            Err(Failed::Refused(RefusalKind::Conflict, ..)) => self.exists::<K>().await,
            Err(failed) => Err(failed),
        }
    }

    /// There is an object of that name: an own write whose answer was lost, or somebody else's.
    async fn exists<K: InPlaceObject>(self) -> Result<Mark, Failed>
    where
        InPlaceFacts<K>: Stamped<Object = K>,
    {
        let Self { backend, key, action, revision, .. } = self;
        let (kind, name) = (K::CONTROLLER, name(&action.workload));
        let api: Api<K> = Api::namespaced(backend.watches.client.clone(), &key.0);
        let going = || Failed::now(RefusalKind::Conflict, format!("the {kind} {name} is going"));
        let found = ask_for(api.get(name)).await?.ok_or_else(going)?;
        let label = found.meta().labels.as_ref().and_then(|all| all.get(labels::WORKLOAD));
        let is_ours = label.map(String::as_str) == Some(name);
        let Some(facts) = InPlaceFacts::<K>::read(&found).filter(|_| is_ours) else {
            let why = format!(
                "the {kind} {name} is not of this rollout and is left alone; adopt it first"
            );
            return Err(Failed::never(RefusalKind::Conflict, why));
        };
        let set = facts.set.clone();
        if set.deleting {
            return Err(going());
        }
        backend.watches.cache.answered(key, name, facts);
        match kind {
            Controller::DaemonSet if set.division.revision == *revision => {
                Ok(acknowledged::<K>(backend, key, &found))
            }
            Controller::DaemonSet => Err(invalid("the DaemonSet is there, of another revision")),
            Controller::StatefulSet | Controller::ReplicaSet => self.resize::<K>(&set).await,
        }
    }
}

/// Deletes a `DaemonSet`, which cannot be made smaller.
async fn delete(backend: &KubernetesBackend, key: &Key, set: &InPlace) -> Result<Mark, Failed> {
    let api: Api<DaemonSet> = Api::namespaced(backend.watches.client.clone(), &key.0);
    let preconditions = Preconditions { uid: Some(set.uid.clone()), resource_version: None };
    let params = DeleteParams::background().preconditions(preconditions);
    let cache = &backend.watches.cache;
    ask_for(api.delete(&set.name, &params)).await?;
    cache.answered_gone::<InPlaceFacts<DaemonSet>>(key, &set.name);
    Ok(cache.with(key, Held::acknowledged))
}
