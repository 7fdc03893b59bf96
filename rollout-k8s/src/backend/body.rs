//! Body: the `ReplicaSet` of a revision as it is written down.
//!
//! It is written as JSON, not as a type of this crate: a field of a pod that is newer than the crate is
//! passed on, and it is the API server that says whether it knows it.

use rollout_core::{
    engine::{Action, Revision},
    id::{RevisionId, WorkloadId},
};
use rollout_runtime::digest_id;
use serde_json::{Map, Value, json};

use crate::labels;

/// Longest name: pods and their host names are made from it.
const LONGEST: usize = 63;
/// Characters of a digest in a name that was shortened, with the dash before them.
const DIGEST: usize = 13;

/// Name of the `ReplicaSet` of a revision that has none yet.
pub(super) fn name(workload: &WorkloadId, revision: &RevisionId) -> String {
    let name = format!("{workload}-{revision}");
    if name.len() <= LONGEST {
        return name;
    }
    let digest = digest_id(&Value::from(name.as_str()));
    // Names have no character beyond ASCII.
    let begin = name[..LONGEST - DIGEST].trim_end_matches(['-', '.']);
    format!("{begin}-{digest}")
}

/// The `ReplicaSet` that `action` asks for.
pub(super) fn replica_set(
    namespace: &str,
    action: &Action,
    owner: &str,
    revision: &Revision,
    replicas: u64,
) -> Value {
    let own = json!({
        labels::WORKLOAD: action.workload,
        labels::REVISION: revision.id,
    });
    let name = name(&action.workload, &revision.id);
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata((namespace, &name), &own, (action, owner), revision),
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": own },
            "template": pod_template(&action.workload, revision),
        },
    })
}

/// Who made what makes the pods of a revision, on which order, and of what.
pub(super) fn metadata(
    (namespace, name): (&str, &str),
    own: &Value,
    (action, owner): (&Action, &str),
    revision: &Revision,
) -> Value {
    json!({
        "name": name,
        "namespace": namespace,
        "labels": own,
        "annotations": {
            labels::EPOCH: action.epoch.0.to_string(),
            labels::OWNER: owner,
            labels::ATTEMPT: action.attempt.0.to_string(),
            labels::TEMPLATE: revision.template.to_string(),
        },
    })
}

/// The pod template of a revision with our labels.
pub(super) fn pod_template(workload: &WorkloadId, revision: &Revision) -> Value {
    let mut template = revision.template.clone();
    let Value::Object(fields) = &mut template else { return template };
    let metadata = object(fields, "metadata");
    // What the server itself fills in is null in files that were written by a program.
    metadata.retain(|_, value| !value.is_null());
    let labels = object(metadata, "labels");
    labels.insert(labels::WORKLOAD.to_owned(), workload.as_str().into());
    labels.insert(labels::REVISION.to_owned(), revision.id.as_str().into());
    labels.insert(labels::SERVING.to_owned(), labels::SERVING_VALUE.into());
    template
}

/// The object in a field, made if it is not there.
fn object<'a>(fields: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = fields.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was just made one")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rollout_core::{
        engine::Effect,
        id::{ActionId, Attempt, Epoch},
    };

    use super::*;

    fn names(workload: &str, revision: &str) -> String {
        name(&WorkloadId::new(workload).unwrap(), &RevisionId::new(revision).unwrap())
    }

    #[test]
    fn long_names_are_shortened_and_stay_apart() {
        assert_eq!(names("web", "v1"), "web-v1");
        let (one, other) = (names(&"w".repeat(63), "v1"), names(&"w".repeat(63), "v2"));
        assert!(one != other && one.len() == 63, "{one} {other}");
        let dashed = names(&format!("{}-{}", "w".repeat(48), "x".repeat(10)), "v1");
        assert!(dashed.len() <= 63 && !dashed.contains("--"), "{dashed}");
    }

    #[test]
    fn a_set_is_complete_and_its_selector_has_no_serving_label() {
        let template = json!({
            "metadata": { "creationTimestamp": null, "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "web", "image": "web:2", "newField": 1 }] },
        });
        let revision = Arc::new(Revision { id: RevisionId::new("v2").unwrap(), template });
        let action = Action {
            id: ActionId(1),
            epoch: Epoch(7),
            attempt: Attempt(3),
            workload: WorkloadId::new("web").unwrap(),
            revision: Some(revision.clone()),
            effect: Effect::Scale { revision: revision.id.clone(), replicas: 4 },
        };
        let set = replica_set("prod", &action, "me", &revision, 4);
        assert_eq!(
            set["spec"]["selector"]["matchLabels"],
            json!({ "rollout-engine.dev/workload": "web", "rollout-engine.dev/revision": "v2" })
        );
        assert_eq!(
            set["spec"]["template"],
            json!({
                "metadata": { "labels": {
                    "app": "web",
                    "rollout-engine.dev/workload": "web",
                    "rollout-engine.dev/revision": "v2",
                    "rollout-engine.dev/serving": "yes",
                } },
                "spec": { "containers": [{ "name": "web", "image": "web:2", "newField": 1 }] },
            })
        );
        let annotations = &set["metadata"]["annotations"];
        assert_eq!(annotations[labels::EPOCH], "7");
        let kept: Value =
            serde_json::from_str(annotations[labels::TEMPLATE].as_str().unwrap()).unwrap();
        assert_eq!(kept, revision.template);
    }
}
