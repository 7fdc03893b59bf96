//! A `StatefulSet` or a `DaemonSet` on its way: the object stays, and so do its pods.
//!
//! A pod belongs to the template that its label `controller-revision-hash` names. A template with other labels is
//! another one, so its pods are told to be of it by that label, while the object takes nobody away; once its
//! own status counts them all as updated, it could take none away any more.

mod giving;
mod record;
mod refuse;
mod taking;

use serde_json::{Value, json};

use self::record::Record;
use super::{
    AdoptError, Handing, Stage, change::Change, object::Kind, object::Object, world::World,
};
use crate::backend::EnrolBy;

/// What is left of an adoption.
pub(super) fn adopting(
    world: &World,
    kind: Kind,
    released: &[String],
) -> Result<Handing, AdoptError> {
    let Some(set) = world.get(kind, &world.name) else {
        return Err(AdoptError::NoDeployment {
            kind,
            name: world.name.clone(),
            namespace: world.namespace.clone(),
            found: world.all(kind).map(|it| it.name().to_owned()).collect(),
        });
    };
    let record = if let Some(record) = kept(world)? {
        record
    } else {
        refuse::taking(world, kind, set, released)?;
        Record::new(world, kind, set)?
    };
    let spec = super::spec::read(world, kind, &record.object, EnrolBy::Label)?;
    let stages = taking::stages(world, kind, set, &record);
    Ok(Handing { stages: left(stages), left: Vec::new(), ungated: 0, spec: Some(spec) })
}

/// What is left of a hand-back.
pub(super) fn handing_back(world: &World, kind: Kind) -> Result<Handing, AdoptError> {
    let (workload, namespace) = (world.name.clone(), world.namespace.clone());
    let set = world.get(kind, &world.name);
    let done = |stages: Vec<Stage>| Handing {
        stages: left(stages),
        left: Vec::new(),
        ungated: 0,
        spec: None,
    };
    let Some(record) = kept(world)? else {
        let Some(set) = set.filter(|set| !taking::is_ours(world, set)) else {
            let record = super::record::Record::name(&workload);
            return Err(AdoptError::NotAdopted { workload, namespace, record });
        };
        // Whoever wrote to a Service of it after the hand-back would keep new pods from requests.
        return Ok(done(vec![super::giving::services(world, set)]));
    };
    let Some(set) = set else {
        let why = format!("it has no {kind}");
        return Err(AdoptError::UnderWay { workload, why });
    };
    refuse::giving(world, set)?;
    Ok(done(giving::stages(world, kind, set, &record)))
}

/// The stages that are not done.
fn left(stages: Vec<Stage>) -> Vec<Stage> {
    stages.into_iter().filter(|stage| !stage.is_done()).collect()
}

/// What was kept of it.
fn kept(world: &World) -> Result<Option<Record>, AdoptError> {
    let Some(object) = world.kept() else { return Ok(None) };
    Record::read(object).map(Some).map_err(|why| {
        let record = object.name().to_owned();
        AdoptError::Unreadable { record, why }
    })
}

/// The value of the label by which a pod is of the newest template; `None` until its controller has seen that.
fn newest_hash<'a>(world: &'a World, kind: Kind, set: &'a Object) -> Option<&'a str> {
    if !set.is_seen() {
        return None;
    }
    if kind == Kind::StatefulSet {
        return set.at(&["status", "updateRevision"]).as_str();
    }
    let own = world.all(Kind::ControllerRevision).filter(|it| it.is_of(set.uid()));
    own.max_by_key(|it| it.number(&["revision"]))?.label(crate::labels::TEMPLATE_HASH)
}

/// Waits until the controller counts every pod as one of its newest template.
fn counted(kind: Kind, set: &Object) -> Stage {
    let mut stage = Stage::new("wait until it counts every pod as its newest");
    let number = |path: &[&str]| set.number(path).unwrap_or(0);
    let (wanted, updated) = if kind == Kind::StatefulSet {
        (number(&["spec", "replicas"]), number(&["status", "updatedReplicas"]))
    } else {
        (
            number(&["status", "desiredNumberScheduled"]),
            number(&["status", "updatedNumberScheduled"]),
        )
    };
    let status = |field: &str| set.at(&["status", field]);
    let is_one = status("currentRevision") == status("updateRevision");
    if !(set.is_seen() && is_one && updated == wanted) {
        let name = set.name();
        stage.waits_for = Some(format!("{kind}/{name}: it counts {updated} of {wanted} pods"));
    }
    stage
}

/// A strategy by which it takes nobody away by itself.
fn holding(kind: Kind, set: &Object) -> Value {
    if kind == Kind::StatefulSet {
        json!({
            "type": "RollingUpdate",
            "rollingUpdate": { "partition": set.number(&["spec", "replicas"]).unwrap_or(0) },
        })
    } else {
        json!({ "type": "OnDelete", "rollingUpdate": null })
    }
}

/// The same patch of each of these pods.
fn of_pods<'a>(pods: impl Iterator<Item = &'a Object>, patch: &Value) -> Vec<Change> {
    pods.filter_map(|pod| Change::patch(Kind::Pod, pod, patch.clone())).collect()
}
