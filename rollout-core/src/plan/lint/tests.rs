//! No built plan has a finding, and plans that were broken on purpose are found.

use proptest::prelude::*;

use super::*;
use crate::{
    plan::tests::{any_plan, plan_of},
    spec::Affinity,
    time::Span,
};

/// One way of breaking a plan, which is nothing where it does not apply, and the rule that finds it.
type Break = (&'static str, fn(Plan) -> Option<Plan>, fn(&Finding) -> bool);

/// Whether a finding is of one kind.
macro_rules! is {
    ($kind:ident) => {
        |finding| matches!(finding, Finding::$kind { .. })
    };
}

const BREAKS: [Break; 23] = [
    ("no stage", |plan| Some(Plan { stages: Vec::new(), ..plan }), is!(NoStages)),
    (
        "last stage dropped",
        |mut plan| {
            let dropped = plan.stages.pop()?;
            let counts = |stage: &Stage| (stage.candidate, stage.stable, stage.route);
            // A last stage with nothing but jobs is not missed by any rule.
            let is_missed = plan.stages.last().is_none_or(|last| counts(last) != counts(&dropped));
            is_missed.then_some(plan)
        },
        is!(WrongEnd),
    ),
    (
        "never proven",
        |mut plan| {
            plan.stages.iter_mut().for_each(|stage| stage.proves = false);
            Some(plan)
        },
        is!(Proofs),
    ),
    (
        "proven twice",
        |mut plan| {
            plan.stages.iter_mut().find(|stage| !stage.proves)?.proves = true;
            Some(plan)
        },
        is!(Proofs),
    ),
    (
        "name taken",
        |mut plan| {
            let name = plan.stages.last()?.name.clone();
            plan.stages.first_mut()?.name = name;
            (1 < plan.stages.len()).then_some(plan)
        },
        is!(Name),
    ),
    (
        "an instance short",
        |mut plan| {
            let last = plan.stages.last_mut()?;
            last.candidate = last.candidate.checked_sub(1)?;
            Some(plan)
        },
        is!(WrongEnd),
    ),
    (
        "an old instance left",
        |mut plan| {
            plan.stages.last_mut()?.stable += 1;
            Some(plan)
        },
        is!(WrongEnd),
    ),
    (
        "no room to move",
        |mut plan| {
            let first = plan.remarks.contains(&Remark::FirstDeploy);
            let stage = plan.stages.first_mut().filter(|stage| !first && 0 < stage.candidate)?;
            stage.budget.surge = 0;
            stage.budget.unavailable = 0;
            Some(plan)
        },
        is!(Stuck),
    ),
    (
        "no room beside stable",
        |mut plan| {
            let whole = |stage: &&mut Stage| 0 < stage.candidate && stage.stable == plan.desired;
            plan.stages.first_mut().filter(whole)?.budget.surge = 0;
            Some(plan)
        },
        is!(AboveCeiling),
    ),
    (
        "no way back",
        |mut plan| {
            plan.rollback.surge = 0;
            plan.rollback.unavailable = 0;
            (plan.desired != 0).then_some(plan)
        },
        is!(RollbackStuck),
    ),
    (
        "more missing than there are",
        |mut plan| {
            plan.stages.first_mut()?.budget.unavailable = plan.desired + 1;
            Some(plan)
        },
        is!(UnavailableAboveDesired),
    ),
    (
        "weight without capacity",
        |mut plan| {
            let small = |stage: &&mut Stage| {
                matches!(stage.route, StageRoute::Weighted(_))
                    && stage.candidate < plan.desired - stage.budget.unavailable
            };
            plan.stages.iter_mut().find(small)?.route = StageRoute::Weighted(Weight::FULL);
            Some(plan)
        },
        is!(NoBacking),
    ),
    (
        "stable gone before its traffic",
        |mut plan| {
            let shared = |stage: &&mut Stage| matches!(stage.route, StageRoute::Weighted(weight) if weight != Weight::FULL);
            plan.stages.iter_mut().find(shared)?.stable = 0;
            Some(plan)
        },
        is!(NoBacking),
    ),
    (
        "steps swapped",
        |mut plan| {
            let [first, second, ..] = plan.stages.as_mut_slice() else { return None };
            let weighted = matches!(first.route, StageRoute::Weighted(_));
            let differ = first.route != second.route && first.candidate != second.candidate;
            std::mem::swap(first, second);
            (weighted && differ).then_some(plan)
        },
        is!(WeightFalls),
    ),
    (
        "downtime not said",
        |mut plan| {
            let is_said = |remark: &Remark| matches!(remark, Remark::Downtime { .. });
            let place = plan.remarks.iter().position(is_said)?;
            plan.remarks.remove(place);
            Some(plan)
        },
        is!(HiddenDowntime),
    ),
    ("larger than proved", |plan| Some(Plan { desired: DESIRED_LIMIT + 1, ..plan }), is!(TooLarge)),
    (
        "proven at the first step",
        |mut plan| {
            plan.stages.iter_mut().for_each(|stage| stage.proves = false);
            plan.stages.first_mut().filter(|stage| stage.candidate < plan.desired)?.proves = true;
            Some(plan)
        },
        is!(ProvesEarly),
    ),
    (
        "a step takes candidates away",
        |mut plan| {
            let [first, second, ..] = plan.stages.as_mut_slice() else { return None };
            first.candidate = second.candidate + 1;
            Some(plan)
        },
        is!(CandidateFalls),
    ),
    (
        "a step adds old instances",
        |mut plan| {
            plan.stages.first_mut()?.stable = plan.desired + 1;
            Some(plan)
        },
        is!(StableRises),
    ),
    (
        "too few left at a step",
        |mut plan| {
            let floor =
                |stage: &&mut Stage| 0 < stage.candidate && stage.budget.unavailable < plan.desired;
            let stage = plan.stages.iter_mut().find(floor)?;
            stage.candidate = 0;
            stage.stable = 0;
            Some(plan)
        },
        is!(BelowFloor),
    ),
    (
        "copies to nobody",
        |mut plan| {
            let shared = |stage: &&mut Stage| matches!(stage.route, StageRoute::Weighted(_));
            let stage = plan.stages.iter_mut().find(shared)?;
            stage.rules.mirror = Weight::share(1, 2);
            stage.candidate = 0;
            Some(plan)
        },
        is!(RulesWithoutBacking),
    ),
    (
        "copies without shares",
        |mut plan| {
            let by_replicas = |stage: &&mut Stage| stage.route == StageRoute::ByReplicas;
            plan.stages.iter_mut().find(by_replicas)?.rules.mirror = Weight::share(1, 2);
            Some(plan)
        },
        is!(RulesWithoutWeights),
    ),
    (
        "clients kept on what gets nothing",
        |mut plan| {
            let all = |stage: &&mut Stage| stage.route == StageRoute::Weighted(Weight::FULL);
            let affinity = Affinity { cookie: "seen".to_owned(), max_age: Span::from_secs(1) };
            plan.stages.iter_mut().find(all)?.rules.affinity = Some(affinity);
            Some(plan)
        },
        is!(ClientsKeptOnNothing),
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_built_plan_has_a_finding(plan in any_plan()) {
        prop_assert_eq!(lint(&plan), vec![]);
    }

    #[test]
    fn broken_plans_are_found(plan in any_plan(), index in 0..BREAKS.len()) {
        let (how, break_it, _) = BREAKS[index];
        if let Some(broken) = break_it(plan.clone()).filter(|broken| *broken != plan) {
            prop_assert!(!lint(&broken).is_empty(), "{}: {:?}", how, broken);
        }
    }
}

/// Each way applies to at least one of these, so the property above really breaks plans.
#[test]
fn every_rule_finds_what_it_is_for() {
    let plans = [
        plan_of("strategy: { rolling: {} }", None, false),
        plan_of("strategy: { recreate: {} }", Some(100), false),
        plan_of("strategy: { blue_green: { preview_replicas: 1 } }", Some(100), false),
        plan_of(
            "strategy: { canary: { steps: [{ weight: 5 }, { weight: 50 }] } }",
            Some(100),
            false,
        ),
        plan_of("strategy: { canary: { steps: [{ weight: 5 }, { weight: 50 }] } }", None, false),
    ];
    for (how, break_it, is_the_rule) in BREAKS {
        let broken = plans.iter().filter_map(|plan| break_it(plan.clone()));
        let found: Vec<_> = broken.map(|plan| lint(&plan)).collect();
        assert!(found.iter().flatten().any(is_the_rule), "{how}: {found:?}");
        assert!(found.iter().all(|findings| !findings.is_empty()), "{how} is not found");
    }
}

#[test]
fn findings_name_the_numbers() {
    let mut plan = plan_of("strategy: { canary: { steps: [{ weight: 50 }] } }", Some(100), false);
    plan.stages[0].candidate = 1;
    plan.stages[1].budget.surge = 3;
    plan.stages[0].gates.push(crate::plan::StageGate::Hold(Span::ZERO)); // No rule is about gates.
    let said: Vec<String> = lint(&plan).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "stage `50%` puts 50% on 1 candidate instances, it needs 2",
            "stage `promote` needs 8 instances at once, its ceiling is 7",
        ]
    );
}

/// Instances that a weight needs, where a released controller's product of weight, replicas and 1e8 units
/// overflowed, so that 0 of 43 and 7 of 100 passed for half of the traffic (argo-rollouts,
/// found by running its check of available replicas).
#[test]
fn large_products_need_what_they_need() {
    for (desired, instances, needed) in [(43, 0, 22), (100, 7, 50), (1 << 31, 1, 1 << 30)] {
        let mut plan =
            plan_of("strategy: { canary: { steps: [{ weight: 50 }] } }", Some(100_000_000), false);
        plan.desired = desired;
        let mut findings = Vec::new();
        let stage = Stage { candidate: instances, stable: desired, ..plan.stages[0].clone() };
        traffic(
            &plan,
            &stage,
            &Before { candidate: 0, stable: desired, weight: Weight::ZERO },
            &mut findings,
        );
        let weight = Weight::share(1, 2);
        let stage = stage.name;
        assert_eq!(
            findings,
            [Finding::NoBacking { stage, role: "candidate", weight, instances, needed }]
        );
    }
}
