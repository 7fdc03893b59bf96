//! Recreate: traffic off and stable gone, then the candidate. Downtime by design, said in the plan.

use super::{Budget, Draft, Remark, Scope, Stage, StageRoute, budget};
use crate::time::Span;

/// Name of the stage without any instance.
const STOP: &str = "stop";

pub(super) fn build(scope: &Scope<'_>) -> Draft {
    let all_missing =
        Budget { surge: 0, unavailable: scope.desired, parallelism: 0, batch_delay: Span::ZERO };
    let route = if scope.can_empty { StageRoute::Empty } else { StageRoute::ByReplicas };
    let stop = Stage::new(STOP, (0, 0), route, all_missing);
    let start = Stage {
        name: "start".to_owned(),
        candidate: scope.desired,
        route: StageRoute::ByReplicas,
        gates: scope.monitor().into_iter().collect(),
        proves: true,
        ..stop.clone()
    };
    Draft {
        stages: vec![stop, start],
        pace: all_missing,
        rollback: budget::rollback(scope, all_missing, budget::NONE),
        counting: None,
        remarks: vec![Remark::Downtime { stage: STOP.to_owned() }],
    }
}
