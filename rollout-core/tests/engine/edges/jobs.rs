//! Jobs of hooks: which run is meant, tried again, skipped, told.

use rollout_core::engine::{OrderKind, Resolution};
use serde_json::json;

use super::{log, ticks};
use crate::{ROLLING, canary, deployed, value, world::spec};

#[test]
fn a_job_of_another_stage_is_not_taken_for_this_one() {
    let rest = json!({"strategy": {"blue_green": {"preview_replicas": 4, "standby": "1s",
        "bake_gates": [{"hook": {"name": "smoke", "run": {"takes_ms": 5000}}}]}},
        "hooks": {"before_promotion": [{"name": "migrate", "run": {"takes_ms": 100}}]}});
    let mut world = deployed(Some(10_000), &rest);
    world.order(OrderKind::Resize { replicas: 8 }).unwrap();
    world.run();
    world.submit("v2", &spec(8, &rest)).unwrap();
    while !log(&world).contains("migrate") {
        world.tick();
    }
    world.failing_runs = 99; // the smoke test fails
    while !log(&world).contains("run hook smoke") {
        world.tick();
    }
    world.order(OrderKind::Resize { replicas: 4 }).unwrap();
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
}

#[test]
fn go_on_tries_a_failed_job_again() {
    let mut rest = value(ROLLING);
    rest["hooks"] = json!({"after": [{"name": "contract", "run": {"takes_ms": 100}}]});
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.failing_runs = 1;
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert!(world.run().starts_with("needs an operator"));
    world.order(OrderKind::Resolve(Resolution::GoOn)).unwrap();
    assert_eq!((world.run().as_str(), world.runs.len()), ("completed", 2));
}

#[test]
fn promote_all_skips_no_job_of_hooks() {
    let mut rest = value(ROLLING);
    rest["hooks"] = json!({"before": [{"name": "expand", "run": {"takes_ms": 5000}}],
        "after": [{"name": "contract", "run": {"takes_ms": 100}}]});
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &rest)).unwrap();
    world.order(OrderKind::Promote { all: true, gate: None }).unwrap();
    ticks(&mut world, 10);
    assert_eq!(world.of("v2"), 0, "the schema is not expanded yet");
    world.run();
    assert_eq!(world.runs.len(), 2, "contract has run");
}

#[test]
fn a_run_that_was_never_begun_is_not_too_late() {
    let mut rest = canary();
    rest["deadlines"] = json!({"progress": "3s"});
    rest["hooks"] = json!({"before": [{"name": "expand", "run": {}, "deadline": "10s"}]});
    let mut world = deployed(Some(10_000), &canary());
    world.no_hooks = true;
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 5);
    world.order(OrderKind::Halt).unwrap();
    ticks(&mut world, 200);
    world.no_hooks = false;
    world.order(OrderKind::Resume).unwrap();
    ticks(&mut world, 20);
    assert_eq!(world.runs.len(), 1, "{}", log(&world));
}

#[test]
fn what_a_hook_runs_is_in_no_status() {
    let mut rest = canary();
    rest["hooks"] = json!({"before": [{"name": "expand", "run": {"header": "Bearer SECRET"}}]});
    let mut world = deployed(Some(10_000), &canary());
    world.no_hooks = true;
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 3);
    let status = serde_json::to_string(&world.engine.status(world.now)).unwrap();
    assert!(!status.contains("SECRET"), "{status}");
}
