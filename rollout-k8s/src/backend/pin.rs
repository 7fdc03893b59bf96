//! Pin: checks a pod template as far as it can be without making a pod.
//!
//! What a Deployment's `spec.template` may be is allowed here, and means the same: an image tag stays a tag and
//! `imagePullPolicy` says what that means. The API server itself judges the rest: the `ReplicaSet` is posted as
//! a dry run, past its schema, its admission plugins and its quota.

use k8s_openapi::api::apps::v1::ReplicaSet;
use rollout_core::{
    engine::{Action, Effect, RefusalKind, Revision},
    id::{ActionId, Attempt, Epoch, WorkloadId},
    port::PinError,
};
use rollout_runtime::digest_id;
use serde_json::{Value, json};

use super::{Controller, EnrolBy, KubernetesBackend, body, scale};
use crate::{labels, outcome::Failed};

pub(super) fn wrong(
    field: impl Into<String>,
    why: impl Into<String>,
    way_out: impl Into<String>,
) -> PinError {
    PinError { field: field.into(), why: why.into(), way_out: way_out.into() }
}

/// Checks `template` and returns it as it is, with our readiness gate where that is what pods are enrolled by.
pub(super) async fn pin(
    backend: &KubernetesBackend,
    workload: &WorkloadId,
    template: &Value,
) -> Result<Value, PinError> {
    alone(&backend.namespace, Controller::ReplicaSet, template)?;
    same(backend, workload, template)?;
    let template = &match backend.options.enrol_by {
        EnrolBy::Label => template.clone(),
        EnrolBy::ReadinessGate => gated(template),
    };
    let revision = Revision { id: digest_id(template), template: template.clone() };
    let order = trial(workload, &revision);
    let body = body::replica_set(&backend.namespace, &order, "", &revision, 0);
    let said = match scale::post::<ReplicaSet>(backend, &backend.namespace, &body, true).await {
        // It is there already, so the server has taken it before.
        Ok(_) | Err(Failed::Refused(RefusalKind::Conflict, ..)) => Ok(()),
        Err(failed) => Err(failed),
    };
    judged(workload, revision, said)
}

/// The order that a trial stands for: of no engine, and of no size.
pub(super) fn trial(workload: &WorkloadId, revision: &Revision) -> Action {
    Action {
        id: ActionId(0),
        epoch: Epoch(0),
        attempt: Attempt(0),
        workload: workload.clone(),
        revision: None,
        effect: Effect::Scale { revision: revision.id.clone(), replicas: 0 },
    }
}

/// The template of `revision`, after what the server has `said` of it in a trial.
pub(super) fn judged(
    workload: &WorkloadId,
    revision: Revision,
    said: Result<(), Failed>,
) -> Result<Value, PinError> {
    match said {
        Ok(()) => Ok(revision.template),
        Err(Failed::Refused(RefusalKind::Invalid, _, why)) if why.contains(NO_DRY_RUN) => {
            tracing::warn!(%workload, why, "the template could not be tried");
            Ok(revision.template)
        }
        Err(failed) => Err(refused(&failed)),
    }
}

/// `template` with our readiness gate among its own.
fn gated(template: &Value) -> Value {
    let mut template = template.clone();
    let gate = json!({ "conditionType": labels::GATE });
    match template["spec"].get_mut("readinessGates").and_then(Value::as_array_mut) {
        Some(gates) if gates.contains(&gate) => (),
        Some(gates) => gates.push(gate),
        None => template["spec"]["readinessGates"] = json!([gate]),
    }
    template
}

/// What the server says where an admission webhook stands in the way of every dry run.
const NO_DRY_RUN: &str = "does not support dry run";

/// Checks what needs no cluster.
pub(super) fn alone(
    namespace: &str,
    controller: Controller,
    template: &Value,
) -> Result<(), PinError> {
    const KNOWN: [&str; 3] = ["metadata", "spec", "controller"];
    const WHOLE: &str = "such as `template: { metadata: …, spec: { containers: [ … ] } }`";
    let Some(fields) = template.as_object() else {
        return Err(wrong("template", "it is no pod template", format!("give one, {WHOLE}")));
    };
    is_of(controller, template)?;
    if let Some(name) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(wrong(
            format!("template.{name}"),
            "a template has `metadata`, `spec` and `controller` only",
            "correct the field or leave it out",
        ));
    }
    if template["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
        return Err(wrong(
            "template.spec.containers",
            "there is none",
            format!("give one, {WHOLE}"),
        ));
    }
    let own = template["metadata"].get("namespace").and_then(Value::as_str);
    if let Some(other) = own.filter(|own| *own != namespace) {
        return Err(wrong(
            "template.metadata.namespace",
            format!("it is `{other}`, and the rollout is in `{namespace}`"),
            format!("leave it out, or run with `--namespace {other}`"),
        ));
    }
    for kind in ["labels", "annotations"] {
        let names =
            template["metadata"][kind].as_object().into_iter().flat_map(serde_json::Map::keys);
        if let Some(name) = names.into_iter().find(|name| is_reserved(name)) {
            return Err(wrong(
                format!("template.metadata.{kind}.{name}"),
                format!("names that begin with `{}/` are the engine's", labels::GROUP),
                "leave it out: the engine sets its own",
            ));
        }
    }
    Ok(())
}

