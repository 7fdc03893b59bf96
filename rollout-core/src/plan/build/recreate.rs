//! Recreate: traffic off and stable gone, then the candidate. Downtime by design, said in the plan.

use super::{Budget, Draft, Remark, Scope, Stage, StageRoute, budget};

/// Name of the stage without any instance.
const STOP: &str = "stop";

pub(super) fn build(scope: &Scope<'_>) -> Draft {
    let mut draft = stop_and_start(scope, budget::all_missing(scope), StageRoute::ByReplicas);
    if let Some(start) = draft.stages.last_mut() {
        start.gates.extend(scope.monitor());
    }
    draft
}

/// A stage with nobody, then one with the whole candidate, whose route is `at_end`.
pub(super) fn stop_and_start(scope: &Scope<'_>, budget: Budget, at_end: StageRoute) -> Draft {
    let nobody = if scope.can_empty { StageRoute::Empty } else { StageRoute::ByReplicas };
    let stop = Stage::new(STOP, (0, 0), nobody, budget);
    let start = Stage { proves: true, ..Stage::new("start", (scope.desired, 0), at_end, budget) };
    Draft { stages: vec![stop, start], remarks: vec![Remark::Downtime { stage: STOP.to_owned() }] }
}
