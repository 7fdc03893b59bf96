//! The time that is left, beside the time that it really took.

use rollout_core::{engine::OrderKind, time::Timestamp};
use serde_json::{Value, json};

use super::{
    deployed,
    world::{World, spec},
};

/// One look: when, what was said to be left, and how many instances of v2 served.
type Look = (Timestamp, Option<u64>, usize);

fn look(world: &World) -> Look {
    let left = world.engine.status(world.now).eta.map(|eta| eta.left.as_millis());
    (world.now, left, world.of("v2"))
}

fn looks(router: Option<u64>, replicas: u64, rest: &Value) -> (Vec<Look>, World) {
    let mut world = deployed(router, &json!({}));
    world.submit("v1", &spec(replicas, rest)).unwrap();
    assert_eq!(world.run(), "completed");
    world.submit("v2", &spec(replicas, rest)).unwrap();
    let mut looks = vec![look(&world)];
    while world.engine.end().is_none() {
        world.tick();
        looks.push(look(&world));
    }
    (looks, world)
}

/// From the look on at which as many as `batch` were available and the next ones were made, what is said is
/// right to one poll.
#[track_caller]
fn is_right(router: Option<u64>, replicas: u64, batch: usize, rest: &Value) {
    is_right_to(100, router, replicas, batch, rest);
}

#[track_caller]
fn is_right_to(off: u64, router: Option<u64>, replicas: u64, batch: usize, rest: &Value) {
    let (looks, world) = looks(router, replicas, rest);
    let end = looks.last().unwrap().0;
    let settled = looks.iter().position(|(_, left, made)| left.is_some() && batch < *made);
    let settled = settled.expect("there is a second batch");
    assert_eq!(looks[0].1, None, "nothing was seen yet");
    for (at, left, _) in &looks[settled..looks.len() - 1] {
        let really = end.since(*at).as_millis();
        let said = left.expect("an instance was seen");
        assert!(
            said.abs_diff(really) <= off,
            "at {} ms {said} ms were said to be left, {really} ms were\n{rest}\n{}",
            at.since(looks[0].0).as_millis(),
            world.log[world.log.len() / 2..].join("\n")
        );
    }
}

#[test]
fn it_converges_at_the_second_batch() {
    for (surge, unavailable, batch) in
        [(1, 0, 1), (2, 0, 2), (0, 1, 1), (0, 2, 2), (1, 1, 2), (3, 2, 5)]
    {
        let rest = json!({"strategy": {"rolling": {"surge": surge, "unavailable": unavailable}}});
        is_right(None, 8, batch, &rest);
    }
    for order in ["start_first", "stop_first"] {
        let rest = json!({"strategy": {"rolling":
            {"parallelism": 2, "batch_delay": "2s", "order": order}}});
        is_right(None, 7, 2, &rest);
    }
    let lanes = json!({"strategy": {"rolling": {"surge": 3, "parallelism": 1}}});
    // The second starts before the first drain is seen.
    is_right(None, 6, 2, &lanes);
}

#[test]
fn it_counts_gates_and_says_what_it_leaves_out() {
    let rest = json!({"strategy": {"canary": {"steps": [
        {"weight": 25, "gates": [{"hold": "3s"}]},
        {"weight": 50, "gates": [{"health": "2s"}]},
    ]}}});
    // No drain is seen before the last stage: its 200 ms are not said.
    is_right_to(300, Some(10_000), 4, 1, &rest);
    let rest = json!({"strategy": {"canary": {"steps": [
        {"weight": 25, "gates": [{"hold": "3s"}, {"approval": {}}]}]}}});
    let mut world = deployed(Some(10_000), &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    for _ in 0..40 {
        world.tick();
    }
    let eta = world.engine.status(world.now).eta.unwrap();
    assert_eq!((eta.approvals, eta.hooks, eta.windows), (1, 0, 0));
    assert!(eta.to_string().ends_with(", and 1 approval"), "{eta}");
    world.order(OrderKind::Promote { all: false, gate: None }).unwrap();
    let (began, said) = (world.now, world.engine.status(world.now).eta.unwrap().left);
    assert_eq!(world.run(), "completed");
    // The first drain of the attempt is still to come.
    assert!(world.now.since(began).as_millis().abs_diff(said.as_millis()) <= 400, "{said}");
    assert_eq!(world.engine.status(world.now).eta, None);
}

#[test]
fn the_way_back_has_one_as_well() {
    let rest =
        json!({"strategy": {"rolling": {"surge": 1}}, "rollback": {"health_check_interval": "2s"}});
    let mut world = deployed(None, &rest);
    world.submit("v2", &spec(4, &rest)).unwrap();
    while world.of("v1") != 2 {
        world.tick();
    }
    world.order(OrderKind::Abort).unwrap();
    let mut looks = Vec::new();
    while world.engine.end().is_none() {
        world.tick();
        looks.push(look(&world));
    }
    let end = world.now;
    for (at, left, _) in &looks[3..looks.len() - 1] {
        let really = end.since(*at).as_millis();
        assert!(left.unwrap().abs_diff(really) <= 200, "{left:?} for {really}\n{looks:?}");
    }
}
