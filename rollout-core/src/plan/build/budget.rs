//! Resolves paces to whole numbers: surge rounds up, unavailable rounds down.

use super::{Budget, Remark, Scope, in_place};
use crate::{
    amount::Amount,
    spec::{Counting, HandRoute, Order, Pace, Strategy, WayBack},
    time::Span,
    weight::Weight,
};

/// Surge where the spec says nothing and instances replace each other one by one.
fn quarter() -> Amount {
    Amount::Percent(Weight::share(1, 4))
}

/// Surge where the spec says nothing and two whole sets stand side by side.
const WHOLE: Amount = Amount::Percent(Weight::FULL);

/// Surge of a way back on which the two revisions must not meet unless the spec says they may.
const NONE: Amount = Amount::Count(0);

/// Instances in flight where the spec gives an order but no parallelism: one, as Compose has it.
const ORDERED_PARALLELISM: u64 = 1;

/// What every plan of one spec has in common: how fast both ways are, how instances are counted and how
/// traffic is shared.
pub(super) struct Paces {
    pub(super) forward: Budget,
    pub(super) back: Budget,
    pub(super) counting: Option<Counting>,
    /// Whether rollouts end with a route by weight.
    pub(super) is_weighted: bool,
    /// What a person should know about the rounding.
    pub(super) remarks: Vec<Remark>,
}

/// The paces of the spec's strategy, as the backend can keep them.
pub(super) fn paces(scope: &Scope<'_>) -> Paces {
    let paces = written(scope);
    let (forward, raised) = in_place::without_surge(scope, paces.forward);
    let (back, raised_back) = in_place::without_surge(scope, paces.back);
    let mut remarks = paces.remarks;
    let is_said = remarks.contains(&Remark::InPlace) || remarks.contains(&Remark::BudgetRaised);
    remarks.extend(raised.or(raised_back).filter(|_| !is_said));
    Paces { forward, back, remarks, ..paces }
}

/// The paces as written.
fn written(scope: &Scope<'_>) -> Paces {
    match &scope.spec.strategy {
        Strategy::Rolling(pace) => of_pace(scope, pace, false),
        Strategy::Recreate(_) => fixed(scope, all_missing(scope), NONE, false),
        Strategy::BlueGreen(_) => fixed(scope, all_beside(scope), WHOLE, scope.units.is_some()),
        Strategy::Canary(canary) => {
            let pace = canary.pace.clone().unwrap_or_default();
            of_pace(scope, &pace, scope.units.is_some())
        }
        Strategy::Stages(stages) => {
            let is_weighted = scope.units.is_some()
                && stages.last().is_some_and(|last| match last.route {
                    HandRoute::Weight(_) => true,
                    HandRoute::Replicas | HandRoute::Nobody => false,
                });
            let mut written = stages.iter().filter_map(|stage| stage.pace.as_ref());
            let counting = written.find_map(|pace| pace.counting);
            Paces { counting, ..of_pace(scope, &Pace::default(), is_weighted) }
        }
    }
}

/// Both ways at `pace`, unless the way back has one of its own.
fn of_pace(scope: &Scope<'_>, pace: &Pace, is_weighted: bool) -> Paces {
    let surge = if is_weighted { WHOLE } else { quarter() };
    let (forward, remarks) = of_stage(scope, pace, is_weighted);
    let back = back(scope, forward, surge);
    Paces { forward, back, counting: pace.counting, is_weighted, remarks }
}

fn fixed(scope: &Scope<'_>, forward: Budget, surge: Amount, is_weighted: bool) -> Paces {
    let back = back(scope, forward, surge);
    Paces { forward, back, counting: None, is_weighted, remarks: Vec::new() }
}

/// The budget of one stage at `pace`, and what a person should know about its rounding. By weight, nothing
/// is replaced in batches.
pub(super) fn of_stage(scope: &Scope<'_>, pace: &Pace, is_weighted: bool) -> (Budget, Vec<Remark>) {
    let surge = if is_weighted { WHOLE } else { quarter() };
    let (mut budget, is_raised) = resolve(pace, scope.desired, surge);
    let mut remarks = Vec::new();
    let (within, is_let) = in_place::without_surge(scope, budget);
    budget = within;
    remarks.extend(is_raised.then_some(Remark::BudgetRaised).or(is_let));
    if is_weighted && !budget.batch_delay.is_zero() {
        budget.batch_delay = Span::ZERO;
        remarks.push(Remark::NoBatches);
    }
    (budget, remarks)
}

/// All instances may be missing, and none beside them.
pub(super) const fn all_missing(scope: &Scope<'_>) -> Budget {
    Budget { surge: 0, unavailable: scope.desired, parallelism: 0, batch_delay: Span::ZERO }
}

/// None may be missing, and a whole second set stands beside them.
const fn all_beside(scope: &Scope<'_>) -> Budget {
    Budget { surge: scope.desired, unavailable: 0, parallelism: 0, batch_delay: Span::ZERO }
}

