//! Canary: steps of growing share, by weight where a router can, by replicas where none can.

use super::{Draft, Paces, PlanError, Scope, by_replicas, hooks, weighted};
use crate::spec::{Canary, CanaryStep};

/// The canary and its steps, written or made by its ramp.
pub(super) struct Steps<'a> {
    pub(super) canary: &'a Canary,
    pub(super) all: Vec<CanaryStep>,
}

/// # Errors
///
/// [`PlanError`] if the ports or the budget cannot carry a step.
pub(super) fn build(scope: &Scope<'_>, paces: &Paces, canary: &Canary) -> Result<Draft, PlanError> {
    let steps = Steps { canary, all: canary.all_steps() };
    let mut draft = match scope.units {
        Some(units) => weighted::build(scope, paces, &steps, units)?,
        None => by_replicas::build(scope, paces, &steps)?,
    };
    hooks::inside(scope, &steps.all, &mut draft.stages);
    Ok(draft)
}
