//! One story per order.

use rollout_core::engine::{OrderKind, Resolution};
use serde_json::{Value, json};

use super::{super::world::Manner, Story};

fn rolling() -> Value {
    json!({"strategy": {"rolling": {"surge": 1, "unavailable": 0}}})
}

fn canary() -> Value {
    json!({"strategy": {"canary": {"steps": [{"weight": 50, "gates": [{"approval": {}}]}]}}})
}

fn is_at_the_gate(world: &super::World) -> bool {
    world.engine.status(world.now).phase == rollout_core::engine::Phase::Gating
}

#[test]
fn submit_supersedes() {
    let rest = rolling();
    let shows = [
        "submit, superseding: v3 comes while v2 is on its way.",
        "What there is of v2 is taken back first, then v3 starts from the first stage against v1.",
    ];
    let mut story = Story::new("submit_supersede", shows, None, 1, &rest);
    story.submit("v2", 1, &rest);
    story.ticks(3);
    story.submit("v3", 1, &rest);
    story.until(|world| world.engine.stable().is_some_and(|stable| stable.as_str() == "v3"));
    story.ends("completed");
    story.told();
}

#[test]
fn submit_queues() {
    let mut rest = rolling();
    rest["on_submit"] = json!("queue");
    let shows = [
        "submit, queueing: v3 comes while v2 is on its way, and waits.",
        "v2 is completed and proven; v3 starts in the same moment, against v2.",
    ];
    let mut story = Story::new("submit_queue", shows, None, 1, &rest);
    story.submit("v2", 1, &rest);
    story.ticks(3);
    story.submit("v3", 1, &rest);
    story.until(|world| world.engine.stable().is_some_and(|stable| stable.as_str() == "v3"));
    story.ends("completed");
    story.told();
}

#[test]
fn submit_is_refused() {
    let mut rest = rolling();
    rest["on_submit"] = json!("refuse");
    let shows = [
        "submit, refusing: v3 comes while v2 is on its way.",
        "The refusal says what is under way and the ways out; v2 goes on untouched.",
    ];
    let mut story = Story::new("submit_refuse", shows, None, 1, &rest);
    story.submit("v2", 1, &rest);
    story.ticks(3);
    let refused = story.world.submit("v3", &super::spec(1, &rest));
    assert!(refused.is_err());
    story.ends("completed");
    story.told();
}

#[test]
fn pause_and_resume() {
    let rest = rolling();
    let shows = [
        "pause and resume: forward steps stop in the middle of a rolling update.",
        "What is started comes up, nothing is drained; paused time counts for no deadline.",
    ];
    let mut story = Story::new("pause_resume", shows, None, 2, &rest);
    story.submit("v2", 2, &rest);
    story.ticks(2);
    story.order(OrderKind::Pause);
    story.ticks(600);
    story.order(OrderKind::Resume);
    story.ends("completed");
    story.told();
}

#[test]
fn promote_passes_one_gate() {
    let rest = canary();
    let shows = [
        "promote: too early it is refused and says what is waited for; at the gate it passes it.",
        "The record says who passed the gate.",
    ];
    let mut story = Story::new("promote", shows, Some(10_000), 1, &rest);
    story.submit("v2", 1, &rest);
    story.order(OrderKind::Promote { all: false, gate: None });
    story.until(is_at_the_gate);
    story.order(OrderKind::Promote { all: false, gate: None });
    story.ends("completed");
    story.told();
}

