//! What waits its turn: queued and superseding revisions, and orders that find them.

use rollout_core::engine::OrderKind;
use serde_json::json;

use super::{log, n, ticks};
use crate::{ROLLING, canary, deployed, value, world::spec};

#[test]
fn an_abort_drops_what_waits() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    ticks(&mut world, 20);
    world.submit("v3", &spec(4, &canary())).unwrap();
    world.order(OrderKind::Abort).unwrap();
    ticks(&mut world, 60);
    assert_eq!(world.of("v3"), 0, "abort: back to stable");
}

#[test]
fn what_waits_is_never_dropped_in_silence() {
    let mut rest = canary();
    rest["on_submit"] = json!("queue");
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 20);
    world.submit("v3", &spec(4, &rest)).unwrap();
    world.submit("v4", &spec(4, &rest)).unwrap();
    assert!(log(&world).contains("dropped"), "{}", log(&world));
}

#[test]
fn a_submit_of_what_was_restarted_changes_nothing() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.order(OrderKind::Restart).unwrap();
    world.run();
    for replicas in [6, 4] {
        world.order(OrderKind::Resize { replicas }).unwrap();
        world.run();
    }
    world.submit("v1", &spec(4, &value(ROLLING))).unwrap();
    assert!(world.engine.end().is_some(), "a rollout of the same template began");
}

#[test]
fn a_superseding_revision_survives_a_retry() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    ticks(&mut world, 20);
    world.submit("v3", &spec(4, &canary())).unwrap();
    let answer = world.order(OrderKind::Retry);
    ticks(&mut world, 30);
    let candidate = world.engine.status(world.now).candidate;
    assert!(answer.is_err() || candidate == Some(n("v3")), "{answer:?} {candidate:?}");
}
