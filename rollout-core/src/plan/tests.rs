//! Plans of every strategy for the tests of this folder.

use proptest::prelude::*;

use super::{Plan, build};
use crate::{
    amount::Amount,
    port::{Capabilities, Confirmation, Making},
    spec::{
        BlueGreen, Canary, CanaryStep, CheckedSpec, Counting, Gate, Order, Pace, Promotion,
        Recreate, Spec, Strategy as How,
    },
    time::Span,
    weight::Weight,
};

/// Ports of a backend that makes instances by name.
pub(super) fn capabilities(router: Option<u64>) -> Capabilities {
    Capabilities {
        making: Making::ByName,
        counting: Counting::Strict,
        enrolment: Some(Confirmation::Observed),
        router,
        abilities: std::collections::BTreeSet::new(),
    }
}

/// A spec of 4 instances of `web` with the fields in `tail`.
pub(super) fn spec_of(tail: &str) -> Spec {
    Spec::from_yaml(&format!("version: 1\nworkload: web\nreplicas: 4\n{tail}")).expect(tail)
}

/// Its plan.
pub(super) fn plan_of(tail: &str, router: Option<u64>, first: bool) -> Plan {
    let spec = CheckedSpec::new(spec_of(tail)).unwrap();
    build(&spec, &capabilities(router), first).unwrap()
}

/// Plans of every strategy, size and budget that can be planned.
pub(super) fn any_plan() -> impl Strategy<Value = Plan> {
    let desired = prop_oneof![8 => 0..=40_u64, 1 => Just(1 << 31), 1 => 1..=1_u64 << 31];
    let router = prop_oneof![
        2 => Just(None),
        2 => Just(Some(10_000)),
        1 => (1..=300_u64).prop_map(Some),
        1 => Just(Some(100_000_000)),
    ];
    let parts = (desired, any_how(), prop::option::of(any_pace()), router, any::<bool>());
    parts.prop_filter_map(
        "a spec that can be planned",
        |(replicas, strategy, pace, router, first)| {
            let mut spec = Spec { replicas, strategy, ..spec_of("health: { monitor: 3s }") };
            spec.rollback.pace = pace;
            let spec = CheckedSpec::new(spec).ok()?;
            build(&spec, &capabilities(router), first).ok()
        },
    )
}

fn any_how() -> impl Strategy<Value = How> {
    prop_oneof![
        any_pace().prop_map(How::Rolling),
        Just(How::Recreate(Recreate {})),
        any_blue_green().prop_map(How::BlueGreen),
        any_canary().prop_map(How::Canary),
    ]
}

fn any_amount() -> impl Strategy<Value = Amount> {
    prop_oneof![(0..50_u64).prop_map(Amount::Count), any_weight().prop_map(Amount::Percent),]
}

fn any_weight() -> impl Strategy<Value = Weight> {
    (0..=10_000_u64).prop_map(|points| Weight::from_basis_points(points).unwrap())
}

fn any_pace() -> impl Strategy<Value = Pace> {
    let order = prop_oneof![Just(Order::StartFirst), Just(Order::StopFirst)];
    let amounts = prop_oneof![
        (prop::option::of(any_amount()), prop::option::of(any_amount()))
            .prop_map(|two| (two, None)),
        order.prop_map(|order| ((None, None), Some(order))),
    ];
    (amounts, prop::option::of(1..9_u64)).prop_map(
        |(((surge, unavailable), order), parallelism)| Pace {
            surge,
            unavailable,
            parallelism,
            order,
            ..Pace::default()
        },
    )
}

fn any_blue_green() -> impl Strategy<Value = BlueGreen> {
    (prop::option::of(any_amount()), any::<bool>(), 0..3_u64).prop_map(
        |(preview_replicas, manual, standby)| BlueGreen {
            preview_replicas,
            promotion: if manual { Promotion::Manual } else { Promotion::Automatic },
            gates: vec![Gate::Hold(Span::from_secs(1))],
            bake: Span::from_secs(standby),
            standby: Span::from_secs(standby),
            ..BlueGreen::default()
        },
    )
}

fn any_canary() -> impl Strategy<Value = Canary> {
    let points = prop_oneof![9 => 1..10_000_u64, 1 => Just(0), 2 => Just(10_000)];
    let weights = prop::collection::btree_set(points, 1..5);
    let step = |points: u64| CanaryStep {
        weight: Weight::from_basis_points(points).unwrap(),
        ..CanaryStep::default()
    };
    let pace = prop::option::weighted(0.3, any_pace());
    (weights, prop::option::weighted(0.3, 1..9_u64), any::<bool>(), pace).prop_map(
        move |(weights, min_replicas, scale_stable, pace)| Canary {
            steps: weights.into_iter().map(step).collect(),
            min_replicas,
            scale_stable,
            pace,
            ..Canary::default()
        },
    )
}
