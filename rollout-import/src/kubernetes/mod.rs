//! Kubernetes' own workloads: what they share, and one file for each kind.

pub(crate) mod adopt;
mod daemon_set;
mod deployment;
pub(crate) mod pod_template;
mod probes;
mod stateful_set;
mod surroundings;

use rollout_core::{amount::Amount, spec::LONG_WAIT_LIMIT, time::Span};
use serde_json::{Value, json};

pub(crate) use self::{
    daemon_set::import as daemon_set,
    deployment::{import as deployment, paused},
    stateful_set::import as stateful_set,
    surroundings::{budgets, services},
};
use crate::{
    ImportError,
    document::{Fields, Scope},
    draft::Draft,
    file::File,
};

/// Whose defaults stand in the report of Kubernetes' own workloads.
const OWN: &str = "Kubernetes'";
/// `progressDeadlineSeconds` and `revisionHistoryLimit` of this are no limit at all.
const INFINITE: u64 = 2_147_483_647;
/// Default of `progressDeadlineSeconds`.
const PROGRESS: Span = Span::from_secs(600);
/// Default of `revisionHistoryLimit`.
const HISTORY: u64 = 10;

/// The object's head as a draft, and its `spec`.
pub(crate) fn head<'a>(scope: Scope<'a>, api: &str) -> Result<(Draft, Fields<'a>), ImportError> {
    let mut top = Fields::of(scope);
    let version = &scope.object.api;
    if !version.starts_with(api) {
        return Err(top.wrong(
            "apiVersion",
            format!("`{version}` is not known here, and older versions have other defaults"),
            format!("write the object in the words of `{api}`"),
        ));
    }
    for name in ["apiVersion", "kind"] {
        top.leave_out(name, "it says which words the object is written in");
    }
    top.leave_out("status", "it is what the cluster says, not what is asked of it");
    let mut draft = Draft::new(&scope.object.name);
    let mut metadata = top.open("metadata")?.ok_or_else(|| top.missing("metadata", "add it"))?;
    if metadata.text("name")?.is_none() {
        return Err(metadata.missing("name", "name the workload"));
    }
    metadata.mapped("name", "workload");
    if metadata.text("namespace")?.is_some() {
        metadata.mapped("namespace", "template.metadata.namespace");
    }
    for name in metadata.names() {
        metadata.leave_out(&name, "it is the object's own, not its pods'");
    }
    drop(metadata);
    let spec = top.open("spec")?.ok_or_else(|| top.missing("spec", "add it"))?;
    draft.set("template", &json!({}));
    Ok((draft, spec))
}

/// `replicas`: where they are not written, the least that an autoscaler in the file chooses, else 1.
pub(crate) fn replicas(
    file: &File,
    spec: &mut Fields<'_>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    const NAME: &str = "replicas";
    let autoscaler = surroundings::autoscaler(file, spec.scope);
    match autoscaler {
        Some((name, least)) if !spec.has(NAME) => {
            draft.set(NAME, &least);
            spec.changed(NAME, NAME, format!("not set: {least}, the least that {name} chooses"));
            Ok(())
        }
        Some(_) | None => {
            let default = (1_u64, whose(spec));
            spec.carry_or(NAME, draft, NAME, default, Fields::number)
        }
    }
}

/// `minReadySeconds`, `progressDeadlineSeconds` and `revisionHistoryLimit`.
pub(crate) fn times(spec: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    spec.carry("minReadySeconds", draft, "health.min_ready", Fields::seconds)?;
    progress(spec, draft)?;
    history(spec, draft)
}

/// `progressDeadlineSeconds`.
pub(crate) fn progress(spec: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let (name, to) = ("progressDeadlineSeconds", "deadlines.progress");
    match spec.number(name)? {
        Some(INFINITE) => {
            draft.set(to, &LONG_WAIT_LIMIT);
            let how =
                format!("{INFINITE} is no deadline; {LONG_WAIT_LIMIT} is the longest there is");
            spec.changed(name, to, how);
        }
        Some(seconds) => {
            draft.set(to, &Span::from_secs(seconds));
            spec.mapped(name, to);
        }
        None => {
            draft.set(to, &PROGRESS);
            spec.changed(name, to, format!("not set: {PROGRESS}, {} default", whose(spec)));
        }
    }
    Ok(())
}

/// `revisionHistoryLimit`; the spec's own default is the same.
pub(crate) fn history(spec: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let (name, to) = ("revisionHistoryLimit", "history");
    if spec.peek(name).and_then(Value::as_u64) == Some(INFINITE) {
        spec.leave_out(name, "it is no limit; the spec's default is kept");
        return Ok(());
    }
    spec.carry_or(name, draft, to, (HISTORY, whose(spec)), Fields::number)
}

/// `maxSurge` and `maxUnavailable` of `rolling` into the pace at `to`; both are 25 % by default, `whose` it is.
pub(crate) fn quarter_pace(
    rolling: &mut Fields<'_>,
    whose: &str,
    draft: &mut Draft,
    to: &str,
) -> Result<(), ImportError> {
    for (name, field) in [("maxSurge", "surge"), ("maxUnavailable", "unavailable")] {
        let to = format!("{to}.{field}");
        rolling.carry_or(name, draft, &to, (quarter(), whose), Fields::amount)?;
    }
    draft.set(&format!("{to}.counting"), &"loose");
    Ok(())
}

/// Whose defaults hold for an object.
fn whose(spec: &Fields<'_>) -> &'static str {
    match spec.scope.object.kind.as_str() {
        "Rollout" => "Argo's",
        "Canary" => "Flagger's",
        _ => OWN,
    }
}

fn quarter() -> Amount {
    "25%".parse().unwrap_or(Amount::Count(1))
}

/// The labels of the pods that `template` makes.
fn labels(template: &Value) -> serde_json::Map<String, Value> {
    template["metadata"]["labels"].as_object().cloned().unwrap_or_default()
}
