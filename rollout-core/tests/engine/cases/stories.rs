//! Rules of what happens over time: routes, states, and stories that are told once.

use std::collections::BTreeSet;

use rollout_core::{engine::OrderKind, id::RevisionId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::scene::{
    deployed, failed, failures_that_counted, kill, kill_one, lose, phase, running, target, ticks,
    until_running,
};
use crate::world::{Manner, World, setup, spec};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Steps {
    replicas: u64,
    weights: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    events: Vec<String>,
    on_failure: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    story: String,
    replicas: u64,
    #[serde(default)]
    lost: usize,
    #[serde(default)]
    on_failure: Option<String>,
}

/// The candidate's shares, one after the other, and the end.
pub(super) fn weights(given: &Steps) -> Value {
    let gates = json!([{"hold": "1s"}]);
    let step = |weight: &String| json!({"weight": weight, "gates": gates});
    let steps: Vec<Value> = given.weights.iter().map(step).collect();
    let rest = json!({"strategy": {"canary": {"steps": steps}}});
    let mut world = deployed(given.replicas, Some(10_000), &rest);
    world.submit("v2", &spec(given.replicas, &rest)).unwrap();
    let candidate = RevisionId::new("v2").unwrap();
    let mut shares: Vec<String> = Vec::new();
    while world.engine.end().is_none() {
        world.tick();
        let share = world.route.as_ref().and_then(|route| route.weight_of(&candidate));
        let share = share.unwrap_or_default();
        if !share.is_zero() && shares.last() != Some(&share.to_string()) {
            shares.push(share.to_string());
        }
    }
    json!({"shares": shares, "end": phase(&world)})
}

/// What the engine is doing after the events.
pub(super) fn state(given: &Events) -> Value {
    let rest = json!({
        "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
        "rollback": {"on_failure": given.on_failure},
    });
    let is_first = given.events.iter().any(|event| event == "first");
    let mut world = if is_first { World::new(setup(None)) } else { deployed(3, None, &rest) };
    let mut newest = "v1";
    for event in &given.events {
        match event.as_str() {
            "first" => world.submit("v1", &spec(3, &rest)).unwrap(),
            "submit" => {
                newest = "v2";
                world.submit("v2", &spec(3, &rest)).unwrap();
            }
            "other" => {
                until_running(&mut world, "v2", 1);
                world.submit("v3", &spec(3, &rest)).unwrap();
            }
            "abort" => {
                if newest == "v1" {
                    world.submit("v2", &spec(3, &rest)).unwrap();
                }
                until_running(&mut world, "v2", 1);
                world.order(OrderKind::Abort).unwrap();
                if newest == "v1" {
                    world.run();
                }
            }
            "fail" => {
                kill_one(&mut world, newest);
                world.observe();
            }
            "time" => {
                world.run();
            }
            unknown => panic!("no event is called {unknown}"),
        }
    }
    json!({"state": phase(&world)})
}

/// A canary that waits for an approval, with so many candidate instances available.
fn waiting(replicas: u64, weight: &str, count: usize) -> World {
    let gates = json!([{"approval": {}}]);
    let rest = json!({"strategy": {"canary": {"steps": [{"weight": weight, "gates": gates}]}}});
    let mut world = deployed(replicas, Some(10_000), &rest);
    world.submit("v2", &spec(replicas, &rest)).unwrap();
    until_running(&mut world, "v2", count);
    ticks(&mut world, 20);
    assert_eq!(phase(&world), "gating", "{}", world.log.join("\n"));
    world
}

/// A short story, told once.
pub(super) fn story(given: &Told) -> Value {
    let replicas = given.replicas;
    match given.story.as_str() {
        "lost" => lost(replicas, given.lost),
        "same_again" => same_again(replicas),
        "lost_canary" => lost_canary(replicas),
        "superseded" => superseded(replicas),
        "stable_fails_while_canary_waits" => stable_fails(replicas),
        "one_fails" | "first_fails" => {
            one_fails(replicas, given.on_failure.as_deref().expect("what a failure does"))
        }
        "two_of_four_fail" => two_fail(replicas),
        "failure_seen_twice" => seen_twice(replicas),
        "approval_outlives_deadline" => {
            let mut world = waiting(replicas, "25%", 1);
            ticks(&mut world, 700);
            json!({"phase": phase(&world)})
        }
        "promoted" => {
            let mut world = waiting(replicas, "25%", 1);
            world.order(OrderKind::Promote { all: false, gate: None }).unwrap();
            json!({"end": world.run(), "candidate": world.of("v2")})
        }
        "promoted_too_early" => too_early(replicas),
        unknown => panic!("no story is called {unknown}"),
    }
}

fn lost(replicas: u64, count: usize) -> Value {
    let mut world = deployed(replicas, None, &json!({}));
    for instance in running(&world, "v1").into_iter().take(count) {
        lose(&mut world, &instance);
    }
    ticks(&mut world, 30);
    json!({"end": phase(&world), "candidate": running(&world, "v1").len(), "failed": failed(&world)})
}

fn same_again(replicas: u64) -> Value {
    let mut world = deployed(replicas, None, &json!({}));
    let before = running(&world, "v1");
    world.submit("v1", &spec(replicas, &json!({}))).unwrap();
    ticks(&mut world, 10);
    assert_eq!(before, running(&world, "v1"), "{}", world.log.join("\n"));
    json!({"end": phase(&world), "candidate": before.len(), "failed": failed(&world)})
}

fn lost_canary(replicas: u64) -> Value {
    let mut world = waiting(replicas, "20%", 2);
    let first = running(&world, "v2")[0].clone();
    lose(&mut world, &first);
    ticks(&mut world, 30);
    assert_eq!(running(&world, "v2").len(), 2, "{}", world.log.join("\n"));
    let failed = failed(&world);
    world.order(OrderKind::Promote { all: true, gate: None }).unwrap();
    json!({"end": world.run(), "candidate": world.of("v2"), "failed": failed})
}

fn superseded(replicas: u64) -> Value {
    let gates = json!([{"hold": "1s"}]);
    let rest = json!({"strategy": {"canary": {"steps": [{"weight": "20%", "gates": gates}]}}});
    let mut world = deployed(replicas, Some(10_000), &rest);
    world.submit("v2", &spec(replicas, &rest)).unwrap();
    until_running(&mut world, "v2", 2);
    world.submit("v3", &spec(replicas, &rest)).unwrap();
    assert_eq!(phase(&world), "reverting");
    for _ in 0..500 {
        world.tick();
        assert!(
            running(&world, "v2").is_empty() || running(&world, "v3").is_empty(),
            "three revisions\n{}",
            world.log.join("\n")
        );
        if target(&world, "v3") == replicas && world.engine.end().is_some() {
            break;
        }
    }
    json!({"end": phase(&world), "candidate": world.of("v3"), "failed": failed(&world)})
}

fn stable_fails(replicas: u64) -> Value {
    let mut world = waiting(replicas, "40%", 2);
    for instance in running(&world, "v1").into_iter().take(2) {
        kill(&mut world, &instance, 1);
    }
    ticks(&mut world, 40);
    json!({"stable": running(&world, "v1").len(), "candidate": running(&world, "v2").len()})
}

fn one_fails(replicas: u64, on_failure: &str) -> Value {
    let rest = json!({
        "strategy": {"rolling": {"order": "stop_first", "parallelism": 1}},
        "rollback": {"on_failure": on_failure},
    });
    let mut world = deployed(replicas, None, &rest);
    world.submit("v2", &spec(replicas, &rest)).unwrap();
    kill_one(&mut world, "v2");
    ticks(&mut world, 20);
    if world.engine.status(world.now).paused {
        let (stable, candidate) = (target(&world, "v1"), target(&world, "v2"));
        return json!({"paused": true, "stable": stable, "candidate": candidate});
    }
    json!({"end": world.run(), "candidate": world.of("v2"), "stable": world.of("v1")})
}

fn two_fail(replicas: u64) -> Value {
    let rest = json!({
        "strategy": {"rolling": {"order": "stop_first", "parallelism": 1}},
        "health": {
            "readiness": {"tcp": {"port": 80}, "period": "100ms"}, "max_failure_ratio": "40%",
        },
    });
    let mut world = deployed(replicas, None, &rest);
    world.submit("v2", &spec(replicas, &rest)).unwrap();
    let mut made = BTreeSet::new();
    while world.engine.end().is_none() {
        world.tick();
        for instance in running(&world, "v2") {
            // The first and the third fail, the second runs.
            if made.insert(instance.clone()) && made.len() != 2 {
                kill(&mut world, &instance, 1);
            }
        }
    }
    json!({"end": phase(&world), "made": made.len(), "failed": failures_that_counted(&world)})
}

fn seen_twice(replicas: u64) -> Value {
    let rest = json!({
        "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
        "health": {
            "readiness": {"tcp": {"port": 80}, "period": "100ms"}, "max_failure_ratio": "50%",
        },
    });
    let mut world = deployed(replicas, None, &rest);
    world.submit("v2", &spec(replicas, &rest)).unwrap();
    kill_one(&mut world, "v2");
    let shown = world.instances.clone();
    for _ in 0..3 {
        world.instances.clone_from(&shown);
        world.observe();
    }
    json!({"failed": failed(&world)})
}

fn too_early(replicas: u64) -> Value {
    let rest = json!({"strategy": {"canary": {"steps": [{"weight": "50%"}]}}});
    let mut world = deployed(replicas, Some(10_000), &rest);
    world.manners.insert(RevisionId::new("v2").unwrap(), Manner::NeverReady);
    world.submit("v2", &spec(replicas, &rest)).unwrap();
    ticks(&mut world, 10);
    let answer = world.order(OrderKind::Promote { all: false, gate: None });
    json!({"refused": answer.is_err(), "phase": phase(&world)})
}
