//! `Deployment`: rolling by loose counting, or recreate. Facts: `pkg/apis/apps/v1/defaults.go` of Kubernetes.

use serde_json::json;

use super::{OWN, head, pod_template, quarter_pace, replicas, surroundings, times};
use crate::{
    ImportError,
    document::{Fields, Scope},
    draft::Draft,
    file::File,
};

/// Reads a Deployment.
pub(crate) fn import(file: &File, scope: Scope<'_>) -> Result<Draft, ImportError> {
    let (mut draft, mut spec) = head(scope, "apps/v1")?;
    replicas(file, &mut spec, &mut draft)?;
    times(&mut spec, &mut draft)?;
    paused(&mut spec)?;
    pod_template::map(&mut spec, &scope.object.namespace, &mut draft)?;
    strategy(&mut spec, &mut draft)?;
    draft.set("rollback.on_failure", &"pause");
    surroundings::services(file, scope, &mut draft);
    surroundings::budgets(file, scope, &draft);
    Ok(draft)
}

/// `paused`, which a spec has no word for: nothing moves before it is submitted.
pub(crate) fn paused(spec: &mut Fields<'_>) -> Result<(), ImportError> {
    if let Some(paused) = spec.flag("paused")? {
        let why = if paused {
            "nothing moves before the spec is submitted; `rollout pause` stops it then"
        } else {
            "it says nothing"
        };
        spec.dropped("paused", why);
    }
    Ok(())
}

fn strategy(spec: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let mut strategy = spec.open_or_empty("strategy")?;
    strategy.changed(
        "",
        "rollback.on_failure",
        "pause: a Deployment counts no failures, only reports its deadline, and never goes back by itself; here the first failed instance stops it, and `rollback` would make it go back",
    );
    match strategy.text("type")?.as_deref() {
        Some("Recreate") => {
            strategy.mapped("type", "strategy.recreate");
            strategy.refuse(
                "rollingUpdate",
                "`Recreate` has no pace",
                "take it out, or write `type: RollingUpdate`",
            )?;
            draft.set("strategy", &json!({ "recreate": {} }));
            return Ok(());
        }
        Some("RollingUpdate") => strategy.mapped("type", "strategy.rolling"),
        None => {
            let how = "not set: RollingUpdate, Kubernetes' default";
            strategy.changed("type", "strategy.rolling", how);
        }
        Some(other) => {
            return Err(strategy.wrong(
                "type",
                format!("`{other}` is not known"),
                "use `RollingUpdate` or `Recreate`",
            ));
        }
    }
    let mut rolling = strategy.open_or_empty("rollingUpdate")?;
    draft.set("strategy", &json!({}));
    quarter_pace(&mut rolling, OWN, draft, "strategy.rolling")?;
    rolling.changed(
        "",
        "strategy.rolling.counting",
        "loose, as pods on their way out do not count against maxSurge",
    );
    Ok(())
}
