//! The steps of an adoption, worked out from the world alone: a crash forgets nothing.
//!
//! Why in this order, where each step may be the last one:
//!
//! 1. The way back is kept before anything is changed.
//! 2. The Deployment goes, and its pods stay. It goes only as it was checked: a write in between refuses.
//! 3. The `ReplicaSet` gets our labels when nobody rules it any more, and never before: its Deployment would
//!    take another template for an older revision and roll out. A Deployment controller that reads stale
//!    caches asks the API server whether its Deployment is still there before it claims a `ReplicaSet`
//!    without a ruler, and this one has lost its ruler before it has another template.
//! 4. The pods get the labels once the `ReplicaSet`'s controller has seen its new template, so that every
//!    later pod is born with them.
//! 5. The Services ask for the label once the endpoint controller has seen it on every pod. A Service of
//!    ours that asks for it first is what shows that; a Service and the pods reach that controller on
//!    different watches.
//!    Where a readiness gate takes pods out of traffic, no Service is touched.
//! 6. The autoscaler's target moves.

use std::collections::BTreeSet;

use rollout_core::id::RevisionId;
use serde_json::{Value, json};

use super::{
    Stage,
    change::Change,
    object::{Kind, Object, labels_of, rollout_api},
    record::Record,
    world::{World, trial_name},
};
use crate::{backend::EnrolBy, labels};

/// What is still to be done. `record` is what is or will be kept.
pub(super) fn stages(world: &World, record: &Record) -> Vec<Stage> {
    let stages = [
        keep(world, record),
        let_go(world),
        replica_set(world, record),
        pods(world, record),
        trial(world, labels_in(record), set_of(world, record)),
        services(world, labels_in(record)),
        autoscalers(world, Kind::Deployment),
    ];
    stages.into_iter().filter(|stage| !stage.is_done()).collect()
}

/// Labels of the pods before the adoption, by which the Services that are to ask for ours find them; nothing
/// where no Service is touched.
fn labels_in(record: &Record) -> &Value {
    match record.enrol_by {
        EnrolBy::Label => &record.deployment["spec"]["template"]["metadata"]["labels"],
        EnrolBy::ReadinessGate => &Value::Null,
    }
}

/// Uid of what rules the pods.
fn set_of<'a>(world: &'a World, record: &Record) -> Option<&'a str> {
    world.get(Kind::ReplicaSet, &record.replica_set).map(Object::uid)
}

fn keep(world: &World, record: &Record) -> Stage {
    let mut stage = Stage::new("keep the way back");
    match world.record() {
        Some((_, Ok(kept))) if kept == *record => return stage,
        Some((old, _)) => stage.changes.push(Change::delete(Kind::ControllerRevision, old)),
        None => (),
    }
    let object = record.object(&world.name, &world.namespace);
    let purpose = format!("Deployment/{} as it is, for `rollout hand-back`", world.name);
    stage.changes.push(Change::create(Kind::ControllerRevision, object, purpose));
    stage
}

fn let_go(world: &World) -> Stage {
    let mut stage = Stage::new("let the Deployment go, without its pods");
    match world.deployment() {
        None => (),
        Some(going) if going.is_going() => {
            stage.waits_for = Some(format!(
                "the garbage collector to let Deployment/{} go without its ReplicaSets",
                world.name
            ));
        }
        Some(there) => stage.changes.push(Change::delete_alone(Kind::Deployment, there)),
    }
    stage
}

/// Name of a template in the report: with these labels its pods are ours and serve.
fn marks(workload: &str, record: &Record) -> Value {
    marks_of(workload, &record.revision)
}

/// With these labels the pods of a revision are ours and serve.
pub(super) fn marks_of(workload: &str, revision: &RevisionId) -> Value {
    json!({
        labels::WORKLOAD: workload,
        labels::REVISION: revision,
        labels::SERVING: labels::SERVING_VALUE,
    })
}

fn replica_set(world: &World, record: &Record) -> Stage {
    let mut stage = Stage::new("take over the ReplicaSet");
    let Some(set) = world.get(Kind::ReplicaSet, &record.replica_set) else { return stage };
    if set.label(labels::WORKLOAD).is_some() {
        return stage;
    }
    let patch = json!({
        "metadata": {
            "labels": { labels::WORKLOAD: world.name, labels::REVISION: record.revision },
            "annotations": { labels::TEMPLATE: record.template.to_string() },
        },
        "spec": { "template": { "metadata": { "labels": marks(&world.name, record) } } },
    });
    stage.changes.extend(Change::patch(Kind::ReplicaSet, set, patch));
    stage
}

