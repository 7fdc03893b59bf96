//! The definition that a cluster needs to know the kind: schema, scale, columns.

use serde_json::{Value, json};

use super::{KIND, PLURAL, VERSION, rules, status::RolloutStatus, structural};
use crate::labels::GROUP;

/// The `CustomResourceDefinition` of `Rollout`, as `kubectl apply` takes it.
#[must_use]
pub fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{PLURAL}.{GROUP}") },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": "RolloutList",
                "plural": PLURAL,
                "singular": "rollout",
                "shortNames": ["rlt"],
                "categories": ["all"],
            },
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.replicas",
                        "labelSelectorPath": ".status.selector",
                    },
                },
                "additionalPrinterColumns": columns(),
                "schema": { "openAPIV3Schema": schema() },
            }],
        },
    })
}

/// What `kubectl get` shows.
fn columns() -> Value {
    let column = |name: &str, kind: &str, path: &str, priority: i32| json!({"name": name, "type": kind, "jsonPath": path, "priority": priority});
    json!([
        column("Phase", "string", ".status.phase", 0),
        column("Desired", "integer", ".spec.replicas", 0),
        column("Updated", "integer", ".status.updatedReplicas", 0),
        column("Available", "integer", ".status.availableReplicas", 0),
        column("Weight", "string", ".status.weight", 0),
        column("Stage", "string", ".status.stage", 0),
        column("Age", "date", ".metadata.creationTimestamp", 0),
        column("Stable", "string", ".status.stableRevision", 1),
        column("Candidate", "string", ".status.candidateRevision", 1),
        column("Message", "string", ".status.message", 1),
    ])
}

fn schema() -> Value {
    json!({
        "type": "object",
        "description": "A workload and how to move it from one revision to the next without losing a request.",
        "required": ["spec"],
        "properties": {
            "apiVersion": { "type": "string" },
            "kind": { "type": "string" },
            "metadata": { "type": "object" },
            "spec": spec(),
            "status": status(),
        },
        "x-kubernetes-validations": rules::of_object(),
    })
}

fn spec() -> Value {
    let mut spec = structural::structural(&rollout_core::spec::schema());
    spec["description"] = "What is wanted. What is left out has its default.".into();
    // Both are the object's own.
    spec["required"] = json!([]);
    let properties = &mut spec["properties"];
    properties["version"]["default"] = 1.into();
    // The scale subresource takes what is not there for 0, and an autoscaler does nothing then.
    properties["replicas"]["default"] = 1.into();
    properties["replicas"]["maximum"] = i32::MAX.into();
    let kept = |text: &str| {
        let mut kept = structural::anything(Some("object"));
        kept["description"] = text.into();
        kept
    };
    properties["template"] = kept("The pod template: metadata and spec of each pod.");
    properties["traffic"] =
        kept("Where traffic comes from: services and a router, under `kubernetes`.");
    rules::add(&mut spec);
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("required");
    }
    spec
}

fn status() -> Value {
    let mut status = structural::structural(&schemars::schema_for!(RolloutStatus).to_value());
    let conditions = &mut status["properties"]["conditions"];
    conditions["x-kubernetes-list-type"] = "map".into();
    conditions["x-kubernetes-list-map-keys"] = json!(["type"]);
    status["description"] = "What became of it; written by the operator alone.".into();
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything a structural schema must not have, wherever it stands.
    fn check(schema: &Value, path: &str) {
        let Some(fields) = schema.as_object() else { return };
        for refused in ["$ref", "oneOf", "anyOf", "allOf", "not", "const", "$defs"] {
            assert!(!fields.contains_key(refused), "{path} has {refused}");
        }
        let kept = fields.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
        let either = fields.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true));
        assert!(kept || either || fields["type"].is_string(), "{path} has no type");
        for (name, field) in
            fields.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            check(field, &format!("{path}.{name}"));
        }
        for name in ["items", "additionalProperties"] {
            if let Some(field) = fields.get(name) {
                check(field, &format!("{path}[{name}]"));
            }
        }
    }

    #[test]
    fn the_schema_is_structural() {
        let definition = definition();
        check(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "");
    }

    #[test]
    fn every_field_of_a_spec_is_in_the_schema() {
        let known = rollout_core::spec::schema();
        let spec = spec();
        for name in known["properties"].as_object().unwrap().keys() {
            assert!(spec["properties"][name].is_object(), "{name}");
        }
    }
}
