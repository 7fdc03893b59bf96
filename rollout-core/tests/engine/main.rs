//! The engine against a small honest world: each strategy, each end, each order.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod bed;
mod bounds;
mod by_count;
mod cases;
mod corners;
mod defaults;
mod drained_by_name;
mod edges;
mod eta;
mod in_place;
mod orders;
mod policies;
mod table;
mod tell;
mod transcripts;
mod world;

use rollout_core::{
    engine::{OrderKind, OrderRefused, Phase},
    id::{Attempt, GateId},
};
use serde_json::json;

use self::world::{Manner, World, setup, spec};

const ROLLING: &str = r#"{"strategy": {"rolling": {"surge": 1, "unavailable": 0}}}"#;

fn value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// A world that serves 4 instances of v1.
fn deployed(router: Option<u64>, rest: &serde_json::Value) -> World {
    let mut world = World::new(setup(router));
    world.submit("v1", &spec(4, rest)).unwrap();
    assert_eq!(world.run(), "completed");
    assert_eq!((world.serving(), world.of("v1")), (4, 4));
    (world.low, world.high) = (usize::MAX, 0);
    world
}

fn manner(world: &mut World, revision: &str, manner: Manner) {
    world.manners.insert(revision.parse().unwrap(), manner);
}

fn canary() -> serde_json::Value {
    json!({"strategy": {"canary": {"steps": [
        {"weight": 25, "gates": [{"hold": "1s"}]},
        {"weight": 50, "gates": [{"approval": {}}]},
    ]}}})
}

fn blue_green() -> serde_json::Value {
    json!({"strategy": {"blue_green": {"bake": "1s", "standby": "2s"}}})
}

#[test]
fn rolling_replaces_every_instance_within_its_bounds() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    assert_eq!(world.run(), "completed");
    assert_eq!((world.of("v1"), world.of("v2"), world.serving()), (0, 4, 4));
    assert_eq!((world.low, world.high), (4, 5), "{}", world.log.join("\n"));
    assert_eq!(world.engine.stable().unwrap().as_str(), "v2");
}

#[test]
fn stop_first_never_has_more_than_desired() {
    let rest = json!({"strategy": {"rolling": {"parallelism": 1, "order": "stop_first"}}});
    let mut world = deployed(None, &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "completed");
    assert_eq!((world.of("v2"), world.low, world.high), (4, 3, 4), "{}", world.log.join("\n"));
}

#[test]
fn batches_are_parted_by_their_delay() {
    let rest = json!({"strategy": {"rolling": {"parallelism": 2, "batch_delay": "5s", "order": "start_first"}}});
    let mut world = deployed(None, &rest);
    let began = world.now;
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "completed");
    let took = world.now.since(began).as_millis();
    assert!((5_000..8_000).contains(&took), "{took}\n{}", world.log.join("\n"));
}

#[test]
fn recreate_stops_all_before_it_starts_one() {
    let rest = json!({"strategy": {"recreate": {}}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "completed");
    assert_eq!((world.of("v2"), world.low, world.high), (4, 0, 4), "{}", world.log.join("\n"));
}

#[test]
fn blue_green_switches_once_and_keeps_stable_on_standby() {
    let mut world = deployed(Some(10_000), &blue_green());
    world.submit("v2", &spec(4, &blue_green())).unwrap();
    assert_eq!(world.run(), "completed");
    assert_eq!((world.of("v1"), world.of("v2"), world.low), (0, 4, 4), "{}", world.log.join("\n"));
    let routes: Vec<&String> =
        world.log.iter().filter(|line| line.contains("route 100% to v2")).collect();
    assert_eq!(routes.len(), 1, "{}", world.log.join("\n"));
}

#[test]
fn canary_waits_for_its_gates_and_promotes() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    for _ in 0..100 {
        world.tick();
    }
    let status = world.engine.status(world.now);
    assert_eq!(status.phase, Phase::Gating, "{status:#?}");
    assert_eq!(world.route.as_ref().unwrap().to_string(), "50% to v1, 50% to v2");
    world.order(OrderKind::Promote { all: false, gate: None }).unwrap();
    assert_eq!(world.run(), "completed");
    assert_eq!((world.of("v1"), world.of("v2"), world.low), (0, 4, 4));
}

