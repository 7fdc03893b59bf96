//! What every strategy compiles into, as exact stages.

mod again;
mod beside;
mod hand;
mod hooks;

use super::build;
use crate::{
    amount::Amount,
    plan::{
        Plan, PlanError, Remark, StageGate, StageRoute,
        tests::{capabilities, spec_of},
    },
    port::Capabilities,
    spec::{
        BlueGreen, Canary, CanaryStep, CheckedSpec, Counting, Gate, Pace, Promotion, Recreate,
        Spec, Strategy,
    },
    time::Span,
};

fn spec(replicas: u64, strategy: Strategy) -> Spec {
    Spec { replicas, strategy, ..spec_of("") }
}

fn canary(weights: &[&str]) -> Canary {
    Canary {
        steps: weights
            .iter()
            .map(|weight| CanaryStep { weight: weight.parse().unwrap(), ..CanaryStep::default() })
            .collect(),
        ..Canary::default()
    }
}

fn plan(spec: Spec, router: Option<u64>, first: bool) -> Result<Plan, PlanError> {
    build(&CheckedSpec::new(spec).unwrap(), &capabilities(router), first)
}

/// The plan of 4 instances with the fields in `tail`, or the reason why there is none.
fn planned(tail: &str, router: Option<u64>, first: bool) -> Result<Plan, String> {
    plan(spec_of(tail), router, first).map_err(|error| error.to_string())
}

/// Every stage as `name candidate/stable route`, with `*` on the one that proves.
fn stages(plan: &Plan) -> Vec<String> {
    let stage = |stage: &crate::plan::Stage| {
        let route = match stage.route {
            StageRoute::ByReplicas => "replicas".to_owned(),
            StageRoute::Weighted(weight) => weight.to_string(),
            StageRoute::Empty => "empty".to_owned(),
        };
        let proves = if stage.proves { " *" } else { "" };
        format!("{} {}/{} {route}{proves}", stage.name, stage.candidate, stage.stable)
    };
    plan.stages.iter().map(stage).collect()
}

#[test]
fn rolling_is_one_stage_that_watches_and_proves() {
    let mut spec = spec(4, Strategy::default());
    spec.health.monitor = Span::from_secs(5);
    let plan = plan(spec, None, false).unwrap();
    assert_eq!(stages(&plan), ["roll 4/0 replicas *"]);
    let stage = &plan.stages[0];
    assert_eq!((stage.budget.surge, stage.budget.unavailable), (1, 0));
    assert_eq!(stage.gates, [StageGate::Health(Span::from_secs(5))]);
    assert_eq!(plan.rollback, stage.budget);
    assert_eq!(plan.remarks, []);
}

#[test]
fn recreate_empties_the_route_and_says_so() {
    let recreate = || spec(3, Strategy::Recreate(Recreate {}));
    let routed = plan(recreate(), Some(256), false).unwrap();
    assert_eq!(stages(&routed), ["stop 0/0 empty", "start 3/0 replicas *"]);
    assert_eq!(routed.remarks, [Remark::Downtime { stage: "stop".to_owned() }]);
    let bare = plan(recreate(), None, false).unwrap();
    assert_eq!(stages(&bare), ["stop 0/0 replicas", "start 3/0 replicas *"]);
    assert_eq!(bare.stages[0].budget.unavailable, 3);
}

#[test]
fn blue_green_switches_once_and_keeps_stable_on_standby() {
    let blue_green = BlueGreen {
        preview_replicas: Some(Amount::Count(1)),
        promotion: Promotion::Manual,
        gates: vec![Gate::Hold(Span::from_secs(3))],
        bake: Span::from_secs(7),
        standby: Span::from_secs(60),
        ..BlueGreen::default()
    };
    let plan = plan(spec(4, Strategy::BlueGreen(blue_green)), Some(100), false).unwrap();
    assert_eq!(
        stages(&plan),
        [
            "preview 1/4 0%",
            "full 4/4 0%",
            "switch 4/4 100% *",
            "standby 4/4 100%",
            "retire 4/0 100%",
        ]
    );
    let gates: Vec<_> = plan.stages.iter().map(|stage| stage.gates.clone()).collect();
    let expected = [
        vec![StageGate::Hold(Span::from_secs(3))],
        vec![StageGate::Approval { deadline: None, on_expiry: crate::spec::Unanswered::Fail }],
        vec![StageGate::Health(Span::from_secs(7))],
        vec![StageGate::Hold(Span::from_secs(60))],
        vec![],
    ];
    assert_eq!(gates, expected);
    assert_eq!(plan.rollback.surge, 4);
}

