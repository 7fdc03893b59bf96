//! What is kept of a `StatefulSet` or a `DaemonSet`, so that it can be handed back.

use rollout_core::id::RevisionId;
use rollout_runtime::digest_id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{
    error::AdoptError,
    object::{Kind, Object},
    record, spec,
    world::World,
};
use crate::{backend::EnrolBy, labels};

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// The object as a person would write it.
    pub(super) object: Value,
    /// Revision that this becomes.
    pub(super) revision: RevisionId,
    /// Template of the spec, of which the revision's name is the digest.
    pub(super) template: Value,
}

impl Record {
    /// Reads what is there.
    pub(super) fn new(world: &World, kind: Kind, set: &Object) -> Result<Self, AdoptError> {
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": kind.to_string(),
            "metadata": {
                "name": set.at(&["metadata", "name"]),
                "namespace": set.at(&["metadata", "namespace"]),
                "labels": set.at(&["metadata", "labels"]),
            },
            "spec": set.at(&["spec"]),
        });
        let template = spec::read(world, kind, &object, EnrolBy::Label)?.spec.template.clone();
        Ok(Self { object, revision: digest_id(&template), template })
    }

    /// Reads it back.
    pub(super) fn read(object: &Object) -> Result<Self, String> {
        serde_json::from_value(object.at(&["data"]).clone()).map_err(|error| error.to_string())
    }

    /// The object that keeps it.
    pub(super) fn kept_in(&self, world: &World) -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": Kind::ControllerRevision.to_string(),
            "metadata": {
                "name": record::Record::name(&world.name),
                "namespace": world.namespace,
                "labels": { labels::WORKLOAD: world.name },
            },
            "revision": 1,
            "data": self,
        })
    }

    /// Labels of the pods before the adoption.
    pub(super) fn labels(&self) -> &Value {
        &self.object["spec"]["template"]["metadata"]["labels"]
    }

    /// `spec.updateStrategy` before the adoption.
    pub(super) fn strategy(&self) -> &Value {
        &self.object["spec"]["updateStrategy"]
    }
}