#[test]
fn a_promotion_given_twice_passes_one_gate() {
    let rest = json!({"strategy": {"canary": {"steps": [
        {"weight": 50, "gates": [{"approval": {}}, {"approval": {}}]},
    ]}}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..100 {
        world.tick();
    }
    let first = world.engine.status(world.now).gate.unwrap();
    assert_eq!(first.to_string(), "2.1.1");
    let promote = |gate| OrderKind::Promote { all: false, gate: Some(gate) };
    let second = GateId { gate: 2, ..first };
    let refused = world.order(promote(second)).unwrap_err();
    assert!(refused.to_string().contains("2.1.1 of stage 50% is"), "{refused}");
    for _ in 0..3 {
        world.order(promote(first)).unwrap();
        world.tick();
    }
    assert_eq!(world.engine.status(world.now).gate, Some(second));
    let of_another = GateId { attempt: Attempt(1), ..first };
    assert!(world.order(promote(of_another)).is_err());
    world.order(promote(second)).unwrap();
    world.order(promote(second)).unwrap();
    assert_eq!(world.run(), "completed");
}

#[test]
fn an_abort_takes_all_weight_off_in_the_same_decision() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    for _ in 0..100 {
        world.tick();
    }
    world.order(OrderKind::Abort).unwrap();
    assert_eq!(world.route.as_ref().unwrap().to_string(), "100% to v1");
    assert_eq!(world.run(), "rolled back");
    assert_eq!((world.of("v1"), world.of("v2"), world.low), (4, 0, 4), "{}", world.log.join("\n"));
    let again = world.order(OrderKind::Abort);
    assert!(matches!(again, Err(OrderRefused::NothingUnderWay { .. })));
    assert_eq!(world.of("v1"), 4);
}

#[test]
fn a_version_that_never_gets_ready_is_taken_back() {
    for rest in [value(ROLLING), canary(), blue_green()] {
        let mut rest = rest;
        rest["deadlines"] = json!({"progress": "5s"});
        let mut world = deployed(Some(10_000), &rest);
        manner(&mut world, "v2", Manner::NeverReady);
        world.submit("v2", &spec(4, &rest)).unwrap();
        assert_eq!(world.run(), "rolled back");
        assert_eq!(
            (world.of("v1"), world.of("v2"), world.low),
            (4, 0, 4),
            "{}",
            world.log.join("\n")
        );
    }
}

#[test]
fn a_version_that_fails_after_it_was_ready_is_taken_back() {
    for bad in [Manner::FailsAfter(500), Manner::ExitsAfter(900)] {
        let mut world = deployed(Some(10_000), &value(ROLLING));
        manner(&mut world, "v2", bad);
        world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
        assert_eq!(world.run(), "rolled back");
        assert_eq!((world.of("v1"), world.of("v2")), (4, 0), "{}", world.log.join("\n"));
        assert!(2 <= world.low, "{}", world.log.join("\n"));
    }
}

#[test]
fn a_failed_first_deploy_leaves_nothing() {
    let rest = json!({"deadlines": {"progress": "5s"}});
    let mut world = World::new(setup(Some(10_000)));
    manner(&mut world, "v1", Manner::NeverReady);
    world.submit("v1", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "failed, nothing serves");
    assert_eq!(world.of("v1"), 0);
}

#[test]
fn a_pause_stops_forward_steps_and_counts_for_no_deadline() {
    let mut world = deployed(None, &value(ROLLING));
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    for _ in 0..8 {
        world.tick();
    }
    world.order(OrderKind::Pause).unwrap();
    world.order(OrderKind::Pause).unwrap();
    let before = (world.of("v1"), world.of("v2"));
    for _ in 0..900 {
        world.tick();
    }
    assert!(world.of("v2") <= before.1 && world.of("v1") <= before.0);
    assert_eq!(world.engine.status(world.now).phase, Phase::Moving);
    world.order(OrderKind::Resume).unwrap();
    assert_eq!(world.run(), "completed");
}

#[test]
fn a_newer_revision_supersedes_the_one_under_way() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    for _ in 0..12 {
        world.tick();
    }
    world.submit("v3", &spec(4, &value(ROLLING))).unwrap();
    for _ in 0..400 {
        world.tick();
    }
    assert_eq!(world.engine.end().unwrap().to_string(), "completed", "{}", world.log.join("\n"));
    assert_eq!((world.of("v1"), world.of("v2"), world.of("v3")), (0, 0, 4));
    assert_eq!(world.low, 4);
}