#[test]
fn blue_green_without_weights_is_refused_even_for_the_first_deploy() {
    let blue_green = || spec(4, Strategy::BlueGreen(BlueGreen::default()));
    for first in [false, true] {
        assert_eq!(
            plan(blue_green(), None, first),
            Err(PlanError::NoWeights { strategy: "blue_green" })
        );
    }
}

#[test]
fn weighted_canary_keeps_stable_whole_until_the_end() {
    let canary = canary(&["0%", "5%", "25%", "50%"]);
    let plan = plan(spec(4, Strategy::Canary(canary)), Some(10_000), false).unwrap();
    assert_eq!(
        stages(&plan),
        [
            "0% 1/4 0%",
            "5% 1/4 5%",
            "25% 1/4 25%",
            "50% 2/4 50%",
            "promote 4/4 100%",
            "retire 4/0 100% *",
        ]
    );
}

#[test]
fn weighted_canary_may_shrink_stable_within_a_smaller_surge() {
    let scaled = Canary {
        scale_stable: true,
        pace: Some(Pace { surge: Some(Amount::Count(2)), ..Pace::default() }),
        ..canary(&["25%", "50%", "100%"])
    };
    let plan = plan(spec(4, Strategy::Canary(scaled)), Some(10_000), false).unwrap();
    assert_eq!(
        stages(&plan),
        ["25% 1/3 25%", "50% 2/2 50%", "100% 4/2 100%", "retire 4/0 100% *",]
    );
}

#[test]
fn a_written_surge_that_cannot_hold_both_sets_is_refused_with_numbers() {
    let tight = Canary {
        pace: Some(Pace { surge: Some(Amount::Count(1)), ..Pace::default() }),
        ..canary(&["25%", "50%"])
    };
    let error = plan(spec(4, Strategy::Canary(tight)), Some(10_000), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "strategy.canary.pace: stage `50%` has 2 candidate and 4 stable instances at once, 6 in all, \
         but the ceiling is 5 (4 desired + surge 1); set `surge` to 2 or more, or leave it out, or set \
         `scale_stable: true`, which needs less"
    );
}

#[test]
fn a_step_of_its_own_size_must_carry_its_weight() {
    let mut small = canary(&["10%", "50%"]);
    small.steps[1].replicas = Some(Amount::Count(2));
    let error = plan(spec(10, Strategy::Canary(small)), Some(10_000), false).unwrap_err();
    assert!(
        matches!(
            &error,
            PlanError::StepTooSmall { replicas: 2, needed: 5, field, .. }
                if field == "strategy.canary.steps[1].replicas"
        ),
        "{error}"
    );
}

#[test]
fn canary_by_replicas_shares_by_numbers_and_says_the_true_share() {
    let steps = canary(&["5%", "25%", "100%"]);
    let plan = plan(spec(10, Strategy::Canary(steps)), None, false).unwrap();
    assert_eq!(stages(&plan), ["5% 1/9 replicas", "25% 3/7 replicas", "100% 10/0 replicas *"]);
    let shares: Vec<_> = plan
        .remarks
        .iter()
        .filter_map(|remark| match remark {
            Remark::ShareDiffers { asked, actual, .. } => Some(format!("{asked} {actual}")),
            Remark::BudgetRaised
            | Remark::InPlace
            | Remark::Downtime { .. }
            | Remark::FirstDeploy
            | Remark::NoBatches
            | Remark::NoDrain
            | Remark::Calendar(_)
            | Remark::Watched(_) => None,
        })
        .collect();
    assert_eq!(shares, ["5% 10%", "25% 30%"]);
}

