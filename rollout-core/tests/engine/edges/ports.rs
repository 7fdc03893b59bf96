//! Ports that are down, empty or forget, and names that exist already.

use rollout_core::engine::{Engine, Phase};
use serde_json::json;

use super::{log, ticks};
use crate::{
    ROLLING, canary, deployed, value,
    world::{World, setup, spec},
};

#[test]
fn found_names_are_not_made_again() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    let moved: Vec<_> = world.instances.keys().cloned().collect();
    for (i, old) in moved.into_iter().enumerate() {
        let (seen, at) = world.instances.remove(&old).unwrap();
        let state = world.enrolled.remove(&old).unwrap();
        let new: rollout_core::id::InstanceId = format!("web-v1-{}", 5 + i).parse().unwrap();
        world.instances.insert(new.clone(), (seen, at));
        world.enrolled.insert(new, state);
    }
    world.journal.clear(); // lost
    world.crash(setup(Some(10_000)));
    ticks(&mut world, 10);
    world.submit("v1", &spec(6, &value(ROLLING))).unwrap();
    world.run();
    assert!(4 <= world.low, "{}\n{}", world.low, log(&world));
}

#[test]
fn a_watch_without_data_fails() {
    let mut rest = canary();
    rest["watch"] = json!([{"name": "errors", "query": "rate", "interval": "1s",
        "pass": {"below": "0.01"}, "count": 100}]);
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 300); // 30 empty readings, 4 are tolerated
    assert_eq!(world.engine.status(world.now).phase, Phase::Ended);
}

#[test]
fn modules_that_were_lost_are_set_again() {
    let step = json!({"weight": 25, "gates": [{"hold": "2s"}], "modules": {"degrade": ["ads"]}});
    let rest = json!({"strategy": {"canary": {"steps": [step]}}, "deadlines": {"progress": "20s"},
        "modules": [{"name": "ads"}]});
    let mut world = deployed(Some(10_000), &canary());
    world.start_ms = 3000;
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 5);
    world.modules = rollout_core::engine::ModuleSetting::default(); // the module service restarted
    assert_eq!(world.run(), "completed");
}

#[test]
fn a_replayed_engine_says_what_it_waits_for() {
    let world = World::new(setup(None));
    let engine = Engine::replay(setup(None), &world.journal).unwrap();
    assert!(!engine.waits(world.now).is_empty());
}
