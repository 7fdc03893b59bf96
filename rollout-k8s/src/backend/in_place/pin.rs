//! Pin: checks a template whose pods are replaced in place, as far as it can be without touching one.
//!
//! Where the object is there, the API server judges the change of it as a dry run, and refuses what nobody can
//! change: the volume claims, the order, the Service of a `StatefulSet`. Where it is not, its creation is tried.

use kube::{Api, api::Patch};
use rollout_core::{engine::Revision, id::WorkloadId, port::PinError};
use rollout_runtime::digest_id;
use serde_json::{Value, json};

use super::{
    super::{
        EnrolBy, KubernetesBackend,
        facts::{InPlaceFacts, InPlaceObject},
        pin::{self, alone, judged, same, wrong},
        scale::post,
        watch::Stamped,
    },
    body,
    divide::trial,
    name,
};
use crate::{
    labels,
    outcome::{Failed, ask, ask_for},
};

/// Checks `template` and returns it as it is.
pub(in crate::backend) async fn pin<K: InPlaceObject>(
    backend: &KubernetesBackend,
    workload: &WorkloadId,
    template: &Value,
) -> Result<Value, PinError>
where
    InPlaceFacts<K>: Stamped<Object = K>,
{
    alone(&backend.namespace, K::CONTROLLER, template)?;
    same(backend, workload, template)?;
    if backend.options.enrol_by == EnrolBy::ReadinessGate {
        return Err(wrong(
            "traffic.kubernetes.enrol_by",
            "pods that are replaced in place are taken out of traffic by a label",
            "leave it out",
        ));
    }
    let revision = Revision { id: digest_id(template), template: template.clone() };
    let said = tried::<K>(backend, workload, &revision).await?;
    judged(workload, revision, said)
}

/// What the server says of it.
async fn tried<K: InPlaceObject>(
    backend: &KubernetesBackend,
    workload: &WorkloadId,
    revision: &Revision,
) -> Result<Result<(), Failed>, PinError>
where
    InPlaceFacts<K>: Stamped<Object = K>,
{
    let (kind, name) = (K::CONTROLLER, name(workload));
    let api: Api<K> = Api::namespaced(backend.watches.client.clone(), &backend.namespace);
    let found = match ask_for(api.get(name)).await {
        Ok(found) => found,
        Err(failed) => return Ok(Err(failed)),
    };
    let Some(found) = found else {
        let order = pin::trial(workload, revision);
        let body = body::whole(kind, &backend.namespace, (&order, ""), revision, 0);
        return Ok(post::<K>(backend, &backend.namespace, &body, true).await.map(drop));
    };
    let label = found.meta().labels.as_ref().and_then(|all| all.get(labels::WORKLOAD));
    if label.map(String::as_str) != Some(name) {
        return Err(wrong(
            "workload",
            format!("there is a {kind}/{name} that is not of this rollout"),
            format!("adopt it with `rollout adopt {}/{name}`", kind.to_string().to_lowercase()),
        ));
    }
    let mut spec = body::own_fields(revision);
    spec.insert("template".to_owned(), body::template(workload, revision));
    // The claims, and every list in the template, go whole in a merge patch, as in a new object.
    let patch = Patch::Merge(json!({ "spec": spec }));
    Ok(ask(api.patch(name, &trial(), &patch)).await.map(drop))
}
