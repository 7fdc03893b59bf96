//! Peer: a Deployment of the same pods with the same budget, and when it is through.

use std::collections::BTreeMap;

use rollout_live::place::{Place, WORKLOAD};
use serde_json::{Value, json};

use crate::Failure;

/// Applies a Deployment of `template` behind the place's Service, with this surge and these unavailable.
pub(crate) fn apply(
    place: &Place,
    mut template: Value,
    replicas: u64,
    budget: (&Value, &Value),
) -> Result<(), Failure> {
    // The Service of a place asks for the labels that the engine's pods have.
    for (label, value) in Place::SELECTOR {
        template["metadata"]["labels"][label] = json!(value);
    }
    let rolling = json!({ "maxSurge": budget.0, "maxUnavailable": budget.1 });
    place.apply(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": WORKLOAD },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": BTreeMap::from(Place::SELECTOR) },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling },
            "template": template,
        },
    }))?;
    Ok(())
}

/// Waits until all pods are of the newest template, available, and the only ones it wants: those on their way out
/// count no more. `kubectl` watches, so it tells at once.
pub(crate) fn completed(place: &Place) -> Result<(), Failure> {
    let deployment = format!("deployment/{WORKLOAD}");
    place.kubectl(["rollout", "status", &deployment, "--timeout=300s"])?;
    Ok(())
}
