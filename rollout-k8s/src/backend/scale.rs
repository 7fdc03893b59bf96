//! Scale: a `ReplicaSet` of a size.
//!
//! One that exists gets its size by one JSON patch, on the condition that it still carries the epoch and the
//! size known here. So an older engine is refused as fenced, and what a person has changed meanwhile is a
//! conflict until an observation has shown it. The scale subresource has no such condition to offer: its
//! object shows neither labels nor annotations.

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::{Api, api::PostParams};
use rollout_core::{
    engine::{Action, RefusalKind, Revision},
    id::{Mark, RevisionId},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    KubernetesBackend, body,
    facts::{Facts as _, SetFacts},
    fence::{self, path, put},
    history,
    watch::{Held, Key},
};
use crate::{
    labels,
    outcome::{Failed, ask, ask_for},
};

/// Makes the pool of `revision` have `replicas` pods.
pub(super) async fn scale(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    revision: &RevisionId,
    replicas: u64,
) -> Result<Mark, Failed> {
    let (known, told) = backend
        .watches
        .cache
        .with(key, |held| (held.set_of(revision).cloned(), held.told.get(revision).copied()));
    match known {
        Some(set) => resize(backend, key, action, &set, told, replicas).await,
        None if replicas == 0 => Ok(backend.watches.cache.with(key, Held::acknowledged)),
        None => Box::pin(create(backend, key, action, revision, replicas)).await,
    }
}

/// The size as Kubernetes counts it.
pub(super) fn size(replicas: u64) -> Result<i32, Failed> {
    i32::try_from(replicas).map_err(|_| {
        let most = i32::MAX;
        let why = format!("{replicas} replicas are asked for, Kubernetes takes at most {most}");
        Failed::never(RefusalKind::Invalid, why)
    })
}

/// Writes the size of a set that exists.
async fn resize(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    set: &SetFacts,
    told: Option<u64>,
    replicas: u64,
) -> Result<Mark, Failed> {
    if told.is_some_and(|told| told != set.replicas) {
        return Err(resized(set));
    }
    let epoch = action.epoch.0.to_string();
    if set.replicas == replicas && set.epoch.as_ref() == Some(&epoch) {
        return Ok(backend.watches.cache.with(key, Held::acknowledged));
    }
    let patch = vec![
        json!({ "op": "test", "path": path(labels::EPOCH), "value": set.epoch }),
        json!({ "op": "test", "path": "/spec/replicas", "value": set.replicas }),
        json!({ "op": "replace", "path": "/spec/replicas", "value": size(replicas)? }),
        put(labels::EPOCH, &epoch),
        put(labels::ATTEMPT, &action.attempt.0.to_string()),
    ];
    match fence::write::<SetFacts>(&backend.watches.client, &key.0, &set.name, patch).await {
        Ok(Some(written)) => Ok(acknowledged(backend, key, &written)),
        Ok(None) => {
            backend.watches.cache.answered_gone::<SetFacts>(key, &set.name);
            let why = format!("the ReplicaSet {} was deleted", set.name);
            Err(Failed::now(RefusalKind::Missing, why))
        }
        // A condition that does not hold is answered like a mistake in the patch.
        Err(Failed::Refused(RefusalKind::Invalid, _, why)) => {
            Err(mismatch(backend, key, action, set, why).await)
        }
        Err(failed) => Err(failed),
    }
}

/// Why a patch was not made that names conditions.
async fn mismatch(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    known: &SetFacts,
    why: String,
) -> Failed {
    let api: Api<ReplicaSet> = Api::namespaced(backend.watches.client.clone(), &key.0);
    let found = match ask_for(api.get(&known.name)).await {
        Ok(found) => found,
        Err(failed) => return failed,
    };
    let Some(set) = found.as_ref().and_then(SetFacts::read) else {
        let why = format!("the ReplicaSet {} is gone or no longer ours", known.name);
        return Failed::now(RefusalKind::Missing, why);
    };
    if let Some(epoch) = set.epoch().filter(|epoch| action.epoch < *epoch) {
        return backend.fenced(action, epoch);
    }
    if set.replicas != known.replicas {
        return resized(&set);
    }
    if set.epoch != known.epoch {
        let why = format!("the ReplicaSet {} was written to by another engine", set.name);
        return Failed::now(RefusalKind::Conflict, why);
    }
    Failed::never(RefusalKind::Invalid, why)
}