/// The pace of the way back: its own, or `forward`.
fn back(scope: &Scope<'_>, forward: Budget, surge: Amount) -> Budget {
    let rollback = &scope.spec.rollback;
    let pace = rollback.pace.as_ref();
    let is_recreate = matches!(scope.spec.strategy, Strategy::Recreate(_));
    match (rollback.strategy, pace) {
        (Some(WayBack::Recreate), pace) => Budget {
            parallelism: pace.and_then(|pace| pace.parallelism).unwrap_or(0),
            ..all_missing(scope)
        },
        // It was asked for side by side, where the way forward is not.
        (Some(WayBack::Rolling), pace) if is_recreate => {
            resolve(&pace.cloned().unwrap_or_default(), scope.desired, quarter()).0
        }
        (Some(WayBack::Rolling) | None, Some(pace)) => resolve(pace, scope.desired, surge).0,
        (Some(WayBack::Rolling) | None, None) => forward,
    }
}

/// Returns `pace` in whole instances of `desired`, and whether unavailable was raised from 0 to 1 because
/// percentages left no room at all.
fn resolve(pace: &Pace, desired: u64, default_surge: Amount) -> (Budget, bool) {
    let ordered = pace.parallelism.unwrap_or(ORDERED_PARALLELISM);
    let (surge, unavailable) = match pace.order {
        Some(Order::StartFirst) => (ordered, 0),
        Some(Order::StopFirst) => (0, ordered),
        None => (
            pace.surge.unwrap_or(default_surge).round_up(desired),
            pace.unavailable.map_or(0, |amount| amount.round_down(desired)),
        ),
    };
    let raised = surge == 0 && unavailable == 0 && desired != 0;
    let parallelism = match pace.order {
        Some(Order::StartFirst | Order::StopFirst) => ordered,
        None => pace.parallelism.unwrap_or(0),
    };
    let budget = Budget {
        surge,
        unavailable: unavailable.max(u64::from(raised)).min(desired),
        parallelism,
        batch_delay: pace.batch_delay,
    };
    (budget, raised)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(surge: &str, unavailable: &str) -> Pace {
        Pace {
            surge: Some(surge.parse().unwrap()),
            unavailable: Some(unavailable.parse().unwrap()),
            ..Pace::default()
        }
    }

    /// Kubernetes' `TestResolveFenceposts` and the examples in the comment of the function it tests
    /// (kubernetes/kubernetes pkg/controller/deployment/util, Apache-2.0), as (surge, unavailable, desired)
    /// to (surge, unavailable). Its row for 0 desired instances gives (0, 1) there and differs on purpose:
    /// unavailable never exceeds the desired instances.
    #[test]
    fn percentages_resolve_as_kubernetes_resolves_them() {
        for (surge, unavailable, desired, expected) in [
            ("0%", "0%", 0, (0, 0)),
            ("39%", "39%", 10, (4, 3)),
            ("0%", "39%", 10, (0, 3)),
            ("39%", "0%", 10, (4, 0)),
            ("0%", "0%", 10, (0, 1)),
            ("0%", "1%", 2, (0, 1)),
            ("1%", "25%", 1, (1, 0)),
            ("1%", "0%", 2, (1, 0)),
        ] {
            let (budget, _) = resolve(&pace(surge, unavailable), desired, quarter());
            assert_eq!(
                (budget.surge, budget.unavailable),
                expected,
                "{surge} and {unavailable} of {desired}"
            );
        }
    }

    #[test]
    fn an_order_stands_for_surge_and_unavailable() {
        let ordered =
            |order, parallelism| Pace { order: Some(order), parallelism, ..Pace::default() };
        for (order, parallelism, expected) in [
            (Order::StartFirst, Some(2), (2, 0, 2)),
            (Order::StopFirst, Some(2), (0, 2, 2)),
            (Order::StopFirst, Some(9), (0, 4, 9)),
            (Order::StartFirst, None, (1, 0, 1)),
        ] {
            let (budget, raised) = resolve(&ordered(order, parallelism), 4, quarter());
            assert_eq!((budget.surge, budget.unavailable, budget.parallelism), expected);
            assert!(!raised);
        }
    }

    #[test]
    fn percentages_that_leave_no_room_are_raised_and_said() {
        let (budget, raised) = resolve(&pace("0%", "10%"), 4, quarter());
        assert_eq!((budget.surge, budget.unavailable, raised), (0, 1, true));
    }

    proptest! {
        #[test]
        fn room_is_always_left_and_never_more_than_all(
            surge in 0..=10_000_u64, unavailable in 0..=10_000_u64, desired in 1..=1_u64 << 31,
        ) {
            let percent = |points| Some(Amount::Percent(Weight::from_basis_points(points).unwrap()));
            let pace = Pace {
                surge: percent(surge),
                unavailable: percent(unavailable),
                ..Pace::default()
            };
            let (budget, raised) = resolve(&pace, desired, quarter());
            prop_assert!(0 < budget.surge + budget.unavailable);
            prop_assert!(budget.unavailable <= desired);
            // Beside the definition in exact arithmetic: never less surge, never more missing than asked.
            let (surge, unavailable) = (u128::from(surge), u128::from(unavailable));
            prop_assert!(surge * u128::from(desired) <= u128::from(budget.surge) * 10_000);
            prop_assert!(raised || u128::from(budget.unavailable) * 10_000 <= unavailable * u128::from(desired));
        }
    }
}
