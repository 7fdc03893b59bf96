//! Rolling: one stage that moves everything within surge and unavailable.

use super::{Draft, Scope, Stage, StageRoute, budget};
use crate::spec::Pace;

pub(super) fn build(scope: &Scope<'_>, pace: &Pace) -> Draft {
    let budgets = budget::both(scope, pace, budget::quarter());
    Draft {
        stages: vec![Stage {
            name: "roll".to_owned(),
            candidate: scope.desired,
            stable: 0,
            route: StageRoute::ByReplicas,
            budget: budgets.pace,
            gates: scope.monitor().into_iter().collect(),
            proves: true,
        }],
        pace: budgets.pace,
        rollback: budgets.rollback,
        counting: pace.counting,
        remarks: budgets.remarks,
    }
}
