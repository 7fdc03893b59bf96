//! Generators of strategies, specs and plans.

use proptest::prelude::*;

use super::{capabilities, spec_of};
use crate::{
    amount::Amount,
    plan::{Plan, Stage, StageGate, StageRoute, build, build_resize, build_restart, build_undo},
    spec::{
        Affinity, BlueGreen, Canary, CanaryStep, CheckedSpec, Gate, HandRoute, HandStage, Hook,
        Hooks, Match, Order, Pace, Promotion, Ramp, Recreate, Spec, Strategy as How,
    },
    time::Span,
    weight::Weight,
};

/// Plans of every strategy, size, budget and purpose that can be planned.
pub(in crate::plan) fn any_plan() -> impl Strategy<Value = Plan> {
    let strategy = prop_oneof![4 => any_how(), 1 => any_hand()];
    let parts = (any_size(), strategy, prop::option::of(any_pace()), any_router(), any_hooks());
    (parts, 0..8_u8).prop_filter_map(
        "a spec that can be planned",
        |((replicas, strategy, pace, router, hooks), purpose)| {
            let hooks = if has_points(&strategy) {
                hooks
            } else {
                Hooks { after_canary: Vec::new(), before_promotion: Vec::new(), ..hooks }
            };
            let mut spec = Spec { replicas, strategy, hooks, ..spec_of("health: { monitor: 3s }") };
            spec.rollback.pace = pace;
            let spec = CheckedSpec::new(spec).ok()?;
            let capabilities = capabilities(router);
            match purpose {
                0 => build_undo(&spec, &capabilities),
                1 => build_restart(&spec, &capabilities),
                2 => build_resize(&spec, &capabilities),
                3 | 4 => build(&spec, &capabilities, true),
                _ => build(&spec, &capabilities, false),
            }
            .ok()
        },
    )
}

/// Plans built from strategies, with instances and a stable revision, and the router they are for.
pub(super) fn any_built() -> impl Strategy<Value = (Plan, Option<u64>)> {
    (any_size(), any_how(), any_router()).prop_filter_map(
        "a spec that can be planned",
        |(replicas, strategy, router)| {
            let spec = Spec { replicas: replicas.max(1), strategy, ..spec_of("") };
            let spec = CheckedSpec::new(spec).ok()?;
            Some((build(&spec, &capabilities(router), false).ok()?, router))
        },
    )
}

/// The stages of a plan as a person would write them.
pub(super) fn by_hand(plan: &Plan) -> Vec<HandStage> {
    plan.stages.iter().enumerate().map(|(index, stage)| hand_stage(index, stage)).collect()
}

fn hand_stage(index: usize, stage: &Stage) -> HandStage {
    let budget = stage.budget;
    let gate = |gate: &StageGate| match gate {
        StageGate::Hold(span) => Gate::Hold(*span),
        StageGate::Health(span) => Gate::Health(*span),
        StageGate::Approval { deadline, on_expiry } => {
            Gate::Approval { deadline: *deadline, on_expiry: *on_expiry }
        }
        StageGate::Hook(hook) => Gate::Hook(hook.clone()),
        StageGate::Window(calendar) => Gate::Window(calendar.clone()),
        StageGate::Metric(metric) => Gate::Metric(metric.clone()),
    };
    HandStage {
        name: format!("s{index}"),
        candidate: Amount::Count(stage.candidate),
        stable: Amount::Count(stage.stable),
        route: match stage.route {
            StageRoute::ByReplicas => HandRoute::Replicas,
            StageRoute::Weighted(weight) => HandRoute::Weight(weight),
            StageRoute::Empty => HandRoute::Nobody,
        },
        matches: stage.rules.matches.clone(),
        mirror: stage.rules.mirror,
        affinity: stage.rules.affinity.clone(),
        pace: Some(Pace {
            surge: Some(Amount::Count(budget.surge)),
            unavailable: Some(Amount::Count(budget.unavailable)),
            parallelism: (budget.parallelism != 0).then_some(budget.parallelism),
            batch_delay: budget.batch_delay,
            ..Pace::default()
        }),
        modules: stage.modules.clone(),
        gates: stage.gates.iter().map(gate).collect(),
        proves: stage.proves,
    }
}

fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..=40_u64, 1 => Just(1 << 31), 1 => 1..=1_u64 << 31]
}

fn any_router() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        2 => Just(None),
        2 => Just(Some(10_000)),
        1 => (1..=300_u64).prop_map(Some),
        1 => Just(Some(100_000_000)),
    ]
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
    (0..=10_000_u64).prop_map(weight)
}

fn weight(points: u64) -> Weight {
    Weight::from_basis_points(points).unwrap()
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
    let promotion = prop_oneof![
        Just(Promotion::Automatic),
        Just(Promotion::Manual),
        Just(Promotion::After(Span::from_secs(9))),
    ];
    (prop::option::of(any_amount()), promotion, 0..3_u64).prop_map(
        |(preview_replicas, promotion, standby)| BlueGreen {
            preview_replicas,
            promotion,
            gates: vec![Gate::Hold(Span::from_secs(1))],
            bake: Span::from_secs(standby),
            bake_gates: vec![Gate::Hook(hook("smoke"))],
            standby: Span::from_secs(standby),
        },
    )
}

