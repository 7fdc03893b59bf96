//! The steps of an adoption, worked out from the world alone: a crash forgets nothing.
//!
//! Why in this order, where each step may be the last one:
//!
//! 1. The way back is kept before anything is changed.
//! 2. The template gets our labels in the same write that has the object take nobody away.
//! 3. The pods get them, and the hash of that template, once the controller has one for it.
//! 4. From when the object counts them all as updated, a lost pod comes back with our labels.
//! 5. The Services and the autoscalers follow as with a Deployment.

use serde_json::{Value, json};

use super::{
    super::{
        Stage,
        change::Change,
        object::{Kind, Object},
        taking::{autoscalers, marks_of, services, trial, unasking},
        world::World,
    },
    counted, holding, newest_hash, of_pods,
    record::Record,
};
use crate::labels;

/// What is still to be done. `record` is what is or will be kept.
pub(super) fn stages(world: &World, kind: Kind, set: &Object, record: &Record) -> Vec<Stage> {
    let mut stages = vec![
        keep(world, kind, record),
        take(world, kind, set, record),
        pods(world, kind, set, record),
    ];
    // Where every Service asks for the label already, there is nothing left to wait for.
    if unasking(world, record.labels()).next().is_some() {
        stages.push(counted(kind, set));
    }
    stages.push(trial(world, record.labels(), Some(set.uid())));
    stages.push(services(world, record.labels()));
    stages.push(autoscalers(world, kind));
    stages
}

/// Whether the object was taken over.
pub(super) fn is_ours(world: &World, set: &Object) -> bool {
    set.label(labels::WORKLOAD) == Some(world.name.as_str())
}

fn keep(world: &World, kind: Kind, record: &Record) -> Stage {
    let mut stage = Stage::new("keep the way back");
    if world.kept().is_none() {
        let object = record.kept_in(world);
        let purpose = format!("{kind}/{} as it is, for `rollout hand-back`", world.name);
        stage.changes.push(Change::create(Kind::ControllerRevision, object, purpose));
    }
    stage
}

fn take(world: &World, kind: Kind, set: &Object, record: &Record) -> Stage {
    let mut stage = Stage::new("take it over");
    if is_ours(world, set) {
        return stage;
    }
    let marks = marks_of(&world.name, &record.revision);
    let patch = json!({
        "metadata": {
            "labels": { labels::WORKLOAD: world.name },
            "annotations": { labels::TEMPLATE: record.template.to_string() },
        },
        "spec": {
            "template": { "metadata": { "labels": marks } },
            "updateStrategy": holding(kind, set),
        },
    });
    stage.changes.extend(Change::patch(kind, set, patch));
    stage
}

fn pods(world: &World, kind: Kind, set: &Object, record: &Record) -> Stage {
    let mut stage = Stage::new("label the running pods");
    // One that has the first label has been taken over: what its other labels say is the engine's since.
    let is_strange = |pod: &&Object| pod.label(labels::WORKLOAD).is_none();
    let strangers = world.pods_of(set.uid()).filter(is_strange);
    let hash = newest_hash(world, kind, set).filter(|_| is_ours(world, set));
    let mut labels: Value = marks_of(&world.name, &record.revision);
    // In a plan, before there is one, the label is left out.
    if let Some(hash) = hash {
        labels[labels::TEMPLATE_HASH] = json!(hash);
    }
    let changes = of_pods(strangers, &json!({ "metadata": { "labels": labels } }));
    let is_early = is_ours(world, set) && hash.is_none() && !changes.is_empty();
    if is_early {
        stage.waits_for = Some(format!("the controller of {kind}/{} to see it", set.name()));
    } else {
        stage.changes = changes;
    }
    stage
}
