//! Standing: which pods and `ReplicaSets` there are, in few words that can be compared.

use std::collections::BTreeMap;

use rollout_k8s::labels;
use serde_json::Value;

use super::REPLICAS;
use crate::bed::Image;

/// What stands in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Pods that are ready and get traffic, by version.
    pub serving: BTreeMap<String, u64>,
    /// All other pods: those on their way in or out, failed ones.
    pub others: u64,
    /// Sizes of `ReplicaSets` that have one, by version.
    pub sets: BTreeMap<String, u64>,
    /// `ReplicaSets` that are not of the workload.
    pub foreign: u64,
}

impl Standing {
    /// The replicas of `image` and nothing else.
    #[must_use]
    pub fn exactly(image: Image) -> Self {
        let only = BTreeMap::from([(image.version().to_owned(), REPLICAS)]);
        Self { serving: only.clone(), sets: only, ..Self::default() }
    }

    /// The same where no `ReplicaSet` makes them.
    pub(super) fn in_place(image: Image) -> Self {
        Self { sets: BTreeMap::new(), ..Self::exactly(image) }
    }

    /// From what `kubectl get -o json` says.
    pub(super) fn read(pods: &str, sets: &str) -> Self {
        let (mut standing, has_label) = (Self::default(), |object: &Value, name: &str| {
            object["metadata"]["labels"].get(name).is_some()
        });
        for pod in items(pods) {
            if is_ready(&pod) && has_label(&pod, labels::SERVING) {
                *standing.serving.entry(version(&pod["spec"])).or_default() += 1;
            } else {
                standing.others += 1;
            }
        }
        for set in items(sets) {
            let replicas = set["spec"]["replicas"].as_u64().unwrap_or_default();
            if !has_label(&set, labels::WORKLOAD) {
                standing.foreign += 1;
            } else if 0 < replicas {
                *standing.sets.entry(version(&set["spec"]["template"]["spec"])).or_default() +=
                    replicas;
            }
        }
        standing
    }
}

fn items(list: &str) -> Vec<Value> {
    let mut list: Value = serde_json::from_str(list).unwrap_or_default();
    list["items"].as_array_mut().map(std::mem::take).unwrap_or_default()
}

/// The tag of the first container's image.
fn version(spec: &Value) -> String {
    let image = spec["containers"][0]["image"].as_str().unwrap_or_default();
    image.rsplit(':').next().unwrap_or_default().to_owned()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let is_ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    is_ready && pod["metadata"].get("deletionTimestamp").is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_and_sets_are_told_apart() {
        let pod = |serving: bool, ready: &str| {
            let labels = if serving { json!({ labels::SERVING: "yes" }) } else { json!({}) };
            json!({
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "image": "rollout.test/web:v2" }] },
                "status": { "conditions": [{ "type": "Ready", "status": ready }] },
            })
        };
        let pods = json!({ "items": [pod(true, "True"), pod(false, "True"), pod(true, "False")] });
        let set = |labels: Value, replicas: u64| {
            let spec = json!({ "containers": [{ "image": "rollout.test/web:v2" }] });
            json!({
                "metadata": { "labels": labels },
                "spec": { "replicas": replicas, "template": { "spec": spec } },
            })
        };
        let ours = json!({ labels::WORKLOAD: "web" });
        let sets = json!({ "items": [set(ours.clone(), 1), set(ours, 0), set(json!({}), 5)] });
        let seen = Standing::read(&pods.to_string(), &sets.to_string());
        let one = BTreeMap::from([("v2".to_owned(), 1)]);
        assert_eq!(seen, Standing { serving: one.clone(), others: 2, sets: one, foreign: 1 });
    }
}
