//! Resolves a pace to whole numbers: surge rounds up, unavailable rounds down.

use super::{Budget, Remark, Scope};
use crate::{
    amount::Amount,
    spec::{Order, Pace},
    weight::Weight,
};

/// Surge where the spec says nothing and instances replace each other one by one.
pub(super) fn quarter() -> Amount {
    Amount::Percent(Weight::share(1, 4))
}

/// Surge where the spec says nothing and two whole sets stand side by side.
pub(super) const WHOLE: Amount = Amount::Percent(Weight::FULL);

/// Surge of a way back on which the two revisions must not meet unless the spec says they may.
pub(super) const NONE: Amount = Amount::Count(0);

/// Instances in flight where the spec gives an order but no parallelism: one, as Compose has it.
const ORDERED_PARALLELISM: u64 = 1;

/// Budgets of both directions, and what a person should know about their rounding.
pub(super) struct Budgets {
    pub(super) pace: Budget,
    pub(super) rollback: Budget,
    pub(super) remarks: Vec<Remark>,
}

/// Resolves `pace` and the pace of the way back, which is the same unless the spec has one of its own.
pub(super) fn both(scope: &Scope<'_>, pace: &Pace, default_surge: Amount) -> Budgets {
    let (forward, raised) = resolve(pace, scope.desired, default_surge);
    Budgets {
        pace: forward,
        rollback: rollback(scope, forward, default_surge),
        remarks: raised.then_some(Remark::BudgetRaised).into_iter().collect(),
    }
}

/// The pace of the way back: its own, or `forward`.
pub(super) fn rollback(scope: &Scope<'_>, forward: Budget, default_surge: Amount) -> Budget {
    match &scope.spec.rollback.pace {
        Some(pace) => resolve(pace, scope.desired, default_surge).0,
        None => forward,
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
