//! What is kept of a Deployment, so that it can be handed back: a `ControllerRevision`, whose data the API
//! server lets nobody change.

use rollout_core::id::RevisionId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::{Kind, Object};
use crate::{backend::EnrolBy, labels};

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// The Deployment as a person would write it.
    pub(super) deployment: Value,
    /// Its uid.
    pub(super) uid: String,
    /// Its generation.
    pub(super) generation: u64,
    /// Name of its newest `ReplicaSet`.
    pub(super) replica_set: String,
    /// Revision that this becomes.
    pub(super) revision: RevisionId,
    /// What takes its pods in and out of traffic.
    #[serde(default)]
    pub(super) enrol_by: EnrolBy,
    /// Template of the spec, of which the revision's name is the digest.
    pub(super) template: Value,
}

impl Record {
    /// Name of the object that keeps it.
    pub(super) fn name(workload: &str) -> String {
        format!("{workload}-adopted")
    }

    /// Reads it back.
    pub(super) fn read(object: &Object) -> Result<Self, String> {
        serde_json::from_value(object.at(&["data"]).clone()).map_err(|error| error.to_string())
    }

    /// The object that keeps it.
    pub(super) fn object(&self, workload: &str, namespace: &str) -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": Kind::ControllerRevision.to_string(),
            "metadata": {
                "name": Self::name(workload),
                "namespace": namespace,
                "labels": { labels::WORKLOAD: workload },
            },
            "revision": 1,
            "data": self,
        })
    }
}

/// A Deployment as a person would write it: without what the cluster added.
pub(super) fn manifest(deployment: &Object) -> Value {
    let mut annotations = deployment.at(&["metadata", "annotations"]).clone();
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove(REVISION_NUMBER);
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": deployment.at(&["metadata", "name"]),
            "namespace": deployment.at(&["metadata", "namespace"]),
            "labels": deployment.at(&["metadata", "labels"]),
            "annotations": annotations,
        },
        "spec": deployment.at(&["spec"]),
    })
}

/// Annotation of the Deployment controller: number of the revision, on a Deployment and its `ReplicaSet`s.
pub(super) const REVISION_NUMBER: &str = "deployment.kubernetes.io/revision";
/// Label of the Deployment controller: hash of a pod template.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";
