//! The orders beside submit, pause, promote and abort.

use rollout_core::engine::{
    End, InstanceState, OrderKind, OrderRefused, Phase, Resolution, RollbackState,
};
use serde_json::json;

use super::{
    ROLLING, blue_green, canary, deployed, manner, value,
    world::{Manner, World, spec},
};

fn named(name: &str) -> rollout_core::id::RevisionId {
    name.parse().unwrap()
}

fn log(world: &World) -> String {
    world.log.join("\n")
}

/// A world in which v2 has replaced v1 by a rolling update.
fn moved() -> World {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    assert_eq!(world.run(), "completed");
    world
}

#[test]
fn undo_goes_to_the_last_proven_revision_and_back_again() {
    let mut world = moved();
    for stable in ["v1", "v2"] {
        world.order(OrderKind::Undo { to: None }).unwrap();
        assert_eq!(world.run(), "completed", "{}", log(&world));
        assert_eq!(world.engine.stable().unwrap().as_str(), stable);
        assert_eq!((world.of(stable), world.low, world.high), (4, 4, 5), "{}", log(&world));
    }
    let status = world.engine.status(world.now);
    assert_eq!(status.rollback, Some(RollbackState::Done));
    let history: Vec<&str> = status.history.iter().map(|it| it.revision.as_str()).collect();
    assert_eq!(history, ["v2", "v1"]);
}

#[test]
fn undo_names_what_it_knows() {
    let mut world = moved();
    let refused = world.order(OrderKind::Undo { to: Some(named("v9")) }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`v9` was never proven here, or is not remembered any more; known are: v1"
    );
    world.order(OrderKind::Undo { to: Some(named("v2")) }).unwrap();
    assert_eq!(world.engine.end(), Some(&End::Completed), "the current one is there already");
    let mut fresh = deployed(None, &value(ROLLING));
    let refused = fresh.order(OrderKind::Undo { to: None });
    assert!(matches!(refused, Err(OrderRefused::NotProven { .. })), "{refused:?}");
}

