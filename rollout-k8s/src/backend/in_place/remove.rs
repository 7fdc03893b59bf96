//! Remove: takes one pod away, by uid, in its own time; another one comes to its place.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
};
use rollout_core::{
    engine::RefusalKind,
    id::{InstanceId, Mark, WorkloadId},
};

use super::super::{
    KubernetesBackend,
    facts::{Facts as _, PodFacts, identity},
    watch::{Held, Key},
};
use crate::outcome::{Failed, ask_for};

/// Takes a pod away. One that is gone, or another of its name, was taken away before.
pub(in crate::backend) async fn remove(
    backend: &KubernetesBackend,
    key: &Key,
    workload: &WorkloadId,
    instance: &InstanceId,
) -> Result<Mark, Failed> {
    let (name, piece) = backend.controller.pod(instance);
    let api: Api<Pod> = Api::namespaced(backend.watches.client.clone(), &key.0);
    let cache = &backend.watches.cache;
    let done = || Ok(cache.with(key, Held::acknowledged));
    let known =
        cache.with(key, |held| held.pods.get(name).map(|pod| (pod.uid.clone(), pod.terminating)));
    let uid = match known {
        Some((uid, true)) if uid.starts_with(piece) => return done(),
        Some((uid, false)) if uid.starts_with(piece) => uid,
        Some(_) => return done(),
        None => {
            let Some(pod) = ask_for(api.get(name)).await? else { return done() };
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            if !uid.starts_with(piece) {
                return done();
            }
            if identity(&pod.metadata).is_none_or(|(_, other, _)| other != workload.as_str()) {
                let why = format!("the pod {name} is not of this rollout and is left alone");
                return Err(Failed::never(RefusalKind::Conflict, why));
            }
            uid
        }
    };
    let preconditions = Preconditions { uid: Some(uid), resource_version: None };
    let params = DeleteParams::default().preconditions(preconditions);
    // Its uid may be another one by now: then it is refused, and a later look shows it.
    let deleted = ask_for(api.delete(name, &params)).await?;
    match deleted.and_then(|answer| PodFacts::read(&answer.left()?)) {
        Some(facts) => cache.answered(key, name, facts),
        None => cache.answered_gone::<PodFacts>(key, name),
    }
    done()
}
