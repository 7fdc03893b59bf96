//! `StatefulSet`: one object that replaces its pods in place, highest ordinal first.

use rollout_core::amount::Amount;
use serde_json::{Map, Value, json};

use super::{OWN, head, history, pod_template, replicas, surroundings};
use crate::{
    ImportError,
    document::{Fields, Scope},
    draft::Draft,
    file::File,
    gate,
};

/// What makes a pod of the set more than its template: identity, order, storage.
const KEPT: [&str; 5] = [
    "serviceName",
    "podManagementPolicy",
    "volumeClaimTemplates",
    "persistentVolumeClaimRetentionPolicy",
    "ordinals",
];

/// Reads a `StatefulSet`.
pub(crate) fn import(file: &File, scope: Scope<'_>) -> Result<Draft, ImportError> {
    let (mut draft, mut spec) = head(scope, "apps/v1")?;
    replicas(file, &mut spec, &mut draft)?;
    spec.carry("minReadySeconds", &mut draft, "health.min_ready", Fields::seconds)?;
    history(&mut spec, &mut draft)?;
    pod_template::map(&mut spec, &scope.object.namespace, &mut draft)?;
    let ordered = kept(&mut spec, &mut draft);
    let strategy = spec.open("updateStrategy")?;
    spec.changed(
        "updateStrategy",
        "rollback.on_failure",
        "pause: a StatefulSet never goes back by itself",
    );
    draft.set("rollback.on_failure", &"pause");
    match strategy {
        Some(mut strategy) => rolling(&mut strategy, ordered, &mut draft)?,
        None => pace(None, &spec, ordered, &mut draft)?,
    }
    surroundings::services(file, scope, &mut draft);
    surroundings::budgets(file, scope, &draft);
    Ok(draft)
}

/// Keeps what the set itself does in `template.controller`, in its own words. Says whether pods are
/// replaced strictly one after the other.
fn kept(spec: &mut Fields<'_>, draft: &mut Draft) -> bool {
    let mut controller = Map::new();
    controller.insert("kind".to_owned(), json!("StatefulSet"));
    for name in KEPT {
        if let Some(value) = spec.raw(name) {
            spec.changed(
                name,
                &format!("template.controller.{name}"),
                "the set goes on doing it; its pods are replaced in place",
            );
            controller.insert(name.to_owned(), value);
        }
    }
    let ordered = controller.get("podManagementPolicy").and_then(Value::as_str) != Some("Parallel");
    draft.set("template.controller", &controller);
    ordered
}

fn rolling(strategy: &mut Fields<'_>, ordered: bool, draft: &mut Draft) -> Result<(), ImportError> {
    match strategy.text("type")?.as_deref() {
        None => strategy.changed(
            "type",
            "strategy.rolling",
            "not set: RollingUpdate, Kubernetes' default",
        ),
        Some("RollingUpdate") => strategy.mapped("type", "strategy.rolling"),
        Some("OnDelete") => return Err(on_delete(strategy)),
        Some(other) => {
            return Err(strategy.wrong(
                "type",
                format!("`{other}` is not known"),
                "use `RollingUpdate`",
            ));
        }
    }
    let rolling = strategy.open("rollingUpdate")?;
    pace(rolling, strategy, ordered, draft)
}

/// The refusal of `OnDelete`.
pub(super) fn on_delete(strategy: &Fields<'_>) -> ImportError {
    strategy.wrong(
        "type",
        "with `OnDelete` a person decides about every single pod, and a rollout would replace them all",
        "write `RollingUpdate`",
    )
}

fn pace(
    mut rolling: Option<Fields<'_>>,
    around: &Fields<'_>,
    ordered: bool,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    const TO: &str = "strategy.rolling.unavailable";
    let mut pace = json!({ "surge": 0, "unavailable": 1 });
    let mut partition = 0;
    if let Some(rolling) = &mut rolling {
        if let Some(amount) = rolling.amount("maxUnavailable")? {
            pace["unavailable"] = json!(amount);
            let how = "rounded down, and 1 where that is nothing, as there";
            match amount {
                Amount::Count(_) => rolling.mapped("maxUnavailable", TO),
                Amount::Percent(_) => rolling.changed("maxUnavailable", TO, how),
            }
        } else {
            rolling.changed("maxUnavailable", TO, format!("not set: 1, {OWN} default"));
        }
        partition = rolling.number("partition")?.unwrap_or(0);
    } else {
        around.changed("rollingUpdate", TO, format!("not set: 1, {OWN} default"));
    }
    if ordered {
        pace["parallelism"] = json!(1);
        around.changed(
            "podManagementPolicy",
            "strategy.rolling.parallelism",
            "1: OrderedReady replaces one pod after the other",
        );
    }
    let strategy = match (partition, rolling) {
        (0, _) | (_, None) => json!({ "rolling": pace }),
        (partition, Some(rolling)) => held_back(partition, &rolling, &pace, draft.replicas())?,
    };
    draft.set("strategy", &strategy);
    Ok(())
}

/// A partition holds back the pods of the lowest ordinals: a stage for the others, then a person's word.
fn held_back(
    partition: u64,
    rolling: &Fields<'_>,
    pace: &Value,
    desired: u64,
) -> Result<Value, ImportError> {
    const NAME: &str = "partition";
    if desired <= partition {
        return Err(rolling.wrong(
            NAME,
            format!("{partition} holds back all {desired} pods, so nothing would be rolled out"),
            "lower it, or take it out",
        ));
    }
    rolling.changed(
        NAME,
        "strategy.stages",
        format!("the {partition} pods of the lowest ordinals wait for `rollout promote`, where a StatefulSet waits for another partition"),
    );
    Ok(json!({ "stages": [
        {
            "name": "above-partition",
            "candidate": desired - partition,
            "stable": partition,
            "route": "replicas",
            "pace": pace,
            "gates": [gate::approval()],
        },
        { "name": "rest", "candidate": "100%", "stable": 0, "route": "replicas", "pace": pace, "proves": true },
    ] }))
}
