//! Jobs at their points, in every strategy.

use super::{plan, planned, spec_of};
use crate::{
    plan::{Plan, StageGate, StageRoute, lint},
    spec::Spec,
    weight::Weight,
};

const ALL: &str = "\nhooks: { before: [{ name: expand, run: 1 }], after_canary: [{ name: taste, run: 2 }], before_promotion: [{ name: follow, run: 3 }], after: [{ name: contract, run: 4 }, { name: tell, run: 5 }], on_rollback: [{ name: undo, run: 6 }] }";
const AROUND: &str =
    "\nhooks: { before: [{ name: expand, run: 1 }], after: [{ name: contract, run: 4 }] }";

/// Every stage as `name candidate/stable: gates`, with `*` on the one that proves.
fn gates(plan: &Plan) -> Vec<String> {
    let stage = |stage: &crate::plan::Stage| {
        let gates: Vec<String> = stage
            .gates
            .iter()
            .map(|gate| match gate {
                StageGate::Hook(hook) => hook.name.clone(),
                StageGate::Hold(_) => "hold".to_owned(),
                StageGate::Health(_) => "health".to_owned(),
                StageGate::Window(_) => "window".to_owned(),
                StageGate::Metric(metric) => metric.name.clone(),
                StageGate::Approval { .. } => "approval".to_owned(),
            })
            .collect();
        let proves = if stage.proves { " *" } else { "" };
        format!("{} {}/{}{proves}: {}", stage.name, stage.candidate, stage.stable, gates.join(" "))
    };
    assert_eq!(lint(plan), []);
    plan.stages.iter().map(stage).collect()
}

#[test]
fn a_canary_has_every_point() {
    let tail = format!(
        "strategy: {{ canary: {{ steps: [{{ weight: 25, gates: [hold: 1s] }}, {{ weight: 50 }}, {{ weight: 100 }}] }} }}{ALL}"
    );
    let by_weight = planned(&tail, Some(100), false).unwrap();
    assert_eq!(
        gates(&by_weight),
        [
            "before 0/4: expand",
            "25% 1/4: hold taste",
            "50% 2/4: follow",
            "100% 4/4: ",
            "retire 4/0 *: ",
            "after 4/0: contract tell",
        ]
    );
    assert_eq!(by_weight.stages[0].route, StageRoute::Weighted(Weight::ZERO));
    assert_eq!(by_weight.stages[5].route, StageRoute::Weighted(Weight::FULL));
    assert_eq!(by_weight.rollback_hooks.len(), 1);
    let by_replicas = planned(&tail, None, false).unwrap();
    assert_eq!(
        gates(&by_replicas),
        [
            "before 0/4: expand",
            "25% 1/3: hold taste",
            "50% 2/2: follow",
            "100% 4/0 *: ",
            "after 4/0: contract tell",
        ]
    );
    let one = planned(
        &format!("strategy: {{ canary: {{ steps: [weight: 50] }} }}{ALL}"),
        Some(100),
        false,
    );
    assert_eq!(gates(&one.unwrap())[1], "50% 2/4: taste follow");
}

#[test]
fn blue_green_has_every_point_and_the_last_job_runs_once_the_switch_is_certain() {
    let tail = |preview: &str| {
        format!(
            "strategy: {{ blue_green: {{ {preview}gates: [hold: 1s], promotion: {{ after: 5m }}, bake: 3s, bake_gates: [hook: {{ name: smoke, run: 9 }}], standby: 0s }} }}{ALL}"
        )
    };
    let plan = planned(&tail("preview_replicas: 1, "), Some(100), false).unwrap();
    assert_eq!(
        gates(&plan),
        [
            "before 0/4: expand",
            "preview 1/4: hold taste",
            "full 4/4: approval follow",
            "switch 4/4 *: health smoke",
            "retire 4/0: ",
            "after 4/0: contract tell",
        ]
    );
    assert_eq!(plan.stages[2].gates[0].to_string(), "approval or 5m");
    let whole = planned(&tail(""), Some(100), false).unwrap();
    assert_eq!(gates(&whole)[1], "preview 4/4: hold taste approval follow");
}

#[test]
fn every_strategy_has_jobs_around_it() {
    let hand = "strategy: { stages: [{ name: all, candidate: 4, stable: 0, proves: true }] }";
    for (strategy, middle) in [
        ("", &["roll 4/0 *: "][..]),
        ("strategy: { recreate: {} }", &["stop 0/0: ", "start 4/0 *: "]),
        (hand, &["all 4/0 *: "]),
    ] {
        let around = |stable: u64, middle: &[&str]| {
            let mut stages = vec![format!("before 0/{stable}: expand")];
            stages.extend(middle.iter().map(|stage| (*stage).to_owned()));
            stages.push("after 4/0: contract".to_owned());
            stages
        };
        for router in [None, Some(100)] {
            let tail = format!("{strategy}{AROUND}");
            assert_eq!(gates(&planned(&tail, router, false).unwrap()), around(4, middle));
            let first = planned(&tail, router, true).unwrap();
            assert_eq!(gates(&first), around(0, &["deploy 4/0 *: "]));
        }
    }
}

/// There is no revision yet that could have the route, so none is set by weight.
#[test]
fn a_first_deploy_by_weight_begins_with_no_share() {
    let tail = format!("strategy: {{ blue_green: {{}} }}{ALL}");
    let first = planned(&tail, Some(100), true).unwrap();
    assert_eq!(gates(&first), ["before 0/0: expand", "deploy 4/0 *: ", "after 4/0: contract tell"]);
    assert_eq!(first.stages[0].route, StageRoute::ByReplicas);
    let nothing = Spec { replicas: 0, ..spec_of(&tail) };
    let nothing = plan(nothing, Some(100), false).unwrap();
    assert_eq!(
        gates(&nothing),
        ["before 0/0: expand", "empty 0/0 *: ", "after 0/0: contract tell"]
    );
}
