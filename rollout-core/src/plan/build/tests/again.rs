//! Plans for undo, restart and resize.

use super::{capabilities, spec_of, stages};
use crate::{
    plan::{Plan, PlanError, Remark, StageGate, build_resize, build_restart, build_undo, lint},
    port::Capabilities,
    spec::{CheckedSpec, Spec},
    time::Span,
};

type Build = fn(&CheckedSpec, &Capabilities) -> Result<Plan, PlanError>;

#[track_caller]
fn planned(build: Build, tail: &str, router: Option<u64>) -> Plan {
    let spec = CheckedSpec::new(spec_of(tail)).unwrap();
    let plan = build(&spec, &capabilities(router)).unwrap();
    assert_eq!(lint(&plan), []);
    assert_eq!(plan.rollback_hooks, []);
    plan
}

const HOOKS: &str = "\nhooks: { before: [{ name: a, run: 1 }], after: [{ name: b, run: 1 }], on_rollback: [{ name: c, run: 1 }] }";
const STEPS: &str = "strategy: { canary: { steps: [{ weight: 5, gates: [hold: 9m] }] } }";
const SWITCH: [&str; 2] = ["switch 4/4 100% *", "retire 4/0 100%"];

#[test]
fn an_undo_by_weight_begins_with_the_switch() {
    for strategy in ["strategy: { blue_green: { bake: 9m } }", STEPS] {
        let plan = planned(build_undo, &format!("{strategy}{HOOKS}"), Some(100));
        assert_eq!(plan.strategy, "undo");
        assert_eq!(stages(&plan), SWITCH);
        assert!(plan.stages.iter().all(|stage| stage.gates.is_empty()));
    }
}

#[test]
fn an_undo_by_replicas_goes_at_the_pace_of_the_way_back() {
    let paced = "\nrollback: { pace: { surge: 3, parallelism: 2 } }\nhealth: { monitor: 9s }";
    for (strategy, router) in [(STEPS, None), ("strategy: { rolling: {} }", Some(100))] {
        let plan = planned(build_undo, &format!("{strategy}{paced}{HOOKS}"), router);
        assert_eq!(stages(&plan), ["roll 4/0 replicas *"]);
        let stage = &plan.stages[0];
        assert_eq!((stage.budget.surge, stage.budget.parallelism, stage.gates.len()), (3, 2, 0));
    }
}

#[test]
fn an_undo_within_a_small_surge_replaces_one_by_one() {
    let plan =
        planned(build_undo, &format!("{STEPS}\nrollback: {{ pace: {{ surge: 1 }} }}"), Some(9));
    assert_eq!(stages(&plan), ["roll 4/0 replicas", "settle 4/0 100% *"]);
    assert_eq!(plan.stages[0].budget.surge, 1);
}

#[test]
fn recreate_stays_recreate_on_an_undo_unless_it_says_otherwise() {
    let stopped = Remark::Downtime { stage: "stop".to_owned() };
    let plan = planned(build_undo, "strategy: { recreate: {} }", Some(100));
    assert_eq!(stages(&plan), ["stop 0/0 empty", "start 4/0 replicas *"]);
    assert_eq!(plan.remarks, [stopped]);
    let rolling = "strategy: { recreate: {} }\nrollback: { strategy: rolling }";
    let plan = planned(build_undo, rolling, None);
    assert_eq!(stages(&plan), ["roll 4/0 replicas *"]);
    assert_eq!((plan.rollback.surge, plan.rollback.unavailable), (1, 0));
    let back = format!("{STEPS}\nrollback: {{ strategy: recreate, pace: {{ parallelism: 2 }} }}");
    let plan = planned(build_undo, &back, Some(100));
    assert_eq!(stages(&plan), ["stop 0/0 empty", "start 4/0 100% *"]);
    let budget = plan.rollback;
    assert_eq!((budget.surge, budget.unavailable, budget.parallelism), (0, 4, 2));
}

#[test]
fn a_restart_goes_at_the_pace_of_the_strategy_and_is_watched() {
    let tail = "\nhealth: { monitor: 9s }\nrollback: { pace: { surge: 3 } }";
    let watched = [StageGate::Health(Span::from_secs(9))];
    let plan =
        planned(build_restart, &format!("strategy: {{ rolling: {{ surge: 2 }} }}{tail}"), None);
    assert_eq!(plan.strategy, "restart");
    assert_eq!(stages(&plan), ["roll 4/0 replicas *"]);
    assert_eq!((plan.stages[0].budget.surge, plan.rollback.surge), (2, 3));
    assert_eq!(plan.stages[0].gates, watched);
    let plan = planned(build_restart, &format!("{STEPS}{tail}{HOOKS}"), Some(100));
    assert_eq!(stages(&plan), SWITCH);
    assert_eq!(plan.stages[0].gates, watched);
    // One revision may stand beside itself, but never with more instances than desired.
    let plan = planned(build_restart, &format!("strategy: {{ recreate: {{}} }}{tail}"), Some(100));
    assert_eq!(stages(&plan), ["roll 4/0 replicas *"]);
    assert_eq!((plan.stages[0].budget.surge, plan.stages[0].budget.unavailable), (0, 1));
}

#[test]
fn a_resize_has_one_stage_and_no_hooks() {
    let plan = planned(build_resize, &format!("{STEPS}{HOOKS}"), Some(100));
    assert_eq!(stages(&plan), ["deploy 4/0 100% *"]);
    assert_eq!(plan.remarks, [Remark::FirstDeploy]);
}

#[test]
fn nothing_desired_ends_at_once() {
    for build in [build_undo as Build, build_restart, build_resize] {
        let none = Spec { replicas: 0, ..spec_of("strategy: { blue_green: {} }") };
        let plan = build(&CheckedSpec::new(none).unwrap(), &capabilities(Some(100))).unwrap();
        assert_eq!(stages(&plan), ["empty 0/0 replicas *"]);
        assert_eq!(lint(&plan), []);
    }
}
