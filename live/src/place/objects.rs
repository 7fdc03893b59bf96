//! Objects that lead to the pods of a place, as a person would have made them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{CANDIDATE, Place, WORKLOAD, Way};
use crate::bed::SERVER_PORT;

impl Place {
    pub(super) fn service(&self, name: &str) -> Value {
        let selector = match self.way {
            Way::Service | Way::InPlace(_) | Way::Switch | Way::Gateway => {
                BTreeMap::from(Self::SELECTOR)
            }
            Way::Gate => BTreeMap::from([("app", WORKLOAD)]),
        };
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": name },
            "spec": {
                "type": "NodePort",
                "selector": selector,
                "ports": [{ "port": 80, "targetPort": SERVER_PORT }],
            },
        })
    }

    /// A route for the host that the load asks for.
    pub(super) fn http_route() -> Value {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": { "name": WORKLOAD },
            "spec": {
                "hostnames": [crate::load::HOST],
                "parentRefs": [{ "namespace": "gateway", "name": "gateway" }],
                "rules": [{ "backendRefs": [{ "name": WORKLOAD, "port": 80 }] }],
            },
        })
    }

    /// What a spec says of its traffic.
    pub(super) fn traffic(&self) -> Value {
        match self.way {
            Way::Service | Way::InPlace(_) => json!({ "kubernetes": { "services": [WORKLOAD] } }),
            Way::Gate => json!({ "kubernetes": {
                "services": [WORKLOAD],
                "enrol_by": "readiness_gate",
            } }),
            Way::Switch => json!({ "kubernetes": { "active_service": WORKLOAD } }),
            Way::Gateway => json!({ "kubernetes": {
                "stable_service": WORKLOAD,
                "candidate_service": CANDIDATE,
                "router": { "gateway": { "http_route": WORKLOAD } },
            } }),
        }
    }
}