#[test]
fn undo_inside_the_standby_is_one_route_change() {
    let rest = json!({"strategy": {"blue_green": {"standby": "60s"}}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    while world.engine.stable().unwrap().as_str() == "v1" {
        world.tick();
    }
    for _ in 0..5 {
        world.tick();
    }
    assert_eq!((world.of("v1"), world.of("v2")), (4, 4), "{}", log(&world));
    world.order(OrderKind::Undo { to: None }).unwrap();
    assert_eq!(world.route.as_ref().unwrap().to_string(), "100% to v1", "{}", log(&world));
    assert_eq!(world.run(), "completed");
    assert_eq!((world.of("v1"), world.of("v2"), world.low), (4, 0, 4), "{}", log(&world));
    assert_eq!(world.engine.stable().unwrap().as_str(), "v1");
}

#[test]
fn an_undo_that_fails_is_never_taken_back_by_itself() {
    let mut rest = value(ROLLING);
    rest["deadlines"] = json!({"progress": "5s"});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "completed");
    manner(&mut world, "v1", Manner::NeverReady);
    world.order(OrderKind::Undo { to: None }).unwrap();
    assert!(world.run().starts_with("needs an operator"), "{}", log(&world));
    assert_eq!((world.of("v2"), world.low), (4, 4), "{}", log(&world));
    world.order(OrderKind::Resolve(Resolution::Adopt { revision: None })).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
    assert_eq!((world.of("v1"), world.of("v2"), world.low), (0, 4, 4), "{}", log(&world));
    assert_eq!(world.engine.stable().unwrap().as_str(), "v2");
}

#[test]
fn a_submit_during_the_standby_starts_at_once() {
    let rest = json!({"strategy": {"blue_green": {"standby": "10m"}}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    while world.engine.stable().unwrap().as_str() == "v1" {
        world.tick();
    }
    let began = world.now;
    world.submit("v3", &spec(4, &rest)).unwrap();
    while world.engine.stable().unwrap().as_str() != "v3" {
        world.tick();
        assert!(world.now.since(began).as_millis() < 60_000, "{}", log(&world));
    }
    assert_eq!((world.of("v1"), world.low), (0, 4), "{}", log(&world));
}

#[test]
fn retry_tries_what_was_taken_back() {
    let mut rest = canary();
    rest["deadlines"] = json!({"progress": "5s"});
    let mut world = deployed(Some(10_000), &rest);
    assert!(matches!(world.order(OrderKind::Retry), Err(OrderRefused::NothingToRetry { .. })));
    manner(&mut world, "v2", Manner::NeverReady);
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "rolled back");
    manner(&mut world, "v2", Manner::Good);
    world.order(OrderKind::Retry).unwrap();
    for _ in 0..100 {
        world.tick();
    }
    world.order(OrderKind::Promote { all: true, gate: None }).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
    assert_eq!((world.of("v2"), world.low), (4, 4));
}

#[test]
fn restart_replaces_every_instance_by_one_of_the_same_template() {
    for rest in [value(ROLLING), blue_green(), canary()] {
        let mut world = deployed(Some(10_000), &rest);
        let before: Vec<_> = world.instances.keys().cloned().collect();
        world.order(OrderKind::Restart).unwrap();
        assert_eq!(world.run(), "completed", "{}", log(&world));
        assert!(before.iter().all(|old| !world.instances.contains_key(old)));
        assert_eq!((world.of("v1.r1"), world.instances.len(), world.low), (4, 4, 4));
        // The same revision, submitted again, is there already.
        let attempt = world.engine.attempt();
        world.submit("v1", &spec(4, &rest)).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(world.engine.attempt(), attempt, "{}", log(&world));
    }
}

#[test]
fn resize_in_mid_rollout_neither_restarts_nor_skips_it() {
    for (replicas, rest) in [(6, value(ROLLING)), (2, value(ROLLING)), (7, canary()), (3, canary())]
    {
        let mut world = deployed(Some(10_000), &rest);
        world.submit("v2", &spec(4, &rest)).unwrap();
        for _ in 0..6 {
            world.tick();
        }
        let attempt = world.engine.attempt();
        world.order(OrderKind::Resize { replicas }).unwrap();
        assert_eq!(world.engine.attempt(), attempt);
        world.order(OrderKind::Resize { replicas }).unwrap();
        world.order(OrderKind::Promote { all: true, gate: None }).unwrap();
        assert_eq!(world.run(), "completed", "{}", log(&world));
        let wanted = usize::try_from(replicas).unwrap();
        assert_eq!((world.of("v1"), world.of("v2")), (0, wanted), "{}", log(&world));
        assert!(wanted.min(4) <= world.low, "{} of {wanted}\n{}", world.low, log(&world));
    }
}

#[test]
fn resize_at_rest_changes_only_the_number() {
    let mut world = deployed(Some(10_000), &canary());
    for replicas in [7, 2] {
        world.order(OrderKind::Resize { replicas }).unwrap();
        assert_eq!(world.run(), "completed", "{}", log(&world));
        let wanted = usize::try_from(replicas).unwrap();
        assert_eq!((world.of("v1"), world.serving()), (wanted, wanted), "{}", log(&world));
    }
}

#[test]
fn resize_on_the_way_back_goes_back_to_the_new_size() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    manner(&mut world, "v2", Manner::NeverReady);
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    for _ in 0..10 {
        world.tick();
    }
    world.order(OrderKind::Abort).unwrap();
    world.order(OrderKind::Resize { replicas: 6 }).unwrap();
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    assert_eq!((world.of("v1"), world.of("v2"), world.low), (6, 0, 4), "{}", log(&world));
}

#[test]
fn skip_jumps_to_a_named_stage_and_records_why() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    let refused = world.order(OrderKind::Skip { to: "90%".to_owned() }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no stage `90%` ahead that can be skipped to; possible are: 50%, promote, retire"
    );
    world.order(OrderKind::Skip { to: "promote".to_owned() }).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
    assert!(log(&world).contains("skipped from stage 25% to promote by order of test: a test"));
    assert_eq!((world.of("v2"), world.low), (4, 4));
}

#[test]
fn halt_lets_nothing_out_until_resumed() {
    let mut world = deployed(Some(10_000), &value(ROLLING));
    world.submit("v2", &spec(4, &value(ROLLING))).unwrap();
    for _ in 0..5 {
        world.tick();
    }
    world.order(OrderKind::Halt).unwrap();
    world.order(OrderKind::Halt).unwrap();
    let before = (world.journal.len(), world.instances.len());
    for _ in 0..900 {
        world.tick();
    }
    assert_eq!((world.journal.len(), world.instances.len()), before, "{}", log(&world));
    let refused = world.order(OrderKind::Abort);
    assert!(matches!(refused, Err(OrderRefused::Halted { .. })), "{refused:?}");
    assert!(world.engine.status(world.now).halted);
    world.order(OrderKind::Resume).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
    assert_eq!((world.of("v2"), world.low), (4, 4));
}

