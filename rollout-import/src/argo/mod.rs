//! Argo `Rollout`s with their `AnalysisTemplate`s. Facts: `pkg/apis/rollouts/v1alpha1/types.go` and
//! `utils/defaults/defaults.go` of Argo Rollouts.

mod analysis;
mod blue_green;
mod canary;
mod routing;
mod step;
mod steps;

use crate::{
    ImportError,
    document::{Fields, Scope},
    draft::Draft,
    file::File,
    kubernetes::{self, adopt, budgets, head, paused, pod_template, replicas, times},
};

/// Whose defaults stand in the report.
const ARGO: &str = "Argo's";

/// Reads a `Rollout`.
pub(crate) fn import(file: &File, scope: Scope<'_>) -> Result<Draft, ImportError> {
    let (mut draft, mut spec) = head(scope, "argoproj.io/v1alpha1")?;
    replicas(file, &mut spec, &mut draft)?;
    times(&mut spec, &mut draft)?;
    paused(&mut spec)?;
    aside(&mut spec)?;
    template(file, &mut spec, &mut draft)?;
    let mut strategy = spec
        .open("strategy")?
        .ok_or_else(|| spec.missing("strategy", "write `canary` or `blueGreen`"))?;
    let (canary, blue_green) = (strategy.open("canary")?, strategy.open("blueGreen")?);
    match (canary, blue_green) {
        (Some(canary), None) => canary::map(file, canary, &mut draft)?,
        (None, Some(blue_green)) => blue_green::map(file, blue_green, &mut draft)?,
        (Some(_), Some(_)) => {
            return Err(strategy.wrong(
                "",
                "`canary` and `blueGreen` exclude each other",
                "take one out",
            ));
        }
        (None, None) => {
            return Err(strategy.wrong("", "it has no strategy", "write `canary` or `blueGreen`"));
        }
    }
    kubernetes::services(file, scope, &mut draft);
    budgets(file, scope, &draft);
    Ok(draft)
}

/// Fields that are orders, or about Argo's own objects.
fn aside(spec: &mut Fields<'_>) -> Result<(), ImportError> {
    let abort = spec.flag("progressDeadlineAbort")?.unwrap_or(false);
    let how = if abort {
        "rollback, as there"
    } else {
        "rollback: a missed deadline goes back by itself here, as with `progressDeadlineAbort: true`"
    };
    spec.changed("progressDeadlineAbort", "rollback.on_failure", how);
    spec.leave_out(
        "analysis",
        "it is about how many runs Argo keeps; the journal keeps all evidence",
    );
    spec.leave_out("restartAt", "it is an order, not a state: `rollout restart`");
    spec.leave_out(
        "rollbackWindow",
        "it would skip steps and analysis on the way back; `rollout undo` goes to a proven revision, and only when its instances are ready",
    );
    Ok(())
}

/// The pod template: the rollout's own, or that of the workload it refers to.
fn template(file: &File, spec: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let Some(mut reference) = spec.open("workloadRef")? else {
        let namespace = spec.scope.object.namespace.clone();
        return pod_template::map(spec, &namespace, draft);
    };
    if spec.has("template") {
        return Err(spec.wrong(
            "template",
            "it stands beside `workloadRef`",
            "take one of them out",
        ));
    }
    let target = adopt::target(file, &mut reference)?;
    reference.leave_out(
        "scaleDown",
        "the engine takes the pods of the workload over; none are left to scale down",
    );
    let scope = Scope { object: target, own: false, ..spec.scope };
    let mut fields = adopt::open(file, scope)?;
    fields.leave_out("replicas", "those of the Rollout count");
    adopt::template(&mut fields, draft)?;
    spec.leave_out("selector", "the engine selects its pods by labels of its own");
    Ok(())
}

/// What Argo keeps of an aborted candidate: `abortScaleDownDelaySeconds`, 30 s by default, 0 for ever.
fn keep_failed(
    fields: &mut Fields<'_>,
    draft: &mut Draft,
    has_router: bool,
) -> Result<(), ImportError> {
    const NAME: &str = "abortScaleDownDelaySeconds";
    const TO: &str = "rollback.keep_failed";
    let seconds = fields.number(NAME)?;
    if !has_router {
        if seconds.is_some() {
            fields.dropped(NAME, "without a router a candidate that is kept would go on serving");
        }
        return Ok(());
    }
    let how = match seconds {
        Some(0) => {
            let longest = rollout_core::spec::LONG_WAIT_LIMIT;
            draft.set(TO, &longest);
            format!("0 keeps it for ever; {longest} is the longest there is")
        }
        Some(seconds) => {
            draft.set(TO, &rollout_core::time::Span::from_secs(seconds));
            fields.mapped(NAME, TO);
            return Ok(());
        }
        None => {
            draft.set(TO, &"30s");
            format!("not set: 30s, {ARGO} default")
        }
    };
    fields.changed(NAME, TO, how);
    Ok(())
}

/// Fields of both strategies about where pods run and what they wear.
fn clothes(fields: &mut Fields<'_>, names: [&str; 2]) {
    fields.leave_out(
        "antiAffinity",
        "it keeps the pods of two revisions on different nodes; the engine does not choose nodes, so write it into the pod template if it matters",
    );
    for name in names {
        fields.leave_out(
            name,
            "labels that pods wear only while they play a part; the engine's own tell the part",
        );
    }
    fields.leave_out("scaleDownDelayRevisionLimit", "at most one old revision is kept running");
}
