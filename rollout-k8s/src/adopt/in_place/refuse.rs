//! What is refused before anything is touched.

use super::super::{
    error::AdoptError,
    object::{Kind, Object},
    refuse::{autoscalers, takes_nobody_else, takes_something, unmanaged},
    world::World,
};
use crate::labels;

/// Checks that the object can be taken over. `released` names who has let go of it.
pub(super) fn taking(
    world: &World,
    kind: Kind,
    set: &Object,
    released: &[String],
) -> Result<(), AdoptError> {
    unmanaged(kind, set, released)?;
    settled(kind, set)?;
    let taken = |object: String, workload: &str, way_out: &str| AdoptError::Taken {
        object,
        workload: workload.to_owned(),
        way_out: way_out.to_owned(),
    };
    if let Some(workload) = set.label(labels::WORKLOAD) {
        let way_out = "it was rolled out by this engine and needs no adoption";
        return Err(taken(format!("{kind}/{}", set.name()), workload, way_out));
    }
    let others = world.pods_of(set.uid()).find_map(|pod| Some((pod, pod.label(labels::WORKLOAD)?)));
    if let Some((pod, other)) = others {
        return Err(taken(format!("Pod/{}", pod.name()), other, "remove the label first"));
    }
    takes_something(world, set)?;
    takes_nobody_else(world, kind, set, |pod| pod.is_of(set.uid()))?;
    autoscalers(world, kind, released)
}

/// Whether every pod is of the newest template and available.
fn settled(kind: Kind, set: &Object) -> Result<(), AdoptError> {
    let mid = |why: String| {
        let name = set.name().to_owned();
        Err(AdoptError::MidRollout { kind, name, why })
    };
    if !set.is_seen() {
        return mid("its controller has not seen its newest spec yet".to_owned());
    }
    let (wanted, fields) = if kind == Kind::StatefulSet {
        let wanted = set.number(&["spec", "replicas"]).unwrap_or(1);
        (wanted, [("updatedReplicas", "updated"), ("availableReplicas", "available")])
    } else {
        let wanted = set.number(&["status", "desiredNumberScheduled"]).unwrap_or(0);
        (wanted, [("updatedNumberScheduled", "updated"), ("numberAvailable", "available")])
    };
    for (field, what) in fields {
        let has = set.number(&["status", field]).unwrap_or(0);
        if has != wanted {
            return mid(format!("{has} pods are {what}, {wanted} are wanted"));
        }
    }
    Ok(())
}

/// Checks that the workload can be handed back.
pub(super) fn giving(world: &World, set: &Object) -> Result<(), AdoptError> {
    let workload = world.name.clone();
    if world.get(Kind::Rollout, &world.name).is_some() {
        return Err(AdoptError::Ruled { workload });
    }
    let newest = set.at(&["spec", "template", "metadata", "labels"])[labels::REVISION].as_str();
    // Without it the hand-back has begun.
    let Some(newest) = newest else { return Ok(()) };
    for pod in world.pods_of(set.uid()) {
        let name = pod.name();
        let revision = pod.label(labels::REVISION);
        let why = match revision {
            Some(other) if other != newest => format!("Pod/{name} is of {other}, not of {newest}"),
            Some(_) if pod.label(labels::SERVING).is_none() => format!("Pod/{name} is drained"),
            Some(_) | None => continue,
        };
        return Err(AdoptError::UnderWay { workload, why });
    }
    Ok(())
}
