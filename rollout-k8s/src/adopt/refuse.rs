//! What is refused before anything is touched.

use serde_json::Value;

use super::{
    error::AdoptError,
    giving,
    object::{Kind, Object, is_gated, rollout_api, selects},
    owner,
    record::Record,
    world::World,
};
use crate::{backend::EnrolBy, labels};

/// Checks that the Deployment that is there can be taken over. `released` names who has let go of it.
pub(super) fn taking(
    world: &World,
    deployment: &Object,
    released: &[String],
    enrol_by: EnrolBy,
) -> Result<(), AdoptError> {
    unmanaged(Kind::Deployment, deployment, released)?;
    settled(deployment)?;
    ours(world, deployment)?;
    takes_something(world, deployment)?;
    let sets: Vec<&Object> =
        world.all(Kind::ReplicaSet).filter(|set| set.is_of(deployment.uid())).collect();
    let is_own = |pod: &Object| sets.iter().any(|set| pod.is_of(set.uid()));
    match enrol_by {
        EnrolBy::Label => takes_nobody_else(world, Kind::Deployment, deployment, is_own)?,
        // No Service is touched, so none loses anybody.
        EnrolBy::ReadinessGate => (),
    }
    autoscalers(world, Kind::Deployment, released)
}

/// Whether the autoscalers of the workload can drive our scale subresource.
pub(super) fn autoscalers(
    world: &World,
    kind: Kind,
    released: &[String],
) -> Result<(), AdoptError> {
    for scaler in world.autoscalers(kind) {
        let autoscaler = scaler.name().to_owned();
        if let Some(manager) =
            owner::controller(scaler).filter(|manager| !released.contains(&manager.name))
        {
            let object = format!("HorizontalPodAutoscaler/{autoscaler}");
            return Err(AdoptError::Managed { object, manager });
        }
        if !world.scales {
            let (name, api) = (world.name.clone(), rollout_api());
            return Err(AdoptError::NoRolloutKind { autoscaler, kind, name, api });
        }
    }
    Ok(())
}

pub(super) fn unmanaged(
    kind: Kind,
    object: &Object,
    released: &[String],
) -> Result<(), AdoptError> {
    match owner::managers(object).find(|manager| !released.contains(&manager.name)) {
        None => Ok(()),
        Some(manager) => {
            Err(AdoptError::Managed { object: format!("{kind}/{}", object.name()), manager })
        }
    }
}

/// Whether every pod is of the newest template, as `kubectl rollout status` judges it.
fn settled(deployment: &Object) -> Result<(), AdoptError> {
    let name = deployment.name().to_owned();
    if deployment.at(&["spec", "paused"]) == &Value::Bool(true) {
        return Err(AdoptError::Paused { name });
    }
    if !deployment.is_seen() {
        let why = "its controller has not seen its newest spec yet".to_owned();
        return Err(AdoptError::MidRollout { kind: Kind::Deployment, name, why });
    }
    let wanted = deployment.number(&["spec", "replicas"]).unwrap_or(1);
    for (field, what) in
        [("updatedReplicas", "updated"), ("replicas", "there"), ("availableReplicas", "available")]
    {
        let has = deployment.number(&["status", field]).unwrap_or(0);
        if has != wanted {
            let why = format!("{has} pods are {what}, {wanted} are wanted");
            return Err(AdoptError::MidRollout { kind: Kind::Deployment, name, why });
        }
    }
    Ok(())
}

/// Whether anything that an adoption would label is another workload's, or this one's without a record.
fn ours(world: &World, deployment: &Object) -> Result<(), AdoptError> {
    if world.record().is_some() {
        return Ok(());
    }
    let taken = |object: String, workload: &str, way_out: &str| AdoptError::Taken {
        object,
        workload: workload.to_owned(),
        way_out: way_out.to_owned(),
    };
    if let Some(set) = world.ours(Kind::ReplicaSet).next() {
        let way_out = "it was rolled out by this engine and needs no adoption";
        return Err(taken(format!("ReplicaSet/{}", set.name()), &world.name, way_out));
    }
    for set in world.all(Kind::ReplicaSet).filter(|set| set.is_of(deployment.uid())) {
        for pod in world.pods_of(set.uid()) {
            if let Some(other) = pod.label(labels::WORKLOAD) {
                let way_out = "remove the label first";
                return Err(taken(format!("Pod/{}", pod.name()), other, way_out));
            }
        }
    }
    Ok(())
}

