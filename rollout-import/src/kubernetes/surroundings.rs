//! What stands around a workload in its file: Services that take its pods, autoscalers, disruption budgets.

use serde_json::Value;

use super::labels;
use crate::{
    document::{Object, Scope},
    draft::Draft,
    file::{File, selects},
    report::Fate,
};

/// Names the Services that take the pods in `traffic.kubernetes.services`.
pub(crate) fn services(file: &File, scope: Scope<'_>, draft: &mut Draft) {
    let labels = labels(draft.get("template"));
    let takes = move |service: &Object| selects(service.at(&["spec", "selector"]), &labels);
    let mut names = Vec::new();
    for service in file.find(scope.object, "Service", takes) {
        names.push(service.name.clone());
        let to = "traffic.kubernetes.services".to_owned();
        let how = "its selector takes the pods; ports and the rest stay its own".to_owned();
        file.tell(service, scope.log, Fate::Changed { to, how });
    }
    if !names.is_empty() {
        draft.set("traffic.kubernetes.services", &names);
    }
}

/// The autoscaler that owns the number of instances, and the least it chooses.
pub(crate) fn autoscaler(file: &File, scope: Scope<'_>) -> Option<(String, u64)> {
    let own = scope.object;
    let targets = |scaler: &Object| {
        let target = scaler.at(&["spec", "scaleTargetRef"]);
        let text = |name: &str| target.and_then(|target| target.get(name)?.as_str());
        text("name") == Some(&own.name) && text("kind").is_none_or(|kind| kind == own.kind)
    };
    let mut found = None;
    for kind in ["HorizontalPodAutoscaler", "ScaledObject"] {
        for scaler in file.find(own, kind, targets) {
            let named = |name: &str| scaler.at(&["spec", name]).and_then(Value::as_u64);
            let least = named("minReplicas").or(named("minReplicaCount"));
            found = found.or(least.map(|least| (scaler.to_string(), least)));
            let how = "the autoscaler goes on choosing the number; it reaches the engine by the order `resize`";
            let (to, how) = ("replicas".to_owned(), how.to_owned());
            file.tell(scaler, scope.log, Fate::Changed { to, how });
        }
    }
    found
}

/// Tells of disruption budgets.
pub(crate) fn budgets(file: &File, scope: Scope<'_>, draft: &Draft) {
    let labels = labels(draft.get("template"));
    let guards =
        move |budget: &Object| selects(budget.at(&["spec", "selector", "matchLabels"]), &labels);
    for budget in file.find(scope.object, "PodDisruptionBudget", guards) {
        let why = "it is about evictions and goes on ruling them; the engine's own floor is that of the strategy";
        file.tell(budget, scope.log, Fate::LeftOut { why: why.to_owned() });
    }
}
