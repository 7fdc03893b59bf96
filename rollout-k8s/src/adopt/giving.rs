//! The steps of a hand-back, worked out from the world alone: a crash forgets nothing.
//!
//! Why in this order, where each step may be the last one:
//!
//! 1. The Services ask for no label of ours any more; that takes more pods than before, never fewer.
//! 2. The pod templates lose our labels but for those that the `ReplicaSet`'s own selector asks for: these can
//!    never go, and stand in the Deployment's template as well. A Deployment takes a `ReplicaSet` for its newest
//!    if both templates are equal but for the `pod-template-hash` label.
//! 3. The Deployment is made again, paused: so it claims the `ReplicaSet`s whose labels match its selector, and
//!    makes none.
//! 4. Only when its own status counts every pod as updated, which shows that its controller has found the
//!    `ReplicaSet` in its caches, is it let go.
//! 5. The pods lose our labels, the autoscaler gets its target back, and nothing of ours is left.

use serde_json::{Map, Value, json};

use super::{
    Stage,
    change::Change,
    object::{Kind, Object, labels_of, selects},
    record::{Record, TEMPLATE_HASH},
    world::World,
};
use crate::labels;

/// Every label of ours.
pub(super) const LABELS: [&str; 3] = [labels::WORKLOAD, labels::REVISION, labels::SERVING];
/// Every annotation of ours on a `ReplicaSet`.
const ANNOTATIONS: [&str; 4] = [labels::EPOCH, labels::OWNER, labels::ATTEMPT, labels::TEMPLATE];
/// What a router of ours leaves on a Service, beside its selector: labels and annotations.
const ROUTED: ([&str; 2], [&str; 2]) =
    ([labels::TAKES, labels::REVISION], [labels::EPOCH, labels::REVISION_BEFORE]);
/// What the Deployment controller noted of sizes; other ones since would be a scaling to it, for ever.
const SIZES: [&str; 2] =
    ["deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"];

/// What is still to be done. `set` is the `ReplicaSet` with the pods.
pub(super) fn stages(world: &World, record: &Record, set: &Object) -> Vec<Stage> {
    let again = deployment(world, record, set);
    let stages = [
        services(world, set),
        templates(world, record),
        make(world, &again),
        claim(world, set),
        unpause(world, &again),
        pods(world, set),
        autoscalers(world, Kind::Deployment),
        forget(world),
    ];
    stages.into_iter().filter(|stage| !stage.is_done()).collect()
}

/// The `ReplicaSet` that the Deployment is to claim as its newest, or has: the one with pods, else the adopted
/// one.
pub(super) fn newest<'a>(world: &'a World, record: &Record) -> Option<&'a Object> {
    let with_pods = |set: &&Object| set.number(&["spec", "replicas"]) != Some(0);
    let claimed = || {
        let uid = world.deployment()?.uid();
        world.all(Kind::ReplicaSet).filter(|set| set.is_of(uid)).find(with_pods)
    };
    let adopted = || world.get(Kind::ReplicaSet, &record.replica_set);
    world.ours(Kind::ReplicaSet).find(with_pods).or_else(claimed).or_else(adopted)
}

/// The Deployment as it is to be again, paused and marked as unfinished.
pub(super) fn deployment(world: &World, record: &Record, set: &Object) -> Object {
    let mut again = record.deployment.clone();
    let mut template = set.at(&["spec", "template"]).clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(TEMPLATE_HASH);
        for name in removable(set) {
            labels.remove(name);
        }
    }
    again["spec"]["template"] = template;
    again["spec"]["replicas"] = set.at(&["spec", "replicas"]).clone();
    again["spec"]["paused"] = Value::Bool(true);
    again["metadata"]["labels"][labels::WORKLOAD] = Value::String(world.name.clone());
    Object(again)
}

/// Labels of ours that the selector of `set` does not ask for.
fn removable(set: &Object) -> impl Iterator<Item = &'static str> {
    let asked = set.at(&["spec", "selector", "matchLabels"]);
    LABELS.into_iter().filter(|name| asked[*name].is_null())
}

/// A merge patch that takes fields away.
pub(super) fn without<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Object(names.into_iter().map(|name| (name.to_owned(), Value::Null)).collect())
}

/// The selector of a Service without our labels.
pub(super) fn own_selector(service: &Object) -> Value {
    let mut selector = service.at(&["spec", "selector"]).clone();
    for name in LABELS {
        selector.as_object_mut().and_then(|selector| selector.remove(name));
    }
    selector
}

/// The Services that take the pods of `set`, or would but for labels of ours that they ask for. `set` is what
/// makes the pods: a `ReplicaSet`, or one that has it.
pub(super) fn asking<'a>(world: &'a World, set: &'a Object) -> impl Iterator<Item = &'a Object> {
    let labels = set.at(&["spec", "template", "metadata", "labels"]);
    world.all(Kind::Service).filter(move |service| {
        let selector = service.at(&["spec", "selector"]);
        let is_ours = selector[labels::WORKLOAD].as_str() == Some(world.name.as_str());
        LABELS.iter().any(|name| !selector[*name].is_null())
            && (is_ours || selects(&own_selector(service), labels))
    })
}

