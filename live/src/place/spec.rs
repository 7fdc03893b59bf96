//! Specs for Kubernetes: four pods of the server under test, and strategies by name.

use rollout_core::spec::{CheckedSpec, Format, parse};
use rollout_k8s::backend::Controller;
use serde_json::{Value, json};

use super::{Place, PlaceError, REPLICAS, WORKLOAD};
use crate::bed::{Image, SERVER_PORT};

impl Place {
    /// New before old, one more than wanted; in place one after the other.
    #[must_use]
    pub fn rolling(&self) -> Value {
        match self.controller() {
            Controller::ReplicaSet => json!({ "rolling": { "surge": 1, "unavailable": 0 } }),
            Controller::StatefulSet | Controller::DaemonSet => {
                json!({ "rolling": { "surge": 0, "unavailable": 1 } })
            }
        }
    }

    /// The spec of `image`, as a person would write it.
    #[must_use]
    pub fn spec(&self, image: Image, strategy: &Value) -> Value {
        json!({
            "version": 1,
            "workload": WORKLOAD,
            "replicas": REPLICAS,
            "strategy": strategy,
            "drain": { "deadline": "500ms" },
            "deadlines": { "progress": "30s" },
            "traffic": self.traffic(),
            "template": self.template(image),
        })
    }

    /// The pod template of `image`.
    #[must_use]
    pub fn template(&self, image: Image) -> Value {
        let mut template = json!({
            "metadata": { "labels": { "app": WORKLOAD } },
            "spec": {
                "terminationGracePeriodSeconds": 2,
                "containers": [{
                    "name": "web",
                    "image": self.cluster.image(image),
                    "imagePullPolicy": "Never",
                    "env": [{ "name": "ON_TERM", "value": self.manners.name() }],
                    "readinessProbe": {
                        "httpGet": { "path": "/health", "port": SERVER_PORT },
                        "periodSeconds": 1,
                    },
                }],
            },
        });
        match self.controller() {
            Controller::ReplicaSet => (),
            kind @ Controller::StatefulSet => {
                let own = json!({ "kind": kind.to_string(), "serviceName": WORKLOAD });
                template["controller"] = own;
            }
            kind @ Controller::DaemonSet => {
                template["controller"] = json!({ "kind": kind.to_string() });
            }
        }
        template
    }
}

pub(super) fn checked(spec: &Value) -> Result<CheckedSpec, PlaceError> {
    Ok(CheckedSpec::new(parse(&spec.to_string(), Format::Json)?)?)
}
