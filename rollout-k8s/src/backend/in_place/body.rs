//! Body: a `StatefulSet` or a `DaemonSet` as it is written down, and the parts that divisions write.

use rollout_core::{
    engine::{Action, Reach, Revision},
    id::WorkloadId,
};
use serde_json::{Map, Value, json};

use super::super::{
    Controller,
    body::{metadata, pod_template},
};
use crate::{labels, outcome::Failed};

/// What makes the pods of a revision that is the first.
pub(super) fn whole(
    controller: Controller,
    namespace: &str,
    order: (&Action, &str),
    revision: &Revision,
    replicas: u64,
) -> Value {
    let workload = &order.0.workload;
    let (name, own) = (super::name(workload), json!({ labels::WORKLOAD: workload }));
    let mut spec = own_fields(revision);
    spec.insert("selector".to_owned(), json!({ "matchLabels": own }));
    spec.insert("template".to_owned(), template(workload, revision));
    match controller {
        Controller::StatefulSet | Controller::ReplicaSet => {
            spec.insert("replicas".to_owned(), json!(replicas));
            spec.insert("updateStrategy".to_owned(), rolling(0));
        }
        Controller::DaemonSet => {
            spec.insert("updateStrategy".to_owned(), on_delete());
        }
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": controller.to_string(),
        "metadata": metadata((namespace, name), &own, order, revision),
        "spec": spec,
    })
}

/// What the template says of the object itself: identity, order, storage.
pub(super) fn own_fields(revision: &Revision) -> Map<String, Value> {
    let mut fields = revision.template["controller"].as_object().cloned().unwrap_or_default();
    fields.remove("kind");
    fields
}

/// The pod template of a revision with our labels.
pub(super) fn template(workload: &WorkloadId, revision: &Revision) -> Value {
    let mut template = pod_template(workload, revision);
    if let Some(fields) = template.as_object_mut() {
        fields.remove("controller");
    }
    template
}

/// The strategy of a reach over so many places.
pub(super) fn strategy(reach: Reach, places: u64) -> Result<Value, Failed> {
    match reach {
        Reach::Vacated => Ok(on_delete()),
        Reach::First(first) => {
            let partition = places.checked_sub(first).ok_or_else(|| {
                super::invalid(&format!("{first} places are to be of it, and there are {places}"))
            })?;
            Ok(rolling(partition))
        }
    }
}

fn rolling(partition: u64) -> Value {
    json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": partition } })
}

fn on_delete() -> Value {
    json!({ "type": "OnDelete" })
}
