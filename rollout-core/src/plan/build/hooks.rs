//! Jobs at named points: gates inside a strategy, stages of their own around it.

use super::{Scope, Stage, StageGate, StageRoute};
use crate::{
    spec::{CanaryStep, Hook},
    weight::Weight,
};

/// Adds the jobs inside a canary, whose first stages are those of `steps`.
pub(super) fn inside(scope: &Scope<'_>, steps: &[CanaryStep], stages: &mut [Stage]) {
    after_canary(scope, stages);
    let last = steps.iter().rposition(|step| step.weight != Weight::FULL);
    if let Some(stage) = last.and_then(|last| stages.get_mut(last)) {
        stage.gates.extend(before_promotion(scope));
    }
}

/// Adds the jobs after the first part of the traffic, or the preview, has passed its own gates.
pub(super) fn after_canary(scope: &Scope<'_>, stages: &mut [Stage]) {
    if let Some(first) = stages.first_mut() {
        first.gates.extend(gates(&scope.spec.hooks.after_canary));
    }
}

/// The jobs before all traffic goes to the candidate.
pub(super) fn before_promotion<'a>(scope: &Scope<'a>) -> impl Iterator<Item = StageGate> + 'a {
    gates(&scope.spec.hooks.before_promotion)
}

/// Adds the jobs before and after everything, each as a stage that moves nothing. `stable` is the number of
/// stable instances at the start.
pub(super) fn around(scope: &Scope<'_>, stable: u64, stages: &mut Vec<Stage>) {
    let hooks = &scope.spec.hooks;
    if let Some(first) = stages.first().filter(|_| !hooks.before.is_empty()) {
        let route = match first.route {
            StageRoute::Weighted(_) if stable != 0 => StageRoute::Weighted(Weight::ZERO),
            StageRoute::Weighted(_) | StageRoute::ByReplicas | StageRoute::Empty => {
                StageRoute::ByReplicas
            }
        };
        let before = Stage {
            gates: gates(&hooks.before).collect(),
            ..Stage::new("before", (0, stable), route, first.budget)
        };
        stages.insert(0, before);
    }
    if let Some(last) = stages.last().filter(|_| !hooks.after.is_empty()) {
        let counts = (last.candidate, last.stable);
        let after = Stage {
            gates: gates(&hooks.after).collect(),
            ..Stage::new("after", counts, last.route, last.budget)
        };
        stages.push(after);
    }
}

fn gates(hooks: &[Hook]) -> impl Iterator<Item = StageGate> {
    hooks.iter().cloned().map(StageGate::Hook)
}
