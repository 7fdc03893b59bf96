//! Hooks, modules, rules of a route, the calendar, and what the way back may be told.

use rollout_core::engine::{OrderKind, OrderRefused, RollbackState};
use serde_json::{Value, json};

use super::{
    ROLLING, canary, deployed, manner, value,
    world::{Manner, World, spec},
};

fn log(world: &World) -> String {
    world.log.join("\n")
}

fn with(mut rest: Value, key: &str, more: Value) -> Value {
    rest[key] = more;
    rest
}

fn hook(retries: u32) -> Value {
    json!({"name": "smoke", "run": {"takes_ms": 300}, "deadline": "5s", "retries": retries})
}

fn gated(gate: &Value) -> Value {
    json!({"strategy": {"canary": {"steps": [{"weight": 25, "gates": [gate]}]}}})
}

#[test]
fn a_hook_is_run_once_and_waited_for() {
    let rest = gated(&json!({"hook": hook(0)}));
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
    let runs: Vec<String> = world.runs.keys().map(ToString::to_string).collect();
    assert_eq!(runs, ["web-2-251adb145f-0-0-0"], "{}", log(&world));
}

#[test]
fn a_hook_that_fails_is_tried_again_and_then_takes_the_rollout_back() {
    for (failing, retries, end) in
        [(1, 1, "completed"), (2, 1, "rolled back"), (1, 0, "rolled back")]
    {
        let rest = gated(&json!({"hook": hook(retries)}));
        let mut world = deployed(Some(10_000), &value(ROLLING));
        world.failing_runs = failing;
        world.submit("v2", &spec(4, &rest)).unwrap();
        assert_eq!(world.run(), end, "{}", log(&world));
        assert_eq!(world.low, 4);
    }
}

#[test]
fn a_hook_without_an_end_is_given_up_at_its_deadline() {
    let endless = json!({"name": "smoke", "run": {"takes_ms": 3_600_000}, "deadline": "2s"});
    let rest = gated(&json!({"hook": endless}));
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    assert!(log(&world).contains("it did not end within 2s"), "{}", log(&world));
}

#[test]
fn modules_are_degraded_before_a_step_and_restored_after() {
    let step = json!({"weight": 25, "modules": {"degrade": ["reports"], "require": ["search"],
        "breaker": true}, "gates": [{"hold": "1s"}]});
    let rest = json!({"strategy": {"canary": {"steps": [step]}}, "breaker": {"timeout": "3s"},
        "modules": [{"name": "reports"}, {"name": "search"}, {"name": "pay", "must_be_available": true}]});
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..20 {
        world.tick();
    }
    assert_eq!(world.modules.to_string(), "reports degraded, breaker at 3s", "{}", log(&world));
    assert_eq!(world.of("v2"), 0, "nothing moves before `search` is degraded");
    world.degraded.insert("search".to_owned());
    assert_eq!(world.run(), "completed", "{}", log(&world));
    world.tick();
    assert_eq!(world.modules.to_string(), "none degraded", "{}", log(&world));
}