#[test]
fn resolve_goes_on_with_the_way_that_stopped() {
    let rest = json!({"strategy": {"rolling": {"surge": 0, "unavailable": 1}},
        "deadlines": {"progress": "5s"}, "rollback": {"timeout": "20s"}});
    let mut world = deployed(Some(10_000), &rest);
    assert!(matches!(
        world.order(OrderKind::Resolve(Resolution::GoOn)),
        Err(OrderRefused::NothingToResolve { .. })
    ));
    manner(&mut world, "v2", Manner::NeverReady);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..20 {
        world.tick();
    }
    world.start_ms = 30_000;
    assert!(world.run().starts_with("needs an operator"), "{}", log(&world));
    world.start_ms = 300;
    world.order(OrderKind::Resolve(Resolution::GoOn)).unwrap();
    assert_eq!(world.engine.status(world.now).phase, Phase::Reverting);
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    assert_eq!((world.of("v1"), world.of("v2")), (4, 0), "{}", log(&world));
}

#[test]
fn resize_keeps_the_gates_where_they_are_and_skips_none() {
    let steps = json!([{"weight": 50, "gates": [{"hold": "1s"}, {"approval": {}}]}]);
    let rest = json!({"strategy": {"canary": {"steps": steps}}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..40 {
        world.tick();
    }
    for replicas in [9, 5] {
        world.order(OrderKind::Resize { replicas }).unwrap();
        for _ in 0..40 {
            world.tick();
        }
        assert_eq!(world.engine.status(world.now).phase, Phase::Gating, "{}", log(&world));
        assert_eq!(world.of("v2"), usize::try_from(replicas.div_ceil(2)).unwrap());
    }
    let refused = world.order(OrderKind::Resize { replicas: 0 }).unwrap_err();
    assert!(matches!(refused, OrderRefused::NothingOnTrial { .. }), "{refused:?}");
    world.order(OrderKind::Promote { all: false, gate: None }).unwrap();
    assert_eq!(world.run(), "completed", "{}", log(&world));
    let holds = world.log.iter().filter(|line| line.contains("passed gate 0 of stage 0"));
    assert_eq!(holds.count(), 1, "a hold that is over is not held again\n{}", log(&world));
    assert_eq!((world.of("v1"), world.of("v2")), (0, 5));
}

#[test]
fn a_paused_rollout_follows_the_load() {
    for rest in [value(ROLLING), canary()] {
        let mut world = deployed(Some(10_000), &rest);
        world.submit("v2", &spec(4, &rest)).unwrap();
        world.order(OrderKind::Pause).unwrap();
        world.order(OrderKind::Resize { replicas: 8 }).unwrap();
        for _ in 0..20 {
            world.tick();
        }
        assert!(8 <= world.serving(), "{} serve\n{}", world.serving(), log(&world));
    }
}

/// Where another size turns the rollout back, for one failure is too many now, the stable instances that it
/// would have let go stay.
#[test]
fn a_resize_that_turns_back_lets_nothing_of_stable_go() {
    let rest = json!({
        "strategy": {"rolling": {"surge": 0, "unavailable": 1}},
        "health": {"readiness": {"tcp": {"port": 80}}, "max_failure_ratio": "50%"},
    });
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    while world.of("v2") < 3 {
        world.tick();
    }
    let victim = world.instances.iter().find(|(_, (seen, _))| seen.revision.as_str() == "v2");
    let victim = victim.map(|(name, _)| name.clone()).unwrap();
    world.instances.get_mut(&victim).unwrap().0.state =
        InstanceState::Exited { code: 1, detail: String::new() };
    world.tick();
    assert_ne!(world.engine.status(world.now).phase, Phase::Reverting, "{}", log(&world));
    world.order(OrderKind::Resize { replicas: 1 }).unwrap();
    assert_eq!(world.engine.status(world.now).phase, Phase::Reverting, "{}", log(&world));
    assert_eq!(world.run(), "rolled back", "{}", log(&world));
    let of_stable = |line: &&String| line.contains("create web-v1");
    assert_eq!(world.log.iter().filter(of_stable).count(), 4, "{}", log(&world));
}
