//! Flagger `Canary`s with their `MetricTemplate`s. Facts: `pkg/apis/flagger/v1beta1/canary.go` and
//! `pkg/controller/scheduler.go` of Flagger.

mod analysis;
mod metrics;
mod service;
mod shape;
mod webhooks;

use serde_json::Value;

use crate::{
    ImportError,
    document::{Fields, Scope},
    draft::Draft,
    file::File,
    kubernetes::{self, adopt, budgets, head, progress},
};

/// Whose defaults stand in the report.
const FLAGGER: &str = "Flagger's";

/// What a canary is about, for queries and hooks.
#[derive(Clone, Debug)]
struct About {
    name: String,
    namespace: String,
    target: String,
    /// Name of the Service that clients use.
    service: String,
    ingress: String,
}

/// Reads a `Canary`.
pub(crate) fn import(file: &File, scope: Scope<'_>) -> Result<Draft, ImportError> {
    let (mut draft, mut spec) = head(scope, "flagger.app/v1beta1")?;
    let mut reference =
        spec.open("targetRef")?.ok_or_else(|| spec.missing("targetRef", "name the Deployment"))?;
    let target = adopt::target(file, &mut reference)?;
    let mut about = About {
        name: scope.object.name.clone(),
        namespace: scope.object.namespace.clone(),
        target: target.name.clone(),
        service: target.name.clone(),
        ingress: String::new(),
    };
    self::target(file, Scope { object: target, own: false, ..scope }, &mut draft)?;
    progress(&mut spec, &mut draft)?;
    aside(&mut spec, &mut about)?;
    let kubernetes_alone = service::map(file, &mut spec, &mut about, &mut draft)?;
    let analysis = match spec.open("analysis")? {
        Some(analysis) => Some(analysis),
        None => spec.open("canaryAnalysis")?,
    };
    let analysis = analysis.ok_or_else(|| spec.missing("analysis", "write it"))?;
    analysis::map(file, analysis, &about, kubernetes_alone, &mut draft)?;
    budgets(file, scope, &draft);
    Ok(draft)
}

/// The Deployment: its pods, their number, and how long one must be ready.
fn target(file: &File, scope: Scope<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let mut fields = adopt::open(file, scope)?;
    kubernetes::replicas(file, &mut fields, draft)?;
    fields.carry("minReadySeconds", draft, "health.min_ready", Fields::seconds)?;
    kubernetes::history(&mut fields, draft)?;
    adopt::template(&mut fields, draft)
}

/// Fields about what stands around the canary.
fn aside(spec: &mut Fields<'_>, about: &mut About) -> Result<(), ImportError> {
    if spec.flag("skipAnalysis")?.unwrap_or(false) {
        spec.changed(
            "skipAnalysis",
            "strategy",
            "the gates stay: a single rollout skips them by the order `promote`, which is recorded",
        );
    } else {
        spec.dropped("skipAnalysis", "no, as ever here");
    }
    spec.leave_out(
        "autoscalerRef",
        "the autoscaler goes on choosing the number; it reaches the engine by the order `resize`",
    );
    spec.leave_out("metricsServer", "it is where the engine's own metrics are asked");
    spec.leave_out("revertOnDeletion", "there is no second set of objects to take back");
    if spec.flag("suspend")?.unwrap_or(false) {
        spec.dropped("suspend", "nothing moves before the spec is submitted");
    }
    for name in ["ingressRef", "routeRef", "upstreamRef"] {
        if let Some(reference) = spec.peek(name) {
            let named = reference.get("name").and_then(Value::as_str);
            named.unwrap_or_default().clone_into(&mut about.ingress);
        }
    }
    Ok(())
}
