//! Ways back: undo, abort and their repair.

use rollout_core::engine::{OrderKind, Phase, Resolution};
use serde_json::json;

use super::{is_at_half, n, route, ticks};
use crate::{
    ROLLING, canary, deployed, manner, value,
    world::{Manner, spec},
};

#[test]
fn an_abort_needs_no_modules() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    while !is_at_half(&world) {
        world.tick();
    }
    world.no_modules = true;
    ticks(&mut world, 150);
    world.order(OrderKind::Abort).unwrap();
    ticks(&mut world, 100);
    assert_eq!(route(&world), "100% to v1");
}

#[test]
fn a_blip_while_verifying_is_mended() {
    let rest = json!({"strategy": {"rolling": {"surge": 1, "unavailable": 0}}, "deadlines": {"progress": "5s"},
        "drain": {"deadline": "1s", "stop_grace": "1s"}, "rollback": {"health_check_interval": "60s"}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 10);
    world.order(OrderKind::Abort).unwrap();
    ticks(&mut world, 300);
    let one = world.instances.keys().next().unwrap().clone();
    world.instances.remove(&one);
    assert_eq!(world.run(), "rolled back");
}

#[test]
fn go_on_forgives_the_failures_of_an_undo() {
    let mut rest = value(ROLLING);
    rest["deadlines"] = json!({"progress": "5s"});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    world.run();
    manner(&mut world, "v1", Manner::ExitsAfter(100));
    world.order(OrderKind::Undo { to: None }).unwrap();
    assert!(world.run().starts_with("needs an operator"));
    manner(&mut world, "v1", Manner::Good);
    world.order(OrderKind::Resolve(Resolution::GoOn)).unwrap();
    assert_eq!(world.run(), "completed");
}

#[test]
fn an_undo_to_stable_takes_the_candidate_back() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    ticks(&mut world, 20);
    let answer = world.order(OrderKind::Undo { to: Some(n("v1")) });
    ticks(&mut world, 20);
    let phase = world.engine.status(world.now).phase;
    assert!(answer.is_err() || phase != Phase::Gating, "{answer:?} {phase:?}");
}

#[test]
fn an_undo_after_a_restart_goes_to_other_code() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    world.run();
    world.order(OrderKind::Restart).unwrap();
    world.run();
    world.order(OrderKind::Undo { to: None }).unwrap();
    world.run();
    assert_eq!(world.engine.stable().unwrap().as_str(), "v1");
}
