//! Edges that a person or an autoscaler finds: orders in odd moments, pauses that overlap, ports that are down.
use rollout_core::engine::{Engine, OrderKind, Phase, Resolution};
use serde_json::json;

use super::{
    ROLLING, canary, deployed, manner, value,
    world::{Manner, World, setup, spec},
};

fn log(world: &World) -> String {
    world.log.join("\n")
}
fn ticks(world: &mut World, n: usize) {
    for _ in 0..n {
        world.tick();
    }
}
fn n(name: &str) -> rollout_core::id::RevisionId {
    name.parse().unwrap()
}
fn route(world: &World) -> String {
    world.route.as_ref().unwrap().to_string()
}
fn is_at_half(world: &World) -> bool {
    let status = world.engine.status(world.now);
    status.phase == Phase::Gating && status.stage.is_some_and(|stage| stage.0.contains("50"))
}

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
fn timers_set_in_a_pause_are_not_shifted_by_all_of_it() {
    let mut rest = canary();
    rest["strategy"]["canary"]["steps"][0]["gates"] =
        json!([{"approval": {}}, {"hold": "1s"}, {"approval": {}}]);
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &rest)).unwrap();
    ticks(&mut world, 10);
    world.order(OrderKind::Pause).unwrap();
    ticks(&mut world, 600);
    world.order(OrderKind::Promote { all: false }).unwrap();
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
    world.order(OrderKind::Promote { all: true }).unwrap();
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

#[test]
fn promote_all_skips_no_job_of_hooks() {
    let mut rest = value(ROLLING);
    rest["hooks"] = json!({"before": [{"name": "expand", "run": {"takes_ms": 5000}}],
        "after": [{"name": "contract", "run": {"takes_ms": 100}}]});
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &rest)).unwrap();
    world.order(OrderKind::Promote { all: true }).unwrap();
    ticks(&mut world, 10);
    assert_eq!(world.of("v2"), 0, "the schema is not expanded yet");
    world.run();
    assert_eq!(world.runs.len(), 2, "contract has run");
}

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
fn a_replayed_engine_says_what_it_waits_for() {
    let world = World::new(setup(None));
    let engine = Engine::replay(setup(None), &world.journal).unwrap();
    assert!(!engine.waits(world.now).is_empty());
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
