//! Sizes: what a resize, a restart and an adoption keep of the number of instances.

use rollout_core::engine::{OrderKind, Resolution};
use serde_json::json;

use super::{log, n, ticks};
use crate::{
    ROLLING, canary, deployed, manner, value,
    world::{Manner, World, setup, spec},
};

#[test]
fn restart_keeps_the_size() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    ticks(&mut world, 8);
    world.order(OrderKind::Resize { replicas: 8 }).unwrap();
    ticks(&mut world, 8);
    world.order(OrderKind::Abort).unwrap();
    assert_eq!((world.run().as_str(), world.of("v1")), ("rolled back", 8));
    world.order(OrderKind::Restart).unwrap();
    assert_eq!((world.run().as_str(), world.of("v1.r1")), ("completed", 8));
}

#[test]
fn adopt_keeps_the_size() {
    let mut rest = value(ROLLING);
    rest["deadlines"] = json!({"progress": "3s"});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 8);
    world.order(OrderKind::Resize { replicas: 12 }).unwrap();
    ticks(&mut world, 8);
    manner(&mut world, "v1", Manner::NeverReady);
    world.order(OrderKind::Abort).unwrap();
    assert!(world.run().starts_with("needs an operator"));
    manner(&mut world, "v1", Manner::Good);
    world.order(OrderKind::Resolve(Resolution::Adopt { revision: Some(n("v1")) })).unwrap();
    assert_eq!((world.run().as_str(), world.of("v1")), ("completed", 12));
}

#[test]
fn resizes_keep_the_progress_deadline() {
    let mut rest = value(ROLLING);
    rest["deadlines"] = json!({"progress": "5s"});
    let mut world = deployed(Some(10_000), &rest);
    manner(&mut world, "v2", Manner::NeverReady);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for round in 0..20 {
        ticks(&mut world, 30);
        drop(world.order(OrderKind::Resize { replicas: 5 - round % 2 }));
    }
    assert!(log(&world).contains("aborted: no progress before the deadline"), "{}", log(&world));
}

#[test]
fn a_watch_says_nothing_of_another_size_of_stable() {
    let mut rest = value(ROLLING);
    rest["watch"] = json!([{"name": "errors", "query": "rate", "interval": "1s",
        "pass": {"below": "0.01"}, "count": 100}]);
    let mut world = World::new(setup(Some(10_000)));
    world.readings = vec!["0".to_owned()];
    world.submit("v1", &spec(4, &rest)).unwrap();
    world.run();
    world.readings = vec!["1".to_owned()];
    world.order(OrderKind::Resize { replicas: 6 }).unwrap();
    assert_eq!(world.run(), "completed");
}

#[test]
fn a_queued_revision_follows_a_resize() {
    let mut rest = value(ROLLING);
    rest["on_submit"] = json!("queue");
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 5);
    world.submit("v3", &spec(4, &rest)).unwrap();
    world.order(OrderKind::Resize { replicas: 8 }).unwrap();
    while world.engine.stable().unwrap().as_str() != "v3" || world.engine.end().is_none() {
        world.tick();
    }
    assert_eq!(world.of("v3"), 8);
}

#[test]
fn a_resize_is_taken_where_an_operator_is_needed() {
    let mut rest = value(ROLLING);
    rest["deadlines"] = json!({"progress": "5s"});
    let mut world = deployed(Some(10_000), &rest);
    world.start_ms = 20_000;
    world.order(OrderKind::Resize { replicas: 6 }).unwrap(); // no room in the cluster
    assert!(world.run().starts_with("needs an operator"));
    world.order(OrderKind::Resize { replicas: 4 }).unwrap();
}

#[test]
fn a_resize_is_not_refused_for_a_count_of_the_spec() {
    let rest = json!({"strategy": {"blue_green": {"preview_replicas": 3, "standby": "1s"}}});
    let mut world = deployed(Some(10_000), &rest);
    world.order(OrderKind::Resize { replicas: 2 }).unwrap();
}

#[test]
fn an_abort_goes_back_to_nothing() {
    let mut rest = canary();
    rest["deadlines"] = json!({"progress": "5s"});
    let mut world = deployed(Some(10_000), &rest);
    world.order(OrderKind::Resize { replicas: 0 }).unwrap();
    world.run();
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 60);
    world.order(OrderKind::Abort).unwrap();
    assert_eq!((world.run().as_str(), world.of("v1")), ("rolled back", 0));
}