fn any_canary() -> impl Strategy<Value = Canary> {
    let steps = prop_oneof![
        3 => any_steps().prop_map(|steps| (steps, None)),
        1 => any_ramp().prop_map(|ramp| (Vec::new(), Some(ramp))),
    ];
    let pace = prop::option::weighted(0.3, any_pace());
    let least = prop::option::weighted(0.3, 1..9_u64);
    let is_sticky = prop::bool::weighted(0.2);
    (steps, least, any::<bool>(), is_sticky, pace).prop_map(
        |((steps, ramp), min_replicas, scale_stable, is_sticky, pace)| Canary {
            steps,
            ramp,
            min_replicas,
            scale_stable,
            affinity: is_sticky.then(affinity),
            pace,
        },
    )
}

fn any_steps() -> impl Strategy<Value = Vec<CanaryStep>> {
    let points = prop_oneof![9 => 1..10_000_u64, 1 => Just(0), 2 => Just(10_000)];
    let weights = prop::collection::btree_set(points, 1..5);
    let rules = (prop::bool::weighted(0.2), prop::option::weighted(0.2, any_weight()));
    (weights, rules).prop_map(|(weights, (is_matched, mirror))| {
        let step = |points| CanaryStep {
            weight: weight(points),
            matches: if is_matched { vec![matched()] } else { Vec::new() },
            mirror: mirror.unwrap_or_default(),
            ..CanaryStep::default()
        };
        weights.into_iter().map(step).collect()
    })
}

fn any_ramp() -> impl Strategy<Value = Ramp> {
    prop_oneof![
        (200..10_000_u64).prop_map(|by| Ramp::Linear { by: weight(by), gates: Vec::new() }),
        (1..10_000_u64, 2..9_u64).prop_map(|(from, factor)| Ramp::Exponential {
            from: weight(from),
            factor,
            gates: vec![Gate::Hold(Span::from_secs(1))],
        }),
    ]
}

/// Stages written by hand in percentages, so that they mean something at every size; most can be walked.
fn any_hand() -> impl Strategy<Value = How> {
    let points = prop::collection::btree_set(1..10_000_u64, 0..4);
    (points, any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(points, is_weighted, proves_late, is_down)| {
            let whole = Amount::Percent(Weight::FULL);
            let mut stages = Vec::new();
            for (index, points) in points.into_iter().enumerate() {
                let share = weight(points);
                let (stable, route) = if is_weighted {
                    (whole, HandRoute::Weight(share))
                } else {
                    (Amount::Percent(share.rest()), HandRoute::Replicas)
                };
                stages.push(hand(index, Amount::Percent(share), stable, route));
            }
            let none = Amount::Count(0);
            if is_down {
                stages = vec![hand(0, none, none, HandRoute::Nobody)];
            }
            if is_weighted {
                let all = HandRoute::Weight(Weight::FULL);
                let stable = if is_down { none } else { whole };
                stages.push(hand(90, whole, stable, all));
                stages.push(hand(91, whole, none, all));
            } else {
                stages.push(hand(91, whole, none, HandRoute::Replicas));
            }
            let late = usize::from(is_weighted && !proves_late) + 1;
            let place = stages.len() - late;
            stages[place].proves = true;
            How::Stages(stages)
        },
    )
}

fn hand(index: usize, candidate: Amount, stable: Amount, route: HandRoute) -> HandStage {
    HandStage {
        name: format!("s{index}"),
        candidate,
        stable,
        route,
        matches: Vec::new(),
        mirror: Weight::ZERO,
        affinity: None,
        pace: None,
        modules: crate::spec::ModuleNeeds::default(),
        gates: Vec::new(),
        proves: false,
    }
}

/// Whether a strategy has the points `after_canary` and `before_promotion`.
const fn has_points(strategy: &How) -> bool {
    match strategy {
        How::BlueGreen(_) | How::Canary(_) => true,
        How::Rolling(_) | How::Recreate(_) | How::Stages(_) => false,
    }
}

fn any_hooks() -> impl Strategy<Value = Hooks> {
    let some = || {
        prop::bool::weighted(0.3)
            .prop_map(|is_there| if is_there { vec![hook("job")] } else { Vec::new() })
    };
    (some(), some(), some(), some(), some()).prop_map(
        |(before, after_canary, before_promotion, after, on_rollback)| Hooks {
            before,
            after_canary,
            before_promotion,
            after,
            on_rollback,
        },
    )
}

fn hook(name: &str) -> Hook {
    serde_json::from_value(serde_json::json!({ "name": name, "run": ["true"] })).unwrap()
}

fn matched() -> Match {
    Match { header: Some("x-beta".to_owned()), ..Match::default() }
}

fn affinity() -> Affinity {
    Affinity { cookie: "seen".to_owned(), max_age: Span::from_secs(60) }
}

proptest! {
    #[test]
    fn what_is_drawn_is_a_plan_of_every_kind((plan, router) in any_built()) {
        prop_assert!(!plan.stages.is_empty());
        prop_assert!(router.is_some() || plan.stages.iter().all(|stage| stage.rules.is_empty()));
    }
}