/// Whether the Service of its name takes its pods.
pub(super) fn takes_something(world: &World, object: &Object) -> Result<(), AdoptError> {
    let labels = object.at(&["spec", "template", "metadata", "labels"]);
    if let Some(service) = world.get(Kind::Service, &world.name) {
        let selector = service.at(&["spec", "selector"]);
        let takes = |pod: &Object| selects(selector, pod.at(&["metadata", "labels"]));
        let takes_none = !selects(selector, labels) && !world.all(Kind::Pod).any(takes);
        if selector.is_object() && takes_none {
            let (service, selector) = (world.name.clone(), told(selector));
            let namespace = world.namespace.clone();
            return Err(AdoptError::ServiceTakesNothing { service, selector, namespace });
        }
    }
    Ok(())
}

/// Whether the Services can ask for our label without losing anybody. `object` has the pods that `is_own` says.
pub(super) fn takes_nobody_else(
    world: &World,
    kind: Kind,
    object: &Object,
    is_own: impl Fn(&Object) -> bool,
) -> Result<(), AdoptError> {
    let labels = object.at(&["spec", "template", "metadata", "labels"]);
    for service in world.services(labels) {
        let selector = service.at(&["spec", "selector"]);
        let stranger = world.all(Kind::Pod).find(|pod| {
            let serves = pod.label(labels::SERVING) == Some(labels::SERVING_VALUE);
            selects(selector, pod.at(&["metadata", "labels"])) && !serves && !is_own(pod)
        });
        if let Some(pod) = stranger {
            return Err(AdoptError::ServiceTakesOthers {
                service: service.name().to_owned(),
                pod: pod.name().to_owned(),
                owner: format!("{kind}/{}", world.name),
                label: format!("{}={}", labels::SERVING, labels::SERVING_VALUE),
            });
        }
    }
    Ok(())
}

/// A selector as `kubectl` writes it.
fn told(selector: &Value) -> String {
    let fields = selector.as_object().into_iter().flatten();
    let pairs = fields.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or("")));
    pairs.collect::<Vec<_>>().join(",")
}

/// Checks that the workload can be handed back. `set` is the `ReplicaSet` with its pods.
pub(super) fn giving(world: &World, record: &Record, set: &Object) -> Result<(), AdoptError> {
    let workload = || world.name.clone();
    if world.get(Kind::Rollout, &world.name).is_some() {
        return Err(AdoptError::Ruled { workload: workload() });
    }
    if is_gated(set.at(&["spec", "template"])) {
        let replica_set = set.name().to_owned();
        return Err(AdoptError::Gated { replica_set });
    }
    let lost = giving::lost(record, set);
    if !lost.is_empty() {
        let labels = told(&Value::Object(lost));
        return Err(AdoptError::LabelsLost { labels, deployment: workload() });
    }
    if let Some(there) = world.deployment() {
        let is_made = there.label(labels::WORKLOAD).is_some() || set.is_of(there.uid());
        return if is_made {
            Ok(())
        } else {
            Err(AdoptError::DeploymentThere { name: workload() })
        };
    }
    if let Some(why) = unsettled(world, set) {
        return Err(AdoptError::UnderWay { workload: workload(), why });
    }
    let is_bare = |service: &&Object| {
        giving::own_selector(service).as_object().is_none_or(serde_json::Map::is_empty)
    };
    match giving::asking(world, set).find(is_bare) {
        None => Ok(()),
        Some(service) => Err(AdoptError::ServiceIsOurs { service: service.name().to_owned() }),
    }
}

/// What is not as it is at rest: one pool, every pod of it there and in traffic.
fn unsettled(world: &World, set: &Object) -> Option<String> {
    let size = |set: &Object| set.number(&["spec", "replicas"]).unwrap_or(0);
    let others = world.ours(Kind::ReplicaSet).filter(|other| other.name() != set.name());
    if let Some(other) = others.into_iter().find(|other| 0 < size(other)) {
        return Some(format!(
            "ReplicaSet/{} has {} pods and ReplicaSet/{} has {}",
            set.name(),
            size(set),
            other.name(),
            size(other)
        ));
    }
    let (pods, wanted) = (world.pods_of(set.uid()).count() as u64, size(set));
    if pods != wanted {
        return Some(format!("{pods} pods are there, {wanted} are wanted"));
    }
    let label = |pod: &&Object| pod.label(labels::WORKLOAD).is_some();
    let drained = |pod: &&Object| pod.label(labels::SERVING).is_none();
    let drained = world.pods_of(set.uid()).filter(label).find(drained)?;
    Some(format!("Pod/{} is drained", drained.name()))
}