fn pods(world: &World, record: &Record) -> Stage {
    let mut stage = Stage::new("label the running pods");
    let Some(set) = world.get(Kind::ReplicaSet, &record.replica_set) else { return stage };
    let patch = json!({ "metadata": { "labels": marks(&world.name, record) } });
    // One that has the first label has been taken over: what its other labels say is the engine's since.
    let strangers = world.pods_of(set.uid()).filter(|pod| pod.label(labels::WORKLOAD).is_none());
    stage.changes.extend(strangers.filter_map(|pod| Change::patch(Kind::Pod, pod, patch.clone())));
    // Where every Service asks for the label already, there is nothing left to wait for.
    let is_early = unasking(world, labels_in(record)).next().is_some();
    if stage.changes.is_empty() && is_early && !set.is_seen() {
        stage.waits_for = Some(format!("the controller of ReplicaSet/{} to see it", set.name()));
    }
    stage
}

/// The Services that take pods with `labels` and do not ask for ours yet.
pub(super) fn unasking<'a>(
    world: &'a World,
    labels: &'a Value,
) -> impl Iterator<Item = &'a Object> {
    let lacks = |service: &&Object| service.at(&["spec", "selector"])[labels::SERVING].is_null();
    world.services(labels).filter(lacks)
}

/// Waits until the pods of `ruler` are seen with their labels; before, they had `labels` alone.
pub(super) fn trial(world: &World, labels: &Value, ruler: Option<&str>) -> Stage {
    let mut stage = Stage::new("wait until the endpoint controller has seen the labels");
    let name = trial_name(&world.name);
    if unasking(world, labels).next().is_none() {
        return stage;
    }
    let Some(trial) = world.get(Kind::Service, &name) else {
        let purpose = "until its endpoints show that the labels were seen; then it is deleted";
        stage.changes.push(Change::create(Kind::Service, trial_service(world), purpose));
        return stage;
    };
    let missing = ruler.map_or(0, |ruler| unlisted(world, trial, ruler));
    if 0 < missing {
        stage.waits_for = Some(format!("{missing} pods to be endpoints of Service/{name}"));
    }
    stage
}

fn trial_service(world: &World) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": trial_name(&world.name),
            "namespace": world.namespace,
            "labels": { labels::WORKLOAD: world.name },
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": true,
            "selector": {
                labels::WORKLOAD: world.name,
                labels::SERVING: labels::SERVING_VALUE,
            },
        },
    })
}

/// How many pods that serve are no endpoints of `trial` yet.
fn unlisted(world: &World, trial: &Object, ruler: &str) -> usize {
    let listed: BTreeSet<&str> = world
        .all(Kind::EndpointSlice)
        .filter(|slice| slice.is_of(trial.uid()))
        .flat_map(|slice| slice.at(&["endpoints"]).as_array().into_iter().flatten())
        .filter_map(|endpoint| endpoint["targetRef"]["name"].as_str())
        .collect();
    // A pod without an address is nobody's endpoint.
    let has_address = |pod: &&Object| !pod.text(&["status", "podIP"]).is_empty();
    let serves = |pod: &&Object| pod.label(labels::SERVING).is_some();
    let pods = world.pods_of(ruler).filter(has_address).filter(serves);
    pods.filter(|pod| !listed.contains(pod.name())).count()
}

/// Lets the Services that take pods with `labels` ask for ours as well.
pub(super) fn services(world: &World, labels: &Value) -> Stage {
    let mut stage = Stage::new("let the Services ask for the serving label");
    let patch = json!({ "spec": { "selector": { labels::SERVING: labels::SERVING_VALUE } } });
    let patched = unasking(world, labels);
    let patched = patched.filter_map(|it| Change::patch(Kind::Service, it, patch.clone()));
    stage.changes.extend(patched);
    let trial = world.get(Kind::Service, &trial_name(&world.name));
    stage.changes.extend(trial.map(|trial| Change::delete(Kind::Service, trial)));
    stage
}

/// Moves the target of the autoscalers that drive the workload's object of `kind`.
pub(super) fn autoscalers(world: &World, kind: Kind) -> Stage {
    let mut stage = Stage::new("let the autoscalers drive our scale subresource");
    let target = json!({ "apiVersion": rollout_api(), "kind": "Rollout", "name": world.name });
    let patch = json!({ "spec": { "scaleTargetRef": target } });
    stage.changes.extend(
        world.autoscalers(kind).filter_map(|scaler| {
            Change::patch(Kind::HorizontalPodAutoscaler, scaler, patch.clone())
        }),
    );
    stage
}

/// `ReplicaSet`s of the Deployment's earlier revisions: without pods and, from now on, without a ruler.
/// They stay as they are for the day of the hand-back.
pub(super) fn left(world: &World, record: &Record) -> Vec<String> {
    let template = &record.deployment["spec"]["selector"]["matchLabels"];
    let selector = labels_of(template);
    let is_left = |set: &&Object| {
        let ruled = set.controller().is_some_and(|owner| owner["uid"] != record.uid);
        let labels = labels_of(set.at(&["metadata", "labels"]));
        !ruled
            && set.name() != record.replica_set
            && set.label(labels::WORKLOAD).is_none()
            && selector.iter().all(|(name, value)| labels.get(name) == Some(value))
    };
    world.all(Kind::ReplicaSet).filter(is_left).map(|set| set.name().to_owned()).collect()
}
