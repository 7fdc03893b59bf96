//! What a workload that is replaced in place cannot be asked for: it has no room beside its places, and nobody
//! starts there before the one before has ended.

use super::{Budget, PlanError, Remark, Scope};
use crate::{
    amount::Amount,
    spec::{HandRoute, Order, Pace, Strategy, WayBack},
};

/// # Errors
///
/// [`PlanError::InPlace`] names the first field that needs instances beside the places.
pub(super) fn check(scope: &Scope<'_>) -> Result<(), PlanError> {
    if !scope.capabilities.replaces_in_place() {
        return Ok(());
    }
    match &scope.spec.strategy {
        Strategy::Rolling(pace) => of_pace("strategy.rolling", pace)?,
        Strategy::Recreate(_) => return Err(together("strategy.recreate")),
        Strategy::BlueGreen(_) => {
            let (field, needs) =
                ("strategy.blue_green", "a second set of instances beside the first");
            return Err(refused(field, needs, "use `rolling` or `canary`"));
        }
        Strategy::Canary(canary) => {
            canary.pace.iter().try_for_each(|pace| of_pace("strategy.canary.pace", pace))?;
        }
        Strategy::Stages(stages) => {
            for (index, stage) in stages.iter().enumerate() {
                let field = format!("strategy.stages[{index}]");
                let pace = format!("{field}.pace");
                stage.pace.iter().try_for_each(|one| of_pace(&pace, one))?;
                of_counts(scope, &field, (stage.candidate, stage.stable), stage.route)?;
            }
        }
    }
    let rollback = &scope.spec.rollback;
    if rollback.strategy == Some(WayBack::Recreate) {
        return Err(together("rollback.strategy"));
    }
    rollback.pace.iter().try_for_each(|pace| of_pace("rollback.pace", pace))
}

/// `budget` without surge and with at least one instance that may be missing, and whether one had to be let.
pub(super) fn without_surge(scope: &Scope<'_>, budget: Budget) -> (Budget, Option<Remark>) {
    if !scope.capabilities.replaces_in_place() {
        return (budget, None);
    }
    let least = u64::from(scope.desired != 0);
    let raised = (budget.unavailable < least).then_some(Remark::InPlace);
    let unavailable = budget.unavailable.max(least);
    (Budget { surge: 0, unavailable, ..budget }, raised)
}

fn of_pace(field: &str, pace: &Pace) -> Result<(), PlanError> {
    match pace.order {
        Some(Order::StartFirst) => {
            let needs = "a new instance that starts before the old one has ended";
            Err(refused(&format!("{field}.order"), needs, "use `stop_first`, or leave it out"))
        }
        Some(Order::StopFirst) | None => Ok(()),
    }
}

/// Every place has an instance, and nothing keeps requests from it.
fn of_counts(
    scope: &Scope<'_>,
    field: &str,
    (candidate, stable): (Amount, Amount),
    route: HandRoute,
) -> Result<(), PlanError> {
    let whole = |amount: Amount| amount.round_up(scope.desired).min(scope.desired);
    let all = whole(candidate).saturating_add(whole(stable));
    if all == scope.desired && route != HandRoute::Nobody {
        return Ok(());
    }
    let needs = format!("{all} instances in {} places, or a route to nobody", scope.desired);
    Err(refused(field, &needs, "let `candidate` and `stable` make `replicas`"))
}

fn together(field: &str) -> PlanError {
    let needs = "all instances gone before the first new one starts";
    refused(field, needs, "use `rolling` with `unavailable: 100%`")
}

fn refused(field: &str, needs: &str, way_out: &'static str) -> PlanError {
    PlanError::InPlace { field: field.to_owned(), needs: needs.to_owned(), way_out }
}
