//! Nodes: as many as wanted that exist in the API only, played by kwok.
//!
//! In: a count. Out: nodes `kwok-0`, `kwok-1`, …, each for 4,000 pods. They are tainted: a pod gets there by
//! [`POD`], and no other pod does.

use serde_json::{Value, json};

/// The fields of a pod's spec by which it is played instead of run.
pub const POD: &str = r#"{"nodeSelector": {"type": "kwok"}, "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}]}"#;

/// The objects of `count` nodes.
pub(super) fn objects(count: u32) -> Value {
    let nodes: Vec<Value> = (0..count).map(node).collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": nodes })
}

fn node(nth: u32) -> Value {
    let name = format!("kwok-{nth}");
    let room = json!({ "cpu": "1000", "memory": "1Ti", "pods": "4000" });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": { "kwok.x-k8s.io/node": "fake" },
            "labels": { "type": "kwok", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" },
        },
        "spec": {
            "taints": [{ "key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule" }],
        },
        "status": { "allocatable": room, "capacity": room },
    })
}
