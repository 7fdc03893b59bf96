//! Plans for what is known already: back to a proven revision, or the same revision anew. Neither has
//! canary stages, holds or hooks.

use super::{
    Budget, Draft, Paces, Plan, PlanError, Scope, Stage, StageGate, StageRoute, budget, recreate,
};
use crate::{
    port::Capabilities,
    spec::{CheckedSpec, Strategy, WayBack},
    time::Span,
    weight::Weight,
};

/// Returns the plan for going to the proven revision of `spec`, at the pace of the way back.
///
/// By weight, all traffic moves in the first stage: where the old set still stands, that is one change of
/// the route. A surge that cannot hold two whole sets replaces instances one by one instead.
///
/// # Errors
///
/// [`PlanError`] if the deadlines of `spec` leave it no time.
pub fn build_undo(spec: &CheckedSpec, capabilities: &Capabilities) -> Result<Plan, PlanError> {
    let scope = Scope::new(spec, capabilities);
    // How the way forward was rounded is nothing to know here.
    let paces = Paces { remarks: Vec::new(), ..budget::paces(&scope) };
    let is_recreate = match scope.spec.rollback.strategy {
        Some(WayBack::Recreate) => true,
        Some(WayBack::Rolling) => false,
        None => matches!(scope.spec.strategy, Strategy::Recreate(_)),
    };
    let draft = if scope.desired == 0 {
        Draft::nothing(&paces)
    } else if is_recreate {
        let budget = Budget { parallelism: paces.back.parallelism, ..budget::all_missing(&scope) };
        recreate::stop_and_start(&scope, budget, final_route(&paces))
    } else {
        exchange(&scope, &paces, paces.back, None)
    };
    let mut plan = scope.finish("undo", paces, draft)?;
    plan.remarks.extend(scope.watched());
    Ok(plan)
}

/// Returns the plan for new instances of the revision of `spec`, at the pace of its strategy. Recreate
/// replaces them one by one, each gone before the next one starts: they are of one revision.
///
/// # Errors
///
/// [`PlanError::TotalBelowGates`] if the deadline for the whole is within `health.monitor`.
pub fn build_restart(spec: &CheckedSpec, capabilities: &Capabilities) -> Result<Plan, PlanError> {
    let scope = Scope::new(spec, capabilities);
    let paces = budget::paces(&scope);
    let pace = match &scope.spec.strategy {
        Strategy::Recreate(_) => {
            Budget { unavailable: scope.desired.min(1), ..budget::all_missing(&scope) }
        }
        Strategy::Rolling(_)
        | Strategy::BlueGreen(_)
        | Strategy::Canary(_)
        | Strategy::Stages(_) => paces.forward,
    };
    let draft = match scope.desired {
        0 => Draft::nothing(&paces),
        _ => exchange(&scope, &paces, pace, scope.monitor()),
    };
    let mut plan = scope.finish("restart", paces, draft)?;
    plan.remarks.extend(scope.calendar());
    plan.remarks.extend(scope.watched());
    Ok(plan)
}

/// All instances exchanged: by weight with one switch, if `budget` holds two whole sets, else one by one.
fn exchange(scope: &Scope<'_>, paces: &Paces, budget: Budget, watch: Option<StageGate>) -> Draft {
    let desired = scope.desired;
    let all = final_route(paces);
    let mut stages = if paces.is_weighted && desired <= budget.surge {
        let budget = Budget { batch_delay: Span::ZERO, ..budget };
        vec![
            Stage { proves: true, ..Stage::new("switch", (desired, desired), all, budget) },
            Stage::new("retire", (desired, 0), all, budget),
        ]
    } else {
        let mut stages = vec![Stage::new("roll", (desired, 0), StageRoute::ByReplicas, budget)];
        if paces.is_weighted {
            stages.push(Stage::new("settle", (desired, 0), all, budget));
        }
        stages
    };
    if !stages.iter().any(|stage| stage.proves)
        && let Some(last) = stages.last_mut()
    {
        last.proves = true;
    }
    if let Some(proving) = stages.iter_mut().find(|stage| stage.proves) {
        proving.gates.extend(watch);
    }
    Draft { stages, remarks: Vec::new() }
}

/// The route that rollouts of the spec end with.
const fn final_route(paces: &Paces) -> StageRoute {
    if paces.is_weighted { StageRoute::Weighted(Weight::FULL) } else { StageRoute::ByReplicas }
}
