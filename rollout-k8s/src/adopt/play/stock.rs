//! What is in the namespace before anything is adopted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NAME, PODS, Play, SET};
use crate::adopt::{object::Kind, record::TEMPLATE_HASH, world::World};

/// A pod template with `labels`.
fn template(labels: &Value) -> Value {
    json!({
        "metadata": { "labels": labels },
        "spec": { "containers": [{ "name": "web", "image": "web:1" }], "restartPolicy": "Always" },
    })
}

/// What says that an object is ruled by another.
pub(super) fn owner(kind: &str, name: &str) -> Value {
    json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true }])
}

impl Play {
    /// A settled Deployment of three pods, two `ReplicaSet`s, two Services, an autoscaler, a budget.
    pub(in crate::adopt) fn new() -> Self {
        let world = World {
            name: NAME.to_owned(),
            namespace: "shop".to_owned(),
            objects: BTreeMap::new(),
            scales: true,
        };
        let mut play = Self { world, writes: 0 };
        play.add_deployment();
        play.add_surroundings();
        play
    }

    fn add_deployment(&mut self) {
        let labels = json!({ "app": "web" });
        let hashed = json!({ "app": "web", TEMPLATE_HASH: "5d4f" });
        self.add(Kind::Deployment, NAME, json!({
            "metadata": { "annotations": { "deployment.kubernetes.io/revision": "2" } },
            "spec": { "replicas": 3, "selector": { "matchLabels": labels }, "template": template(&labels) },
            "status": { "observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3 },
        }));
        for (name, number, hash, size) in [("web-77aa", "1", "77aa", 0), (SET, "2", "5d4f", 3)] {
            let labels = json!({ "app": "web", TEMPLATE_HASH: hash });
            let mut made = template(&labels);
            if size == 0 {
                made["spec"]["containers"][0]["image"] = json!("web:0");
            }
            self.add(Kind::ReplicaSet, name, json!({
                "metadata": {
                    "labels": labels,
                    "annotations": {
                        "deployment.kubernetes.io/revision": number,
                        "deployment.kubernetes.io/desired-replicas": "3",
                    },
                    "ownerReferences": owner("Deployment", NAME),
                },
                "spec": { "replicas": size, "selector": { "matchLabels": labels }, "template": made },
                "status": { "observedGeneration": 1 },
            }));
        }
        for name in PODS {
            self.add(
                Kind::Pod,
                name,
                json!({
                    "metadata": { "labels": hashed, "ownerReferences": owner("ReplicaSet", SET) },
                    "status": { "podIP": "10.0.0.1" },
                }),
            );
        }
    }

    fn add_surroundings(&mut self) {
        let labels = json!({ "app": "web" });
        for name in [NAME, "web-admin"] {
            self.add(Kind::Service, name, json!({ "spec": { "selector": labels } }));
        }
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": NAME });
        self.add(
            Kind::HorizontalPodAutoscaler,
            NAME,
            json!({
                "spec": { "scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9 },
            }),
        );
        let budget =
            json!({ "spec": { "minAvailable": 2, "selector": { "matchLabels": labels } } });
        self.add(Kind::PodDisruptionBudget, NAME, budget);
    }
}