#[test]
fn a_crash_changes_nothing() {
    // A bake of 1 s asks for 10 ticks of unbroken watching; what no engine watched does not count.
    for (rest, ticks) in [(value(ROLLING), 1), (blue_green(), 13)] {
        let mut world = deployed(Some(10_000), &rest);
        world.submit("v2", &spec(4, &rest)).unwrap();
        for _ in 0..400 {
            for _ in 0..ticks {
                world.tick();
            }
            world.crash(setup(Some(10_000)));
            if world.engine.end().is_some() {
                break;
            }
        }
        let end = world.engine.end().map(ToString::to_string);
        assert_eq!(end.as_deref(), Some("completed"), "{}", world.log.join("\n"));
        assert_eq!((world.of("v1"), world.of("v2"), world.low), (0, 4, 4));
    }
}

#[test]
fn what_was_reached_is_left_alone() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    let records = world.journal.len();
    for _ in 0..50 {
        world.tick();
    }
    assert_eq!(world.journal.len(), records, "{}", world.log.join("\n"));
    world.submit("v1", &spec(4, &value(ROLLING))).unwrap();
    assert_eq!(world.journal.len(), records);
}

#[test]
fn another_size_of_the_same_revision_is_reached_in_one_stage() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    for replicas in [6, 2] {
        world.submit("v1", &spec(replicas, &value(ROLLING))).unwrap();
        assert_eq!(world.run(), "completed");
        assert_eq!(world.of("v1") as u64, replicas, "{}", world.log.join("\n"));
    }
}

#[test]
fn a_journal_replays_to_the_same_engine() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    for _ in 0..40 {
        world.tick();
        let text = serde_json::to_string(&world.journal).unwrap();
        let records: Vec<rollout_core::engine::Record> = serde_json::from_str(&text).unwrap();
        assert_eq!(records, world.journal);
        let replayed = rollout_core::engine::Engine::replay(setup(Some(10_000)), &records).unwrap();
        assert_eq!(replayed.seq(), world.engine.seq());
        let (mine, theirs) = (world.engine.status(world.now), replayed.status(world.now));
        assert_eq!(
            (mine.phase, mine.stage, mine.route),
            (theirs.phase, theirs.stage, theirs.route)
        );
    }
}

#[test]
fn the_way_back_starts_at_once_and_keeps_its_own_batches() {
    let rest = json!({
        "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
        "rollback": {"pace": {"parallelism": 1, "batch_delay": "5s", "order": "start_first"}},
    });
    let mut world = deployed(None, &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    while world.of("v1") != 2 {
        world.tick();
    }
    let began = world.now;
    world.order(OrderKind::Abort).unwrap();
    world.tick();
    assert!(world.log.last().is_some_and(|line| !line.contains("batch ended")));
    assert_eq!(world.run(), "rolled back");
    let took = world.now.since(began).as_millis();
    assert!((5_000..9_000).contains(&took), "{took}\n{}", world.log.join("\n"));
}
