//! Pauses, freezes and halts that overlap with what the engine does by itself.

use rollout_core::engine::{OrderKind, Phase};
use serde_json::json;

use super::{is_at_half, log, route, ticks};
use crate::{
    canary, deployed, manner,
    world::{Manner, spec},
};

#[test]
fn a_freeze_stops_no_automatic_abort() {
    let mut rest = canary();
    rest["calendar"] = json!({"closed": [{"from": "1970-01-01T00:17", "to": "1970-01-01T03:00"}]});
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &rest)).unwrap();
    while !is_at_half(&world) || !world.engine.status(world.now).paused {
        world.tick();
    }
    manner(&mut world, "v2", Manner::ExitsAfter(1));
    ticks(&mut world, 100);
    assert_ne!(world.engine.status(world.now).phase, Phase::Gating, "{}", route(&world));
}

#[test]
fn a_paused_share_without_backing_goes_back() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    while !is_at_half(&world) {
        world.tick();
    }
    world.order(OrderKind::Pause).unwrap();
    manner(&mut world, "v2", Manner::ExitsAfter(1));
    ticks(&mut world, 300);
    assert_eq!((route(&world).as_str(), world.of("v2")), ("100% to v1", 0));
}

#[test]
fn timers_set_in_a_pause_are_not_shifted_by_all_of_it() {
    let mut rest = canary();
    rest["strategy"]["canary"]["steps"][0]["gates"] =
        json!([{"approval": {}}, {"hold": "1s"}, {"approval": {}}]);
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 10);
    world.order(OrderKind::Pause).unwrap();
    ticks(&mut world, 600);
    world.order(OrderKind::Promote { all: false, gate: None }).unwrap();
    world.order(OrderKind::Resume).unwrap();
    let at = world.now;
    while !log(&world).contains("passed gate 1") {
        world.tick();
    }
    assert!(world.now.since(at).as_millis() < 2_000, "{:?} for a hold of 1 s", world.now.since(at));
}

#[test]
fn resume_after_a_pause_for_time_goes_on() {
    let mut rest = canary();
    rest["deadlines"] = json!({"total": "8s", "progress": "5s"});
    rest["rollback"] = json!({"on_failure": "pause"});
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 120);
    assert!(world.engine.status(world.now).paused);
    world.order(OrderKind::Promote { all: true, gate: None }).unwrap();
    world.order(OrderKind::Resume).unwrap();
    ticks(&mut world, 50);
    assert!(!world.engine.status(world.now).paused, "{}", log(&world));
}

#[test]
fn resuming_a_halt_overrides_no_freeze_and_no_pause() {
    let mut rest = canary();
    rest["calendar"] = json!({"closed": [{"from": "1970-01-01T00:00", "to": "1970-01-01T03:00"}]});
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 20);
    world.order(OrderKind::Halt).unwrap();
    ticks(&mut world, 20);
    world.order(OrderKind::Resume).unwrap();
    ticks(&mut world, 50);
    assert_eq!(world.of("v2"), 0, "the calendar is closed");
}