#[test]
fn one_instance_is_shared_with_a_surge_of_one() {
    let one = |surge| Canary {
        pace: Some(Pace {
            surge: Some(Amount::Count(surge)),
            unavailable: Some(Amount::Count(1 - surge)),
            ..Pace::default()
        }),
        ..canary(&["20%"])
    };
    let shared = plan(spec(1, Strategy::Canary(one(1))), None, false).unwrap();
    assert_eq!(stages(&shared), ["20% 1/1 replicas", "promote 1/0 replicas *"]);
    let refused = plan(spec(1, Strategy::Canary(one(0))), None, false).unwrap_err();
    assert!(matches!(refused, PlanError::Indivisible { .. }), "{refused}");
}

#[test]
fn what_replicas_cannot_express_is_refused() {
    let preview = plan(spec(4, Strategy::Canary(canary(&["0%", "50%"]))), None, false);
    assert!(matches!(preview, Err(PlanError::ZeroWeight { .. })));
    let least = Canary { min_replicas: Some(2), ..canary(&["50%"]) };
    let least = plan(spec(4, Strategy::Canary(least)), None, false);
    assert!(matches!(least, Err(PlanError::OnlyWithWeights { .. })));
}

#[test]
fn a_first_deploy_starts_everything_at_once() {
    let paced = Pace { parallelism: Some(1), batch_delay: Span::from_secs(9), ..Pace::default() };
    let first = plan(spec(5, Strategy::Rolling(paced)), None, true).unwrap();
    assert_eq!(stages(&first), ["deploy 5/0 replicas *"]);
    assert_eq!(first.stages[0].budget.parallelism, 0);
    assert_eq!(first.remarks, [Remark::FirstDeploy]);
    let weighted = spec(5, Strategy::Canary(canary(&["10%"])));
    let weighted = plan(weighted, Some(256), true).unwrap();
    assert_eq!(stages(&weighted), ["deploy 5/0 100% *"]);
}

#[test]
fn nothing_desired_finishes_at_once() {
    let strategies = [
        Strategy::default(),
        Strategy::Recreate(Recreate {}),
        Strategy::BlueGreen(BlueGreen::default()),
        Strategy::Canary(canary(&["25%"])),
    ];
    for strategy in strategies {
        for first in [false, true] {
            let plan = plan(spec(0, strategy.clone()), Some(100), first).unwrap();
            assert_eq!(stages(&plan), ["empty 0/0 replicas *"]);
        }
    }
}

#[test]
fn a_total_deadline_below_the_own_waits_is_refused() {
    let mut spec = spec(4, Strategy::Canary(canary(&["25%", "50%"])));
    let Strategy::Canary(canary) = &mut spec.strategy else { unreachable!("made above") };
    canary.steps[0].gates = vec![Gate::Hold(Span::from_secs(3000))];
    spec.health.monitor = Span::from_secs(600);
    spec.deadlines.total = Some(Span::from_secs(3600));
    assert_eq!(
        plan(spec.clone(), Some(100), false),
        Err(PlanError::TotalBelowGates {
            total: Span::from_secs(3600),
            waits: Span::from_secs(3600)
        })
    );
    spec.deadlines.total = Some(Span::from_secs(3601));
    assert!(plan(spec, Some(100), false).is_ok());
}

#[test]
fn recreate_keeps_the_revisions_apart_on_the_way_back_too() {
    let mut spec = spec(4, Strategy::Recreate(Recreate {}));
    assert_eq!(plan(spec.clone(), None, false).unwrap().rollback.unavailable, 4);
    spec.rollback.pace = Some(Pace { parallelism: Some(2), ..Pace::default() });
    let back = plan(spec, None, false).unwrap().rollback;
    assert_eq!((back.surge, back.unavailable, back.parallelism), (0, 1, 2));
}