/// Somebody else has changed the size since it was observed last.
fn resized(set: &SetFacts) -> Failed {
    let by = set.sized_by.as_deref().unwrap_or("somebody");
    let SetFacts { name, replicas, .. } = set;
    Failed::now(
        RefusalKind::Conflict,
        format!("`{by}` set the ReplicaSet {name} to {replicas} replicas since it was seen last"),
    )
}

/// Takes in the answer to a write.
fn acknowledged(backend: &KubernetesBackend, key: &Key, written: &ReplicaSet) -> Mark {
    let cache = &backend.watches.cache;
    let Some(set) = SetFacts::read(written) else {
        return cache.with(key, Held::acknowledged);
    };
    cache.answered(key, &set.name.clone(), set.clone());
    cache.with(key, |held| held.acknowledged_set(&set))
}

/// Makes the set of a revision.
async fn create(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    revision: &RevisionId,
    replicas: u64,
) -> Result<Mark, Failed> {
    let whole = action.revision.as_deref().filter(|whole| whole.id == *revision);
    let Some(whole) = whole else {
        return Err(Failed::never(
            RefusalKind::Invalid,
            "the order to make a ReplicaSet came without its revision",
        ));
    };
    size(replicas)?;
    let client = &backend.watches.client;
    let reign = fence::still(client, &key.0, action).await?;
    let body = body::replica_set(&key.0, action, &reign.owner, whole, replicas);
    match post::<ReplicaSet>(backend, &key.0, &body, false).await {
        Ok(written) => {
            let mark = acknowledged(backend, key, &written);
            history::prune(backend, key).await;
            if let Some(router) = &backend.router {
                let outcome = router.introduce(&action.workload, revision, action.epoch).await;
                // A route binds its Services itself; this only lets people look before there is one.
                tracing::debug!(%revision, %outcome, "introduced");
            }
            Ok(mark)
        }
        Err(Failed::Refused(RefusalKind::Conflict, ..)) => {
            exists(backend, key, action, whole, replicas).await
        }
        Err(failed) => Err(failed),
    }
}

/// Posts what makes pods; `trial`: only to hear what the server says.
pub(super) async fn post<K>(
    backend: &KubernetesBackend,
    namespace: &str,
    body: &Value,
    trial: bool,
) -> Result<K, Failed>
where
    K: kube::Resource<DynamicType = ()> + DeserializeOwned,
{
    let params =
        PostParams { dry_run: trial, field_manager: Some(labels::FIELD_MANAGER.to_owned()) };
    let url = K::url_path(&(), Some(namespace));
    ask(async {
        let body = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
        let request = kube::core::Request::new(url).create(&params, body);
        let mut request = request.map_err(kube::Error::BuildRequest)?;
        // A field that the server does not know would be dropped silently.
        let strict = format!("{}&fieldValidation=Strict", request.uri());
        if let Ok(uri) = strict.parse() {
            *request.uri_mut() = uri;
        }
        backend.watches.client.request::<K>(request).await
    })
    .await
}

/// There is a set of that name: an own write whose answer was lost, or somebody else's.
async fn exists(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    revision: &Revision,
    replicas: u64,
) -> Result<Mark, Failed> {
    let name = body::name(&action.workload, &revision.id);
    let api: Api<ReplicaSet> = Api::namespaced(backend.watches.client.clone(), &key.0);
    let found = ask_for(api.get(&name)).await?;
    let Some(found) = found else {
        return Err(Failed::now(RefusalKind::Conflict, format!("the ReplicaSet {name} is going")));
    };
    let label = |label: &str| found.metadata.labels.as_ref()?.get(label).map(String::as_str);
    let is_ours = label(labels::WORKLOAD) == Some(action.workload.as_str())
        && label(labels::REVISION) == Some(revision.id.as_str());
    let Some(set) = SetFacts::read(&found).filter(|_| is_ours) else {
        return Err(Failed::never(
            RefusalKind::Conflict,
            format!(
                "the ReplicaSet {name} is not of this rollout and is left alone; delete it, or choose \
                 another revision"
            ),
        ));
    };
    if set.deleting {
        return Err(Failed::now(RefusalKind::Conflict, format!("the ReplicaSet {name} is going")));
    }
    backend.watches.cache.answered(key, &name, set.clone());
    resize(backend, key, action, &set, None, replicas).await
}
