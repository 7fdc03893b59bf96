//! Corners where a rollout could lose what serves: each a short story against the small honest world.

use rollout_core::{
    engine::{Change, Engine, Event, InstanceState, Order, OrderKind, OrderRefused},
    guard::{Rule, Veto},
    id::ActionId,
};
use serde_json::json;

use crate::{
    canary, deployed,
    world::{World, setup, spec},
};

#[test]
fn a_candidate_that_was_given_up_never_gets_traffic() {
    let rest = json!({
        "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
        "health": {"readiness": {"tcp": {"port": 80}, "period": "100ms"}, "min_ready": "10s"},
    });
    let mut world = deployed(None, &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..30 {
        world.tick();
    }
    assert_eq!(world.of("v2"), 1, "ready, and not yet available");
    world.order(OrderKind::Abort).unwrap();
    assert_eq!(world.run(), "rolled back");
    let enrolled = world.log.iter().filter(|line| line.contains("enrol web-v2"));
    assert_eq!(enrolled.count(), 0, "{}", world.log.join("\n"));
}

#[test]
fn a_load_balancer_that_restarts_while_paused_is_told_everything_again() {
    let mut world = deployed(Some(10_000), &canary());
    world.submit("v2", &spec(4, &canary())).unwrap();
    for _ in 0..60 {
        world.tick();
    }
    world.order(OrderKind::Pause).unwrap();
    let route = world.route.take();
    world.enrolled.clear();
    for _ in 0..30 {
        world.tick();
    }
    assert_eq!(world.route, route, "{}", world.log.join("\n"));
    assert_eq!(world.serving(), world.instances.len());
}

#[test]
fn what_runs_without_a_journal_is_adopted_and_judged_by_no_probe_of_the_new_spec() {
    let rest = json!({"strategy": {"rolling": {"surge": 1, "unavailable": 0}}});
    let mut world = deployed(Some(10_000), &rest);
    world.engine = Engine::new(setup(Some(10_000)));
    world.journal.clear();
    world.crash(setup(Some(10_000)));
    assert_eq!(world.engine.stable().unwrap().as_str(), "v1");
    world.probed_badly = Some("v1".parse().unwrap());
    world.submit("v2", &spec(4, &rest)).unwrap();
    assert_eq!(world.run(), "completed");
    assert_eq!((world.of("v1"), world.of("v2"), world.low), (0, 4, 4), "{}", world.log.join("\n"));
}

#[test]
fn a_known_revision_is_refused_under_another_template() {
    let rest = json!({});
    let mut world = deployed(None, &rest);
    let revision = rollout_core::engine::Revision {
        id: "v1".parse().unwrap(),
        template: "something else".into(),
    };
    let kind = OrderKind::Submit { revision: revision.into(), spec: spec(4, &rest) };
    assert!(matches!(world.order(kind), Err(OrderRefused::OtherTemplate { .. })));
}

#[test]
fn an_abort_goes_back_to_as_many_as_there_were() {
    let rest = json!({"strategy": {"rolling": {"surge": 1, "unavailable": 0}}});
    let mut world = deployed(None, &rest);
    world.submit("v2", &spec(2, &rest)).unwrap();
    world.tick();
    world.order(OrderKind::Abort).unwrap();
    assert_eq!(world.run(), "rolled back");
    assert_eq!((world.of("v1"), world.of("v2")), (4, 0), "{}", world.log.join("\n"));
}

#[test]
fn a_stuck_first_deploy_is_overtaken_by_the_revision_that_mends_it() {
    let mut world = World::new(setup(Some(10_000)));
    world.manners.insert("v1".parse().unwrap(), crate::world::Manner::NeverReady);
    world.submit("v1", &spec(4, &canary())).unwrap();
    for _ in 0..20 {
        world.tick();
    }
    world.submit("v2", &spec(4, &canary())).unwrap();
    for _ in 0..200 {
        world.tick();
    }
    let end = world.engine.end().map(ToString::to_string);
    assert_eq!(end.as_deref(), Some("completed"), "{}", world.log.join("\n"));
    assert_eq!((world.of("v1"), world.of("v2"), world.serving()), (0, 4, 4));
}

#[test]
fn a_pause_of_the_engine_can_be_resumed() {
    let rest = json!({
        "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
        "rollback": {"on_failure": "pause"},
    });
    let mut world = deployed(None, &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    world.tick();
    for (seen, _) in world.instances.values_mut() {
        if seen.revision.as_str() == "v2" {
            seen.state = InstanceState::Exited { code: 1, detail: String::new() };
        }
    }
    for _ in 0..20 {
        world.tick();
    }
    assert!(world.engine.status(world.now).paused, "{}", world.log.join("\n"));
    world.order(OrderKind::Resume).unwrap();
    assert_eq!(world.run(), "completed");
}

#[test]
fn the_same_veto_again_is_kept_and_told_once_and_again_after_a_resume() {
    let rest = json!({"strategy": {"rolling": {"surge": 1, "unavailable": 0}}});
    let mut world = deployed(None, &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    world.tick();
    let detail = "scale v2 to 9".to_owned();
    let veto = Veto { rule: Rule::Ceiling, action: ActionId(99), value: 9, limit: 5, detail };
    let vetoed = |world: &mut World, veto: &Veto| {
        let step = world.engine.step(world.now, Event::Vetoed(veto.clone()));
        world.engine.commit(&step.records);
        let is_veto = |change: &Change| matches!(change, Change::Vetoed(_));
        step.records.iter().filter(|record| is_veto(&record.change)).count()
    };
    assert_eq!([vetoed(&mut world, &veto), vetoed(&mut world, &veto)], [1, 0]);
    let other = Veto { value: 8, ..veto };
    assert_eq!([vetoed(&mut world, &other), vetoed(&mut world, &other)], [1, 0]);
    let order = Order { kind: OrderKind::Resume, by: "test".to_owned(), why: None };
    let step = world.engine.step(world.now, Event::Ordered(order));
    assert_eq!(step.answer, Some(Ok(())), "the guard had paused it");
    world.engine.commit(&step.records);
    assert_eq!(vetoed(&mut world, &other), 1, "it is paused again");
}
