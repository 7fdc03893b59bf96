//! The steps of a hand-back, worked out from the world alone: a crash forgets nothing.
//!
//! Why in this order, where each step may be the last one:
//!
//! 1. The Services ask for no label of ours any more; that takes more pods than before, never fewer.
//! 2. The template loses our labels in the same write that has the object take nobody away.
//! 3. The pods lose them and get the hash of that template.
//! 4. Only when the object counts them all as updated does it get its own strategy back: it finds nobody to
//!    take away.
//! 5. The autoscalers get their target back, and nothing of ours is left.

use serde_json::{Value, json};

use super::{
    super::{
        Stage,
        change::Change,
        giving::{LABELS, autoscalers, services, without},
        object::{Kind, Object},
        world::World,
    },
    counted, holding, newest_hash, of_pods,
    record::Record,
    taking::is_ours,
};
use crate::labels;

/// Every annotation of ours on the object.
const ANNOTATIONS: [&str; 5] =
    [labels::EPOCH, labels::OWNER, labels::ATTEMPT, labels::TEMPLATE, labels::TEMPLATE_BEFORE];

/// What is still to be done.
pub(super) fn stages(world: &World, kind: Kind, set: &Object, record: &Record) -> Vec<Stage> {
    let mut stages = vec![services(world, set), template(kind, set), pods(world, kind, set)];
    if is_ours(world, set) {
        stages.push(counted(kind, set));
    }
    stages.extend([rule(world, kind, set, record), autoscalers(world, kind), forget(world)]);
    stages
}

/// Whether the template has a label of ours.
fn is_marked(set: &Object) -> bool {
    let labels = set.at(&["spec", "template", "metadata", "labels"]);
    LABELS.iter().any(|name| !labels[*name].is_null())
}

fn template(kind: Kind, set: &Object) -> Stage {
    let mut stage = Stage::new("take our labels out of the pod template");
    if is_marked(set) {
        let patch = json!({ "spec": {
            "template": { "metadata": { "labels": without(LABELS) } },
            "updateStrategy": holding(kind, set),
        } });
        stage.changes.extend(Change::patch(kind, set, patch));
    }
    stage
}

fn pods(world: &World, kind: Kind, set: &Object) -> Stage {
    let mut stage = Stage::new("take our labels off the pods");
    let is_marked_pod = |pod: &&Object| pod.label(labels::WORKLOAD).is_some();
    let marked = world.pods_of(set.uid()).filter(is_marked_pod);
    let hash = newest_hash(world, kind, set).filter(|_| !is_marked(set));
    let mut patch = json!({ "metadata": {
        "labels": without(LABELS),
        "annotations": without([labels::DELETION_COST]),
    } });
    // In a plan, before there is one, the label is left out.
    if let Some(hash) = hash {
        patch["metadata"]["labels"][labels::TEMPLATE_HASH] = json!(hash);
    }
    let changes = of_pods(marked, &patch);
    if hash.is_none() && !is_marked(set) && !changes.is_empty() {
        stage.waits_for = Some(format!("the controller of {kind}/{} to see it", set.name()));
    } else {
        stage.changes = changes;
    }
    stage
}

fn rule(world: &World, kind: Kind, set: &Object, record: &Record) -> Stage {
    let mut stage = Stage::new("let it rule its pods");
    if !is_ours(world, set) {
        return stage;
    }
    let mut strategy = record.strategy().clone();
    // What stands there now is merged with it.
    if strategy["rollingUpdate"].is_null() && strategy.is_object() {
        strategy["rollingUpdate"] = Value::Null;
    }
    let patch = json!({
        "metadata": {
            "labels": without([labels::WORKLOAD]),
            "annotations": without(ANNOTATIONS),
        },
        "spec": { "updateStrategy": strategy },
    });
    stage.changes.extend(Change::patch(kind, set, patch));
    stage
}

fn forget(world: &World) -> Stage {
    let mut stage = Stage::new("leave nothing of ours");
    let kept = world.kept();
    stage.changes.extend(kept.map(|kept| Change::delete(Kind::ControllerRevision, kept)));
    stage
}
