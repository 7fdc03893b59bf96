//! Canary: steps of growing share, by weight where a router can, by replicas where none can.

use super::{Draft, PlanError, Scope, by_replicas, weighted};
use crate::spec::Canary;

/// # Errors
///
/// [`PlanError`] if the ports or the budget cannot carry a step.
pub(super) fn build(scope: &Scope<'_>, canary: &Canary) -> Result<Draft, PlanError> {
    match scope.units {
        Some(units) => weighted::build(scope, canary, units),
        None => by_replicas::build(scope, canary),
    }
}
