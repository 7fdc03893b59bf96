//! `DaemonSet`: one pod per node, replaced in place.

use rollout_core::amount::Amount;
use serde_json::{Value, json};

use super::{OWN, head, history, pod_template, stateful_set::on_delete, surroundings};
use crate::{
    ImportError,
    document::{Fields, Scope},
    draft::Draft,
    file::File,
};

/// Reads a `DaemonSet`.
pub(crate) fn import(file: &File, scope: Scope<'_>) -> Result<Draft, ImportError> {
    let (mut draft, mut spec) = head(scope, "apps/v1")?;
    nodes(file, scope, &spec, &mut draft)?;
    spec.carry("minReadySeconds", &mut draft, "health.min_ready", Fields::seconds)?;
    history(&mut spec, &mut draft)?;
    pod_template::map(&mut spec, &scope.object.namespace, &mut draft)?;
    draft.set("template.controller", &json!({ "kind": "DaemonSet" }));
    let strategy = spec.open("updateStrategy")?;
    spec.changed(
        "updateStrategy",
        "rollback.on_failure",
        "pause: a DaemonSet never goes back by itself",
    );
    draft.set("rollback.on_failure", &"pause");
    match strategy {
        Some(mut strategy) => {
            match strategy.text("type")?.as_deref() {
                None => {
                    strategy.changed(
                        "type",
                        "strategy.rolling",
                        "not set: RollingUpdate, Kubernetes' default",
                    );
                }
                Some("RollingUpdate") => strategy.mapped("type", "strategy.rolling"),
                Some("OnDelete") => return Err(on_delete(&strategy)),
                Some(other) => {
                    let why = format!("`{other}` is not known");
                    return Err(strategy.wrong("type", why, "use `RollingUpdate`"));
                }
            }
            pace(strategy.open("rollingUpdate")?, &strategy, &mut draft)?;
        }
        None => pace(None, &spec, &mut draft)?,
    }
    surroundings::services(file, scope, &mut draft);
    Ok(draft)
}

/// The number of nodes, which only the cluster knows.
fn nodes(
    file: &File,
    scope: Scope<'_>,
    spec: &Fields<'_>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let seen = scope.object.at(&["status", "desiredNumberScheduled"]).and_then(Value::as_u64);
    let Some(nodes) = file.replicas.or(seen) else {
        return Err(spec.wrong(
            "",
            "a DaemonSet has one pod per node, and the number of nodes is not in the file",
            "give it to `rollout import` with `--replicas`, or take the file from the cluster with its `status`",
        ));
    };
    draft.set("replicas", &nodes);
    let how = match file.replicas {
        Some(_) => "as given: one pod per node",
        None => "`status.desiredNumberScheduled`: one pod per node",
    };
    spec.changed("replicas", "replicas", how);
    Ok(())
}

/// `maxSurge` and `maxUnavailable`: 0 and 1 by default. Their percentages round up.
fn pace(
    rolling: Option<Fields<'_>>,
    around: &Fields<'_>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let mut amounts = [Amount::Count(0), Amount::Count(1)];
    if let Some(mut rolling) = rolling {
        let fields = [("maxSurge", "surge"), ("maxUnavailable", "unavailable")];
        for (amount, (name, to)) in amounts.iter_mut().zip(fields) {
            let to = format!("strategy.rolling.{to}");
            match rolling.amount(name)? {
                None => rolling.changed(name, &to, format!("not set: {amount}, {OWN} default")),
                Some(percent @ Amount::Percent(_)) if name == "maxUnavailable" => {
                    rolling.changed(
                        name,
                        &to,
                        "a DaemonSet rounds it up; here it is rounded down, so that never more are missing than asked",
                    );
                    *amount = percent;
                }
                Some(written) => {
                    rolling.mapped(name, &to);
                    *amount = written;
                }
            }
        }
    } else {
        around.changed(
            "rollingUpdate",
            "strategy.rolling",
            "not set: one pod at a time, old one first",
        );
    }
    let [surge, unavailable] = amounts;
    draft.set("strategy", &json!({ "rolling": { "surge": surge, "unavailable": unavailable } }));
    Ok(())
}
