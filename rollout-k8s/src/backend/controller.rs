//! What makes the pods of a workload.

use std::fmt;

use rollout_core::{
    id::InstanceId,
    port::{InPlaceOrder, Making},
};
use serde_json::Value;

/// What makes the pods of a workload, which never changes while the workload lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Controller {
    /// One `ReplicaSet` for each revision.
    #[default]
    ReplicaSet,
    /// One `StatefulSet`, whose pods are replaced in place, the highest ordinal first.
    StatefulSet,
    /// One `DaemonSet`, whose pods are replaced in place, node by node.
    DaemonSet,
}

impl Controller {
    /// What `template.controller.kind` of a spec asks for; `ReplicaSet`s where it asks for nothing that is known
    /// here, which [`pin`](rollout_core::port::Backend::pin) refuses.
    #[must_use]
    pub fn of(template: &Value) -> Self {
        match template["controller"]["kind"].as_str() {
            Some("StatefulSet") => Self::StatefulSet,
            Some("DaemonSet") => Self::DaemonSet,
            Some(_) | None => Self::ReplicaSet,
        }
    }

    /// The instance that a pod is. A pod of a `StatefulSet` has the name of the one before it.
    pub(super) fn instance(self, name: &str, uid: &str) -> Option<InstanceId> {
        // Names of pods are lowercase letters, digits, dashes and dots; so are uids.
        match self {
            Self::ReplicaSet | Self::DaemonSet => InstanceId::new(name).ok(),
            Self::StatefulSet => InstanceId::new(format!("{name}-{}", piece(uid))).ok(),
        }
    }

    /// Name of the pod that is an instance, and how its uid begins.
    pub(super) fn pod(self, instance: &InstanceId) -> (&str, &str) {
        let name = instance.as_str();
        match self {
            Self::ReplicaSet | Self::DaemonSet => (name, ""),
            Self::StatefulSet => name.rsplit_once('-').unwrap_or((name, "")),
        }
    }

    /// How it makes and removes instances.
    pub(super) const fn making(self) -> Making {
        match self {
            Self::ReplicaSet => Making::ByCount,
            Self::StatefulSet => Making::InPlace { order: InPlaceOrder::Ranked },
            Self::DaemonSet => Making::InPlace { order: InPlaceOrder::Any },
        }
    }
}

/// The piece of a pod's uid by which it is told from those of the same name.
fn piece(uid: &str) -> &str {
    uid.get(..8).unwrap_or(uid)
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        })
    }
}
