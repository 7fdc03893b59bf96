//! The spec of a Deployment as the cluster has it, by the same importer that reads files.

use rollout_core::spec::CheckedSpec;
use rollout_import::{Imported, Options, import};
use rollout_runtime::digest_id;
use serde_json::{Value, json};

use super::{
    error::AdoptError,
    object::{Kind, Object},
    record::{REVISION_NUMBER, Record, manifest},
    world::World,
};
use crate::{backend::EnrolBy, labels};

/// Reads the Deployment that is there, and what is to be kept of it.
pub(super) fn of_deployment(
    world: &World,
    deployment: &Object,
    enrol_by: EnrolBy,
) -> Result<(Record, Imported), AdoptError> {
    let kept = manifest(deployment);
    let imported = read(world, Kind::Deployment, &kept, enrol_by)?;
    let template = imported.spec.template.clone();
    let record = Record {
        deployment: kept,
        uid: deployment.uid().to_owned(),
        generation: deployment.number(&["metadata", "generation"]).unwrap_or_default(),
        replica_set: newest(world, deployment)?.name().to_owned(),
        revision: digest_id(&template),
        enrol_by,
        template,
    };
    Ok((record, imported))
}

/// Reads the Deployment that was kept.
pub(super) fn of_record(world: &World, record: &Record) -> Result<Imported, AdoptError> {
    read(world, Kind::Deployment, &record.deployment, record.enrol_by)
}

/// The `ReplicaSet` of the Deployment's newest template, which its controller marks with the number that it
/// gives the Deployment.
fn newest<'a>(world: &'a World, deployment: &Object) -> Result<&'a Object, AdoptError> {
    let number = deployment.annotation(REVISION_NUMBER);
    let sets = world.all(Kind::ReplicaSet).filter(|set| set.is_of(deployment.uid()));
    let newest = sets.into_iter().find(|set| set.annotation(REVISION_NUMBER) == number);
    newest.filter(|_| number.is_some()).ok_or_else(|| AdoptError::MidRollout {
        kind: Kind::Deployment,
        name: world.name.clone(),
        why: "its controller has made no ReplicaSet for its newest template yet".to_owned(),
    })
}

/// Reads an object of `kind`, as a person would write it, with what stands around it.
pub(super) fn read(
    world: &World,
    kind: Kind,
    object: &Value,
    enrol_by: EnrolBy,
) -> Result<Imported, AdoptError> {
    let mut items = vec![object.clone()];
    for (other, api) in [
        (Kind::Service, "v1"),
        (Kind::HorizontalPodAutoscaler, "autoscaling/v2"),
        (Kind::PodDisruptionBudget, "policy/v1"),
    ] {
        let of_kind = world.all(other);
        items.extend(of_kind.map(|object| around(object, other, api, world, kind)));
    }
    let text = json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string();
    // How many nodes a DaemonSet has pods on is not in what a person would write.
    let nodes = world.get(kind, &world.name).filter(|_| kind == Kind::DaemonSet);
    let replicas = nodes.and_then(|set| set.number(&["status", "desiredNumberScheduled"]));
    let options = Options { workload: Some(&world.name), replicas };
    let import = import(&text, &options).map_err(|why| AdoptError::Import {
        kind,
        name: world.name.clone(),
        why,
    })?;
    let imported =
        import.workloads.into_iter().next().expect("an import by name has that one workload");
    Ok(match enrol_by {
        EnrolBy::Label => imported,
        EnrolBy::ReadinessGate => {
            let mut spec = imported.spec.spec().clone();
            spec.traffic["kubernetes"]["enrol_by"] = json!(enrol_by);
            let spec =
                CheckedSpec::new(spec).expect("what an adapter is told was not checked before");
            Imported { spec, ..imported }
        }
    })
}

/// An object as it was before an adoption: what refers to the workload is found by that.
fn around(object: &Object, kind: Kind, api: &str, world: &World, of: Kind) -> Value {
    let mut spec = object.at(&["spec"]).clone();
    if let Some(selector) = spec.pointer_mut("/selector").and_then(Value::as_object_mut) {
        selector.remove(labels::SERVING);
    }
    if let Some(target) = spec.pointer_mut("/scaleTargetRef")
        && target["kind"] == "Rollout"
        && target["name"] == world.name
    {
        *target = json!({ "apiVersion": "apps/v1", "kind": of.to_string(), "name": world.name });
    }
    json!({
        "apiVersion": api,
        "kind": kind.to_string(),
        "metadata": { "name": object.name(), "namespace": world.namespace },
        "spec": spec,
    })
}