#[test]
fn steps_never_shrink_the_candidate() {
    let mut steps = canary(&["10%", "20%", "30%"]);
    steps.steps[0].replicas = Some(Amount::Count(5));
    let made = plan(spec(10, Strategy::Canary(steps.clone())), Some(100), false).unwrap();
    let candidates: Vec<u64> = made.stages.iter().map(|stage| stage.candidate).collect();
    assert_eq!(candidates, [5, 5, 5, 10, 10]);
    steps.steps[1].replicas = Some(Amount::Count(4));
    let refused = plan(spec(10, Strategy::Canary(steps)), Some(100), false);
    assert!(matches!(refused, Err(PlanError::StepTooSmall { replicas: 4, needed: 5, .. })));
}

#[test]
fn a_step_of_everything_is_the_last_one() {
    let one = spec(1, Strategy::Canary(canary(&["100%"])));
    let plan = plan(one, None, false).unwrap();
    assert_eq!(stages(&plan), ["100% 1/0 replicas *"]);
}

#[test]
fn the_stage_that_completes_the_candidate_is_watched() {
    let minute = Span::from_secs(60);
    let bake = |seconds| BlueGreen { bake: Span::from_secs(seconds), ..BlueGreen::default() };
    let steps = || Strategy::Canary(canary(&["50%"]));
    for (strategy, router, stage, watched) in [
        (Strategy::Recreate(Recreate {}), None, "start", minute),
        (steps(), None, "promote", minute),
        (steps(), Some(100), "promote", minute),
        (Strategy::BlueGreen(bake(5)), Some(100), "switch", minute),
        (Strategy::BlueGreen(bake(90)), Some(100), "switch", Span::from_secs(90)),
    ] {
        let mut spec = spec(4, strategy);
        spec.health.monitor = minute;
        let plan = plan(spec, router, false).unwrap();
        let gates: Vec<_> = plan
            .stages
            .iter()
            .flat_map(|stage| stage.gates.iter().map(|gate| (stage.name.as_str(), gate.clone())))
            .filter(|(_, gate)| matches!(gate, StageGate::Health(_)))
            .collect();
        assert_eq!(gates, [(stage, StageGate::Health(watched))]);
    }
}

#[test]
fn a_whole_preview_and_no_standby_need_no_stage_of_their_own() {
    let direct = BlueGreen { standby: Span::ZERO, ..BlueGreen::default() };
    let plan = plan(spec(4, Strategy::BlueGreen(direct)), Some(100), false).unwrap();
    assert_eq!(stages(&plan), ["preview 4/4 0%", "switch 4/4 100% *", "retire 4/0 100%"]);
}

#[test]
fn the_ports_decide_what_the_spec_leaves_open() {
    let counted = |counting| Strategy::Rolling(Pace { counting, ..Pace::default() });
    for (written, expected) in [
        (None, Counting::Strict),
        (Some(Counting::Strict), Counting::Strict),
        (Some(Counting::Loose), Counting::Loose),
    ] {
        assert_eq!(plan(spec(4, counted(written)), None, false).unwrap().counting, expected);
    }
    let checked = CheckedSpec::new(spec(4, Strategy::default())).unwrap();
    let bare = Capabilities { enrolment: None, ..capabilities(None) };
    assert_eq!(build(&checked, &bare, false).unwrap().remarks, [Remark::NoDrain]);
    // A router of no units divides nothing.
    let none = plan(spec(4, Strategy::Canary(canary(&["50%"]))), Some(0), false).unwrap();
    assert_eq!(stages(&none), ["50% 2/2 replicas", "promote 4/0 replicas *"]);
}

#[test]
fn pauses_between_batches_are_for_replicas_only() {
    let paced = |router| {
        let pace = Pace { batch_delay: Span::from_secs(5), ..Pace::default() };
        let steps = Canary { pace: Some(pace), ..canary(&["50%"]) };
        plan(spec(4, Strategy::Canary(steps)), router, false).unwrap()
    };
    let by_weight = paced(Some(100));
    assert_eq!(by_weight.remarks, [Remark::NoBatches]);
    assert!(by_weight.stages.iter().all(|stage| stage.budget.batch_delay.is_zero()));
    assert_eq!(paced(None).remarks, []);
    assert_eq!(paced(None).stages[0].budget.batch_delay, Span::from_secs(5));
}
