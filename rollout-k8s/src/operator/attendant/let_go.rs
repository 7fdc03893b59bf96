//! Before an object goes, its engine has let go: what it had drained gets traffic again.
//!
//! `ReplicaSet`s and pods stay as they are and go on serving and healing; the route stays as it is in force.
//!
//! Verbs: `rollouts` patch; `pods` list, patch.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::super::key::Key;
use crate::{
    crd::Rollout,
    labels::{DELETION_COST, FINALIZER, SERVING, SERVING_VALUE, WORKLOAD},
};

/// Longest wait for one answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// A call that did not go well.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Refused(#[from] kube::Error),
    #[error("no answer within {} s", ANSWERED_WITHIN.as_secs())]
    Late,
}

/// The answer to `call`, which is boxed: it is of 8 kB, and every attendant would have room for one all the time.
pub(super) fn within<T>(
    call: impl Future<Output = Result<T, kube::Error>>,
) -> impl Future<Output = Result<T, CallError>> {
    let answer = tokio::time::timeout(ANSWERED_WITHIN, Box::pin(call));
    async {
        match answer.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(CallError::Late),
        }
    }
}

/// Makes sure that the object does not go before its engine has let go.
pub(super) async fn hold(api: &Api<Rollout>, rollout: &Rollout) -> Result<(), CallError> {
    if place(rollout).is_some() {
        return Ok(());
    }
    let patch = if rollout.finalizers().is_empty() {
        json!([
            {"op": "test", "path": "/metadata/finalizers", "value": null},
            {"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]},
        ])
    } else {
        json!([{"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER}])
    };
    write(api, rollout, patch).await
}

/// Gives traffic back to every pod that was drained, then lets the object go.
pub(super) async fn let_go(client: &Client, key: &Key, rollout: &Rollout) -> Result<(), CallError> {
    let Some(place) = place(rollout) else { return Ok(()) };
    let pods: Api<Pod> = Api::namespaced(client.clone(), &key.namespace);
    let drained = format!("{WORKLOAD}={},{SERVING}!={SERVING_VALUE}", key.name);
    let drained = within(pods.list(&ListParams::default().labels(&drained))).await?;
    let back = json!({"metadata": {
        "labels": { SERVING: SERVING_VALUE },
        "annotations": { DELETION_COST: null },
    }});
    for pod in drained.items.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()) {
        let name = pod.name_any();
        let (params, patch) = (PatchParams::default(), Patch::Merge(&back));
        match within(pods.patch(&name, &params, &patch)).await {
            Err(CallError::Refused(kube::Error::Api(status))) if status.is_not_found() => (),
            patched => drop(patched?),
        }
    }
    let api: Api<Rollout> = Api::namespaced(client.clone(), &key.namespace);
    let ours = format!("/metadata/finalizers/{place}");
    let patch = json!([
        {"op": "test", "path": ours, "value": FINALIZER},
        {"op": "remove", "path": ours},
    ]);
    match write(&api, rollout, patch).await {
        Err(CallError::Refused(kube::Error::Api(status))) if status.is_not_found() => Ok(()),
        written => written,
    }
}

/// Where our finalizer stands among those of the object.
fn place(rollout: &Rollout) -> Option<usize> {
    rollout.finalizers().iter().position(|one| one == FINALIZER)
}

async fn write(api: &Api<Rollout>, rollout: &Rollout, patch: Value) -> Result<(), CallError> {
    let patch = serde_json::from_value(patch).expect("it is a JSON patch");
    let name = rollout.name_any();
    let patch: Patch<()> = Patch::Json(patch);
    within(api.patch(&name, &PatchParams::default(), &patch)).await.map(drop)
}