/// Checks that the pods are made by what makes those of the workload.
fn is_of(controller: Controller, template: &Value) -> Result<(), PinError> {
    let Some(asked) = template.get("controller") else {
        return match controller {
            Controller::ReplicaSet => Ok(()),
            Controller::StatefulSet | Controller::DaemonSet => {
                Err(another(&format!("a {controller}"), "ReplicaSets, as nothing else is said,"))
            }
        };
    };
    let kind = asked["kind"].as_str().unwrap_or("none");
    if !["StatefulSet", "DaemonSet"].contains(&kind) {
        return Err(wrong(
            "template.controller.kind",
            format!("it is {kind}"),
            "write `StatefulSet` or `DaemonSet`, or leave `controller` out for ReplicaSets",
        ));
    }
    if Controller::of(template) != controller {
        return Err(another(&format!("a {controller}"), &format!("a {kind}")));
    }
    Ok(())
}

/// Checks that no pods are there that something else has made.
pub(super) fn same(
    backend: &KubernetesBackend,
    workload: &WorkloadId,
    template: &Value,
) -> Result<(), PinError> {
    let asked = Controller::of(template);
    let found = backend.watches.cache.with(&backend.key(workload), |held| match asked {
        Controller::ReplicaSet => {
            let in_place = held.pods.values().find(|pod| pod.hash.is_some() && pod.is_active());
            in_place.map(|_| "a StatefulSet or a DaemonSet")
        }
        Controller::StatefulSet | Controller::DaemonSet => {
            held.sets.values().find(|set| 0 < set.replicas).map(|_| "ReplicaSets")
        }
    });
    match found {
        Some(found) => Err(another(found, &format!("{asked}s"))),
        None => Ok(()),
    }
}

/// What makes the pods of a workload does not change.
fn another(found: &str, asked: &str) -> PinError {
    wrong(
        "template.controller",
        format!("pods of {asked} are asked for, and this workload was begun with {found}"),
        "begin another workload, under another name",
    )
}

/// Whether a label or annotation is for the engine to set.
fn is_reserved(name: &str) -> bool {
    name == labels::DELETION_COST
        || name.strip_prefix(labels::GROUP).is_some_and(|rest| rest.starts_with('/'))
}

/// The server's own refusal, by its field.
fn refused(failed: &Failed) -> PinError {
    let (Failed::Refused(_, _, why) | Failed::Unknown(why)) = failed;
    let is_template = |text: &&str| text.starts_with(TEMPLATE);
    let end = |text: &str| text.find([':', '"', ' ', ',']).unwrap_or(text.len());
    let place = why.find(TEMPLATE).map(|at| &why[at..]).filter(is_template);
    let field = place.map_or_else(
        || "template".to_owned(),
        |text| format!("template{}", &text[TEMPLATE.len()..end(text)]),
    );
    let way_out = match failed {
        Failed::Refused(RefusalKind::Invalid, ..) => "correct the field",
        Failed::Refused(RefusalKind::Denied, ..) => "allow it, or change what is not allowed",
        Failed::Refused(..) | Failed::Unknown(_) => "make the cluster answer, then try again",
    };
    wrong(field, why.clone(), way_out)
}

/// How the server names the template's fields.
const TEMPLATE: &str = "spec.template";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use rollout_core::engine::Retry;

    #[test]
    fn a_template_gets_the_gate_once() {
        let own = json!({ "conditionType": "example.org/ours" });
        let gate = json!({ "conditionType": "rollout-engine.dev/serving" });
        let once = gated(&json!({ "spec": { "readinessGates": [own] } }));
        assert_eq!(once["spec"]["readinessGates"], json!([own, gate]));
        assert_eq!(gated(&once), once);
        assert_eq!(gated(&json!({ "spec": {} }))["spec"]["readinessGates"], json!([gate]));
    }

    #[test]
    fn bad_templates_name_their_field() {
        let pod = json!({ "containers": [{ "name": "web", "image": "web:1" }] });
        for (template, field) in [
            (json!(null), "template"),
            (json!({ "spec": {} }), "template.spec.containers"),
            (json!({ "spec": pod, "specs": 1 }), "template.specs"),
            (json!({ "spec": pod, "controller": {} }), "template.controller.kind"),
            (json!({ "spec": pod, "controller": { "kind": "DaemonSet" } }), "template.controller"),
            (
                json!({ "spec": pod, "metadata": { "labels": { "rollout-engine.dev/serving": "no" } } }),
                "template.metadata.labels.rollout-engine.dev/serving",
            ),
            (
                json!({ "spec": pod, "metadata": { "namespace": "other" } }),
                "template.metadata.namespace",
            ),
        ] {
            let error = alone("prod", Controller::ReplicaSet, &template).unwrap_err();
            assert_eq!(error.field, field, "{error}");
        }
        let good = json!({ "spec": pod, "metadata": { "namespace": "prod", "labels": { "rollout-engine.device/a": "b" } } });
        assert_eq!(alone("prod", Controller::ReplicaSet, &good), Ok(()));
    }

    #[test]
    fn the_servers_refusal_is_read_by_its_field() {
        for (why, field) in [
            (
                "ReplicaSet.apps \"x\" is invalid: spec.template.spec.restartPolicy: Unsupported value: \"Never\"",
                "template.spec.restartPolicy",
            ),
            (
                "strict decoding error: unknown field \"spec.template.spec.containers[0].imagee\"",
                "template.spec.containers[0].imagee",
            ),
            ("exceeded quota: small", "template"),
        ] {
            let failed = Failed::Refused(RefusalKind::Invalid, Retry::Never, why.to_owned());
            assert_eq!(refused(&failed).field, field);
        }
    }
}