#[test]
fn promote_all_passes_every_gate() {
    let rest = json!({"strategy": {"canary": {"steps": [
        {"weight": 20, "gates": [{"hold": "1h"}]}, {"weight": 60, "gates": [{"approval": {}}]}]}}});
    let shows = [
        "promote all: every gate that is left is passed; steps without a gate to wait for are walked at once.",
        "No traffic comes earlier than the instances behind it.",
    ];
    let mut story = Story::new("promote_all", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.until(is_at_the_gate);
    story.order(OrderKind::Promote { all: true, gate: None });
    story.ends("completed");
    story.told();
}

#[test]
fn abort_takes_the_weight_off_first() {
    let rest = canary();
    let shows = [
        "abort: half of the traffic is on v2.",
        "All weight leaves v2 in the same decision; v2 is drained once that route is in force.",
    ];
    let mut story = Story::new("abort", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.until(is_at_the_gate);
    story.order(OrderKind::Abort);
    story.ends("rolled back");
    story.told();
}

#[test]
fn abort_of_a_rolling_update() {
    let rest = rolling();
    let shows = [
        "abort of a rolling update: one of two instances is replaced already.",
        "v1 grows again before the v2 that serves is drained; at no time do fewer than 2 serve.",
    ];
    let mut story = Story::new("abort_rolling", shows, None, 2, &rest);
    story.submit("v2", 2, &rest);
    story.until(|world| world.of("v1") == 1);
    story.order(OrderKind::Abort);
    story.ends("rolled back");
    assert_eq!(story.world.low, 2);
    story.told();
}

#[test]
fn undo_goes_back_to_a_proven_revision() {
    let rest = rolling();
    let shows = [
        "undo: v2 is proven and stable; back to the last proven revision before it.",
        "A rollout of its own, without gates; when it has ended v1 is stable again.",
    ];
    let mut story = Story::new("undo", shows, None, 1, &rest);
    story.submit("v2", 1, &rest);
    story.ends("completed");
    story.world.told.clear();
    story.order(OrderKind::Undo { to: None });
    story.ends("completed");
    assert_eq!(story.world.engine.stable().unwrap().as_str(), "v1");
    story.told();
}

#[test]
fn undo_inside_the_standby() {
    let rest = json!({"strategy": {"blue_green": {"standby": "60s"}}});
    let shows = [
        "undo inside the standby of blue-green: v1 still runs.",
        "One route change brings all traffic back; nothing has to start.",
    ];
    let mut story = Story::new("undo_standby", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.until(|world| world.engine.stable().is_some_and(|stable| stable.as_str() == "v2"));
    story.ticks(5);
    story.world.told.clear();
    story.order(OrderKind::Undo { to: None });
    story.ends("completed");
    story.told();
}

#[test]
fn retry_tries_again() {
    let mut rest = rolling();
    rest["deadlines"] = json!({"progress": "5s"});
    let shows = [
        "retry: v2 never became ready and was taken back; now it does.",
        "The same revision with the same spec, as an attempt of its own with evidence of its own.",
    ];
    let mut story = Story::new("retry", shows, None, 1, &rest);
    story.world.manners.insert("v2".parse().unwrap(), Manner::NeverReady);
    story.submit("v2", 1, &rest);
    story.ends("rolled back");
    story.world.manners.insert("v2".parse().unwrap(), Manner::Good);
    story.order(OrderKind::Retry);
    story.ends("completed");
    story.told();
}

#[test]
fn resize_in_mid_rollout() {
    let rest = rolling();
    let shows = [
        "resize: from 2 to 3 instances in the middle of a rolling update.",
        "The same attempt at the same stage; the difference is shared over the two revisions.",
    ];
    let mut story = Story::new("resize", shows, None, 2, &rest);
    story.submit("v2", 2, &rest);
    story.until(|world| world.of("v1") == 1);
    story.order(OrderKind::Resize { replicas: 3 });
    story.ends("completed");
    story.told();
}

#[test]
fn restart_replaces_every_instance() {
    let rest = rolling();
    let shows = [
        "restart: new instances of the same revision, by the strategy of its spec.",
        "They are a revision of their own made from the same template: v1.r1.",
    ];
    let mut story = Story::new("restart", shows, None, 1, &rest);
    story.order(OrderKind::Restart);
    story.ends("completed");
    story.told();
}

#[test]
fn skip_to_a_stage() {
    let rest = json!({"strategy": {"canary": {"steps": [
        {"weight": 20, "gates": [{"hold": "1h"}]}, {"weight": 60, "gates": [{"hold": "1h"}]}]}}});
    let shows = [
        "skip: past the steps to `promote`, with who and why recorded.",
        "Evidence is skipped, capacity is not: all traffic comes once all of v2 serves.",
    ];
    let mut story = Story::new("skip", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.until(is_at_the_gate);
    story.order(OrderKind::Skip { to: "90%".to_owned() });
    story.order(OrderKind::Skip { to: "promote".to_owned() });
    story.ends("completed");
    story.told();
}

#[test]
fn halt_and_resume() {
    let rest = rolling();
    let shows = [
        "halt: nothing goes out any more, not even a step back; resume goes on.",
        "abort is refused meanwhile and says what to do first.",
    ];
    let mut story = Story::new("halt", shows, None, 1, &rest);
    story.submit("v2", 1, &rest);
    story.ticks(2);
    story.order(OrderKind::Halt);
    story.ticks(20);
    story.order(OrderKind::Abort);
    story.order(OrderKind::Resume);
    story.ends("completed");
    story.told();
}

/// A rolling update, stop first, after which nothing that starts gets ready in time.
fn stuck(name: &'static str, shows: [&'static str; 2]) -> Story {
    let rest = json!({"strategy": {"rolling": {"surge": 0, "unavailable": 1}},
        "deadlines": {"progress": "5s"}, "rollback": {"timeout": "10s"}});
    let mut story = Story::new(name, shows, None, 2, &rest);
    // From now on nothing that starts gets ready; what runs has been for longer than that.
    story.ticks(310);
    story.world.start_ms = 30_000;
    story.zero = story.world.now;
    story.submit("v2", 2, &rest);
    story.ends("needs an operator");
    story.world.start_ms = 300;
    story
}

#[test]
fn resolve_adopts_what_serves() {
    let shows = [
        "resolve by adopting: neither way went through, one v1 serves.",
        "What serves becomes the stable revision and is brought to its full size.",
    ];
    let mut story = stuck("resolve_adopt", shows);
    story.order(OrderKind::Resolve(Resolution::Adopt { revision: None }));
    story.ends("completed");
    story.told();
}

#[test]
fn resolve_goes_on() {
    let shows = [
        "resolve by going on: the way back stopped at its deadline and is taken up again.",
        "The same way with its deadlines anew; it ends as every way back does.",
    ];
    let mut story = stuck("resolve_go_on", shows);
    story.order(OrderKind::Resolve(Resolution::GoOn));
    story.ends("rolled back");
    story.told();
}
