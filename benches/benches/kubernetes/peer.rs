//! Peer: a Deployment of the same pods with the same budget, and when it is through.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rollout_live::place::{Place, WORKLOAD};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Failure;

/// Longest rollout of a Deployment.
const DEADLINE: Duration = Duration::from_secs(300);
const ASK_EVERY: Duration = Duration::from_millis(100);

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

/// Waits until all pods are of the newest template, available, and the only ones it wants.
pub(crate) async fn completed(place: &Place, replicas: u64) -> Result<(), Failure> {
    let begun = Instant::now();
    let wanted = replicas.to_string();
    loop {
        let format = "jsonpath={.metadata.generation} {.status.observedGeneration} {.status.replicas} {.status.updatedReplicas} {.status.availableReplicas}";
        let seen = place.kubectl(["get", "deployment", WORKLOAD, "-o", format])?;
        let words: Vec<&str> = seen.split(' ').collect();
        if let [generation, observed, rest @ ..] = words.as_slice()
            && generation == observed
            && rest.len() == 3
            && rest.iter().all(|word| *word == wanted)
        {
            return Ok(());
        }
        if DEADLINE < begun.elapsed() {
            return Err(format!("the Deployment is not through after {DEADLINE:?}: {seen}").into());
        }
        sleep(ASK_EVERY).await;
    }
}
