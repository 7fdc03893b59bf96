//! Objects of the cluster as the API server gives them: JSON, read by path.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{Pod, Service},
    discovery::v1::EndpointSlice,
    policy::v1::PodDisruptionBudget,
};
use kube::api::ApiResource;
use serde_json::Value;

use crate::labels;

/// A kind of object that a handover reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What is taken over.
    Deployment,
    /// The same, with pods that are replaced in place.
    StatefulSet,
    /// The same, with a pod on each node.
    DaemonSet,
    /// What stays of it.
    ReplicaSet,
    /// What serves.
    Pod,
    /// What brings requests.
    Service,
    /// What chooses the number of pods.
    HorizontalPodAutoscaler,
    /// What rules evictions.
    PodDisruptionBudget,
    /// Where the way back is kept.
    ControllerRevision,
    /// What the control plane makes of Services.
    EndpointSlice,
    /// Our own.
    Rollout,
}

impl Kind {
    /// As `kubectl` takes it.
    pub(super) fn word(self) -> String {
        self.to_string().to_lowercase()
    }

    /// Whether pods of it are replaced in place.
    pub(super) const fn is_in_place(self) -> bool {
        matches!(self, Self::StatefulSet | Self::DaemonSet)
    }

    /// How the API server knows it.
    pub(super) fn resource(self) -> ApiResource {
        match self {
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
            Self::DaemonSet => ApiResource::erase::<DaemonSet>(&()),
            Self::ReplicaSet => ApiResource::erase::<ReplicaSet>(&()),
            Self::Pod => ApiResource::erase::<Pod>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::ControllerRevision => ApiResource::erase::<ControllerRevision>(&()),
            Self::EndpointSlice => ApiResource::erase::<EndpointSlice>(&()),
            Self::Rollout => ApiResource {
                group: labels::GROUP.to_owned(),
                version: ROLLOUT_VERSION.to_owned(),
                api_version: rollout_api(),
                kind: "Rollout".to_owned(),
                plural: "rollouts".to_owned(),
            },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::Pod => "Pod",
            Self::Service => "Service",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::ControllerRevision => "ControllerRevision",
            Self::EndpointSlice => "EndpointSlice",
            Self::Rollout => "Rollout",
        })
    }
}

/// Version of our own kinds.
const ROLLOUT_VERSION: &str = "v1alpha1";

/// Group and version of our own kinds.
pub(super) fn rollout_api() -> String {
    format!("{}/{ROLLOUT_VERSION}", labels::GROUP)
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object(pub(super) Value);

/// Whether a pod, or a template of pods, has our readiness gate.
pub(super) fn is_gated(pod: &Value) -> bool {
    let gates = pod["spec"]["readinessGates"].as_array();
    gates.into_iter().flatten().any(|gate| gate["conditionType"] == labels::GATE)
}

impl Object {
    /// What stands at `path`, such as `["spec", "replicas"]`; null if nothing does.
    pub(super) fn at(&self, path: &[&str]) -> &Value {
        path.iter().fold(&self.0, |value, name| &value[*name])
    }

    /// The text at `path`; empty if there is none.
    pub(super) fn text(&self, path: &[&str]) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    /// The number at `path`; `None` if there is none.
    pub(super) fn number(&self, path: &[&str]) -> Option<u64> {
        self.at(path).as_u64()
    }

    pub(super) fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    pub(super) fn uid(&self) -> &str {
        self.text(&["metadata", "uid"])
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.at(&["metadata", "labels", name]).as_str()
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.at(&["metadata", "annotations", name]).as_str()
    }

    /// The one that rules it: its `ownerReferences` entry with `controller: true`.
    pub(super) fn controller(&self) -> Option<&Value> {
        let owners = self.at(&["metadata", "ownerReferences"]).as_array()?;
        owners.iter().find(|owner| owner["controller"] == true)
    }

    /// Whether it is ruled by the object with that uid.
    pub(super) fn is_of(&self, uid: &str) -> bool {
        self.controller().is_some_and(|owner| owner["uid"] == uid)
    }

    /// Whether it was told to go.
    pub(super) fn is_going(&self) -> bool {
        !self.at(&["metadata", "deletionTimestamp"]).is_null()
    }

    /// Whether its controller has seen the newest of its `spec`.
    pub(super) fn is_seen(&self) -> bool {
        let asked = self.number(&["metadata", "generation"]);
        asked <= self.number(&["status", "observedGeneration"])
    }
}

/// The labels or the selector at a place of an object.
pub(super) fn labels_of(value: &Value) -> BTreeMap<&str, &str> {
    let fields = value.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

/// Whether `selector` has something in it and all of that stands in `labels`.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let selector = labels_of(selector);
    !selector.is_empty() && selector.iter().all(|(name, value)| labels[*name] == *value)
}