/// The Services that pods without our labels are to be found by. A pod that is made afterwards has none.
pub(super) fn services(world: &World, set: &Object) -> Stage {
    let mut stage = Stage::new("let the Services ask for no label of ours");
    let (marks, notes) = ROUTED;
    let patch = json!({
        "metadata": { "labels": without(marks), "annotations": without(notes) },
        "spec": { "selector": without(LABELS) },
    });
    let changed = asking(world, set);
    stage.changes.extend(changed.filter_map(|it| Change::patch(Kind::Service, it, patch.clone())));
    stage
}

fn templates(world: &World, record: &Record) -> Stage {
    let mut stage = Stage::new("take our labels out of the pod templates");
    let asked = labels_of(&record.deployment["spec"]["selector"]["matchLabels"]);
    for set in world.ours(Kind::ReplicaSet) {
        let patch = json!({
            "metadata": { "labels": asked, "annotations": without(SIZES) },
            "spec": { "template": { "metadata": { "labels": without(removable(set)) } } },
        });
        // A ruler writes its sizes as it likes.
        if set.controller().is_none() {
            stage.changes.extend(Change::patch(Kind::ReplicaSet, set, patch));
        }
    }
    stage
}

fn make(world: &World, again: &Object) -> Stage {
    let mut stage = Stage::new("make the Deployment again, paused");
    if world.deployment().is_none() {
        let purpose = "as it was, with the template and the number of pods of now; paused";
        stage.changes.push(Change::create(Kind::Deployment, again.0.clone(), purpose));
    }
    stage
}

/// Whether the Deployment is one in the making.
fn is_unfinished(deployment: &Object) -> bool {
    deployment.label(labels::WORKLOAD).is_some()
}

fn claim(world: &World, set: &Object) -> Stage {
    let mut stage = Stage::new("wait until it has claimed the ReplicaSet");
    let Some(made) = world.deployment().filter(|made| is_unfinished(made)) else { return stage };
    let counted = made.number(&["status", "updatedReplicas"]).unwrap_or(0);
    let wanted = made.number(&["spec", "replicas"]).unwrap_or(0);
    if !(made.is_seen() && set.is_of(made.uid()) && counted == wanted) {
        let (name, set) = (made.name(), set.name());
        stage.waits_for = Some(format!(
            "Deployment/{name} to claim ReplicaSet/{set}: it counts {counted} of {wanted} pods as its own"
        ));
    }
    stage
}

fn unpause(world: &World, again: &Object) -> Stage {
    let mut stage = Stage::new("let the Deployment rule");
    let made = world.deployment().unwrap_or(again);
    if is_unfinished(made) {
        let patch = json!({
            "metadata": { "labels": without([labels::WORKLOAD]) },
            "spec": { "paused": null },
        });
        stage.changes.extend(Change::patch(Kind::Deployment, made, patch));
    }
    stage
}

fn pods(world: &World, set: &Object) -> Stage {
    let mut stage = Stage::new("take our labels off the pods");
    let patch = json!({ "metadata": {
        "labels": without(removable(set)),
        "annotations": without([labels::DELETION_COST]),
    } });
    stage.changes.extend(
        world.pods_of(set.uid()).filter_map(|pod| Change::patch(Kind::Pod, pod, patch.clone())),
    );
    stage
}

/// Gives the autoscalers the workload's object of `kind` back.
pub(super) fn autoscalers(world: &World, kind: Kind) -> Stage {
    let mut stage = Stage::new("let the autoscalers drive it again");
    let kind = kind.to_string();
    let target = json!({ "apiVersion": "apps/v1", "kind": kind, "name": world.name });
    let patch = json!({ "spec": { "scaleTargetRef": target } });
    stage.changes.extend(
        world.autoscalers(Kind::Rollout).filter_map(|scaler| {
            Change::patch(Kind::HorizontalPodAutoscaler, scaler, patch.clone())
        }),
    );
    stage
}

fn forget(world: &World) -> Stage {
    let mut stage = Stage::new("leave nothing of ours");
    for set in world.ours(Kind::ReplicaSet) {
        let patch = json!({ "metadata": {
            "labels": without([labels::WORKLOAD, labels::REVISION]),
            "annotations": without(ANNOTATIONS),
        } });
        stage.changes.extend(Change::patch(Kind::ReplicaSet, set, patch));
    }
    let kept = world.record();
    stage.changes.extend(kept.map(|(kept, _)| Change::delete(Kind::ControllerRevision, kept)));
    stage
}

/// Labels that the Deployment's selector asks for and the template of `set` does not have.
pub(super) fn lost(record: &Record, set: &Object) -> Map<String, Value> {
    let has = labels_of(set.at(&["spec", "template", "metadata", "labels"]));
    let asked = labels_of(&record.deployment["spec"]["selector"]["matchLabels"]);
    let lost = asked.into_iter().filter(|(name, value)| has.get(name) != Some(value));
    lost.map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}