#[test]
fn matches_and_copies_need_an_instance_and_go_first() {
    let step = json!({"weight": 0, "replicas": 1, "match": [{"header": "x-canary", "exact": "yes"}],
        "mirror": "10%", "gates": [{"approval": {}}]});
    let rest = json!({"strategy": {"canary": {"steps": [step]}}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..30 {
        world.tick();
    }
    let route = world.route.as_ref().unwrap().to_string();
    assert_eq!(route, "100% to v1; 1 matches to v2, copies of 10% to v2", "{}", log(&world));
    world.order(OrderKind::Abort).unwrap();
    assert_eq!(world.route.as_ref().unwrap().to_string(), "100% to v1", "{}", log(&world));
    assert_eq!(world.run(), "rolled back");
}

#[test]
fn a_failed_candidate_is_kept_for_inspection_at_weight_0() {
    let rest = with(canary(), "rollback", json!({"keep_failed": "20s"}));
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..100 {
        world.tick();
    }
    world.order(OrderKind::Abort).unwrap();
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    assert_eq!((world.of("v1"), world.of("v2")), (4, 2), "{}", log(&world));
    assert_eq!(world.route.as_ref().unwrap().to_string(), "100% to v1");
    for _ in 0..220 {
        world.tick();
    }
    assert_eq!((world.of("v1"), world.of("v2")), (4, 0), "{}", log(&world));
}

#[test]
fn the_way_back_is_verified_and_says_so() {
    let rest = with(value(ROLLING), "rollback", json!({"health_check_interval": "3s"}));
    let mut world = deployed(Some(10_000), &rest);
    let mut states = Vec::new();
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..10 {
        world.tick();
    }
    for tick in 0..200 {
        let state = world.engine.status(world.now).rollback.unwrap();
        if states.last() != Some(&state) {
            states.push(state);
        }
        if tick == 0 {
            world.order(OrderKind::Abort).unwrap();
        }
        world.tick();
    }
    assert_eq!(
        states,
        [
            RollbackState::Ready,
            RollbackState::Executing,
            RollbackState::Verifying,
            RollbackState::Done
        ],
        "{}",
        log(&world)
    );
}

#[test]
fn on_a_recreate_way_back_the_two_never_meet() {
    let rest = json!({"strategy": {"rolling": {"surge": 2, "unavailable": 2}},
        "rollback": {"strategy": "recreate"}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    while world.of("v2") < 2 || 2 < world.of("v1") {
        world.tick();
    }
    world.order(OrderKind::Abort).unwrap();
    let before = world.of("v1");
    while 0 < world.of("v2") {
        assert!(world.of("v1") <= before, "{}", log(&world));
        world.tick();
    }
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    assert_eq!(world.of("v1"), 4);
}

#[test]
fn a_detected_failure_waits_where_the_spec_says_so() {
    let mut rest = with(value(ROLLING), "rollback", json!({"on_failure": "pause"}));
    rest["deadlines"] = json!({"progress": "5s"});
    let mut world = deployed(Some(10_000), &rest);
    manner(&mut world, "v2", Manner::NeverReady);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..100 {
        world.tick();
    }
    assert_eq!(world.engine.status(world.now).rollback, Some(RollbackState::Detected));
}

#[test]
fn a_way_back_that_takes_too_long_asks_for_an_operator() {
    let rest = json!({"strategy": {"rolling": {"surge": 0, "unavailable": 1}},
        "rollback": {"timeout": "3s"}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..12 {
        world.tick();
    }
    world.start_ms = 60_000;
    world.order(OrderKind::Abort).unwrap();
    assert!(world.run().starts_with("needs an operator"), "{}", log(&world));
}

#[test]
fn a_closed_calendar_stops_forward_steps_and_never_an_abort() {
    // The worlds begin 1,000 s after 1970-01-01 00:00 UTC, a Thursday.
    let closed = json!({"closed": [{"from": "1970-01-01T00:00", "to": "1970-01-01T01:00", "why": "holidays"}]});
    let rest = with(value(ROLLING), "calendar", closed);
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..50 {
        world.tick();
    }
    assert_eq!((world.of("v1"), world.of("v2")), (4, 0), "{}", log(&world));
    world.order(OrderKind::Abort).unwrap();
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    world.order(OrderKind::Retry).unwrap();
    for _ in 0..10 {
        world.tick();
    }
    // A person may override it, on the record.
    world.order(OrderKind::Resume).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
    assert!(log(&world).contains("resumed by test"));
}

#[test]
fn what_must_be_available_is_never_degraded() {
    let step = json!({"weight": 25, "modules": {"degrade": ["pay"]}});
    let rest = json!({"version": 1, "workload": "web", "replicas": 4,
        "strategy": {"canary": {"steps": [step]}},
        "modules": [{"name": "pay", "must_be_available": true}]});
    let spec: rollout_core::spec::Spec = serde_json::from_value(rest).unwrap();
    assert!(rollout_core::spec::CheckedSpec::new(spec).is_err());
}

#[test]
fn an_order_in_a_state_it_does_not_fit_is_refused_with_a_reason() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    for kind in [OrderKind::Pause, OrderKind::Abort, OrderKind::Promote { all: true, gate: None }] {
        let refused = world.order(kind).unwrap_err();
        assert!(matches!(refused, OrderRefused::NothingUnderWay { .. }), "{refused:?}");
    }
}

fn metric(more: &Value) -> Value {
    let mut metric = json!({"name": "errors", "query": "rate", "interval": "1s",
        "pass": {"below": "0.01"}, "min_samples": 3});
    for (key, value) in more.as_object().unwrap() {
        metric[key] = value.clone();
    }
    metric
}

#[test]
fn a_metric_gate_passes_on_enough_good_readings_and_fails_on_a_bad_one() {
    for (readings, end) in [
        (vec!["0", "0.001", "0.009"], "completed"),
        (vec!["0", "0.02"], "rolled back"),
        (vec!["", "", "", "", "", ""], "rolled back"),
        (vec!["0", "", "0", "NaN", "0"], "completed"),
    ] {
        let rest = gated(&json!({"metric": metric(&json!({}))}));
        let mut world = deployed(Some(10_000), &value(ROLLING));
        world.readings = readings.iter().map(|text| (*text).to_owned()).collect();
        world.submit("v2", &spec(4, &rest)).unwrap();
        assert_eq!(world.run(), end, "{readings:?}\n{}", log(&world));
        assert_eq!(world.low, 4);
    }
}

#[test]
fn a_watched_metric_takes_the_rollout_back_whatever_the_stage() {
    let watch = json!([metric(&json!({"count": 100}))]);
    let rest = with(canary(), "watch", watch);
    let mut world = deployed(Some(10_000), &rest);
    world.readings = ["0", "0", "0", "5"].map(str::to_owned).into();
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    assert!(log(&world).contains("aborted: metric errors:"), "{}", log(&world));
}

#[test]
fn a_dry_run_decides_nothing() {
    let rest = gated(&json!({"metric": metric(&json!({"dry_run": true}))}));
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.readings = vec!["7".to_owned()];
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
}
