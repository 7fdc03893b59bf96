//! Rolling: one stage that moves everything within surge and unavailable.

use super::{Draft, Paces, Scope, Stage, StageRoute};

pub(super) fn build(scope: &Scope<'_>, paces: &Paces) -> Draft {
    let stage = Stage {
        gates: scope.monitor().into_iter().collect(),
        proves: true,
        ..Stage::new("roll", (scope.desired, 0), StageRoute::ByReplicas, paces.forward)
    };
    Draft { stages: vec![stage], remarks: Vec::new() }
}
