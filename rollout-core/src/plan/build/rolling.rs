//! Rolling: one stage that moves everything within surge and unavailable.

use super::{Draft, Scope, Stage, StageRoute, budget};
use crate::spec::Pace;

pub(super) fn build(scope: &Scope<'_>, pace: &Pace) -> Draft {
    let budgets = budget::both(scope, pace, budget::quarter());
    Draft {
        stages: vec![Stage {
            gates: scope.monitor().into_iter().collect(),
            proves: true,
            ..Stage::new("roll", (scope.desired, 0), StageRoute::ByReplicas, budgets.pace)
        }],
        pace: budgets.pace,
        rollback: budgets.rollback,
        counting: pace.counting,
        remarks: budgets.remarks,
    }
}
