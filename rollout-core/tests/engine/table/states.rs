//! Every state that an order may meet, reached by driving the engine.

use rollout_core::{
    engine::{
        Event, Order, OrderKind, Outcome, Phase, RefusalKind, Resolution, Retry, Revision,
        RollbackState,
    },
    id::RevisionId,
    time::Span,
};
use serde_json::{Value, json};

use super::super::{
    tell::order,
    world::{Manner, World, setup, spec},
};

/// A state and the world in it.
pub(super) struct State {
    pub(super) name: &'static str,
    pub(super) world: World,
}

fn rolling() -> Value {
    json!({"strategy": {"rolling": {"surge": 1, "unavailable": 0}}})
}

fn canary(gates: &Value) -> Value {
    json!({"strategy": {"canary": {"steps": [{"weight": 50, "gates": gates}]}}})
}

fn with(mut rest: Value, key: &str, value: Value) -> Value {
    rest[key] = value;
    rest
}

/// A world that serves two instances of v1, which took the place of v0.
fn served(rest: &Value) -> World {
    let mut world = World::new(setup(Some(10_000)));
    for revision in ["v0", "v1"] {
        world.submit(revision, &spec(2, rest)).unwrap();
        assert_eq!(world.run(), "completed");
    }
    world
}

/// The same with v2 submitted.
fn begun(rest: &Value) -> World {
    let mut world = served(&rolling());
    world.submit("v2", &spec(2, rest)).unwrap();
    world
}

fn until(mut world: World, is_so: impl Fn(&World) -> bool) -> World {
    for _ in 0..2000 {
        if is_so(&world) {
            return world;
        }
        world.tick();
    }
    panic!("it never was so\n{}", world.log.join("\n"));
}

fn gating(gates: &Value) -> World {
    let mut world = until(begun(&canary(gates)), is_at_its_gate);
    world.tick();
    world
}

fn ordered(mut world: World, kind: OrderKind) -> World {
    world.order(kind).unwrap();
    world
}

fn ended(mut world: World, end: &str) -> World {
    assert!(world.run().starts_with(end), "{}", world.log.join("\n"));
    world
}

fn bad(mut world: World, revision: &str) -> World {
    world.manners.insert(revision.parse().unwrap(), Manner::NeverReady);
    world
}

fn ticked(mut world: World, count: usize) -> World {
    for _ in 0..count {
        world.tick();
    }
    world
}

/// v1 and v2 by blue-green, v1 on standby.
fn standby() -> World {
    let rest = json!({"strategy": {"blue_green": {"standby": "1h"}}});
    let is_proven = |world: &World| world.engine.stable().unwrap().as_str() == "v2";
    ticked(until(begun(&rest), is_proven), 3)
}

/// A failed candidate at once goes; with a policy that pauses, it stays.
fn short() -> Value {
    with(rolling(), "deadlines", json!({"progress": "5s"}))
}

fn fenced() -> World {
    let mut world = served(&rolling());
    let revision = Revision { id: RevisionId::new("v2").unwrap(), template: "v2".into() };
    let kind = OrderKind::Submit { revision: revision.into(), spec: spec(2, &rolling()) };
    let submit = Order { kind, by: "test".to_owned(), why: None };
    let step = world.engine.step(world.now, Event::Ordered(submit));
    world.engine.commit(&step.records);
    let outcome = Outcome::refused(RefusalKind::Fenced, "epoch 2 reigns", Retry::Never);
    let id = step.actions.first().expect("a submit begins something").id;
    drop(world.feed(Event::Attempted { id, outcome }));
    world
}

fn needs_operator() -> World {
    let rest = json!({"strategy": {"rolling": {"surge": 0, "unavailable": 1}},
        "deadlines": {"progress": "5s"}, "rollback": {"timeout": "10s"}});
    let mut world = ticked(served(&rolling()), 310);
    world.start_ms = 30_000;
    world = bad(world, "v2");
    world.submit("v2", &spec(2, &rest)).unwrap();
    world = ended(world, "needs an operator");
    world.start_ms = 300;
    world
}

fn is_at_its_gate(world: &World) -> bool {
    world.engine.status(world.now).phase == Phase::Gating
}

fn is_mixed(world: &World) -> bool {
    world.engine.status(world.now).pools.iter().filter(|pool| 0 < pool.available).count() == 2
}

fn moving() -> World {
    until(begun(&rolling()), is_mixed)
}

fn reverting() -> World {
    ordered(moving(), OrderKind::Abort)
}

fn first() -> World {
    let mut world = World::new(setup(Some(10_000)));
    world.submit("v1", &spec(2, &short())).unwrap();
    world
}

/// A calendar that is closed in the small world's first hours.
fn later() -> Value {
    json!({"open": [{"days": ["thu"], "from": "10:00", "to": "11:00"}]})
}

/// Every state, in the order of a life.
pub(super) fn all() -> Vec<State> {
    let mut states = States(Vec::new());
    forward(&mut states);
    stopped(&mut states);
    back_and_again(&mut states);
    at_rest(&mut states);
    states.0
}

struct States(Vec<State>);

impl States {
    fn add(&mut self, name: &'static str, world: World) {
        self.0.push(State { name, world });
    }
}

fn forward(states: &mut States) {
    let hook = json!({"name": "smoke", "run": {"takes_ms": 3_600_000}, "deadline": "2h"});
    let metric = json!({"name": "errors", "query": "rate", "interval": "1h", "count": 3,
        "fail": {"above": 0.05}});
    states.add("idle", World::new(setup(Some(10_000))));
    states.add("first deploy, moving", first());
    states.add("moving", moving());
    states.add("gating: hold", gating(&json!([{"hold": "1h"}])));
    states.add("gating: approval", gating(&json!([{"approval": {}}])));
    let two = json!([{"approval": {}}, {"approval": {}}]);
    states.add("gating: first of two approvals", gating(&two));
    states.add("gating: health", gating(&json!([{"health": "1h"}])));
    states.add("gating: hook", gating(&json!([{ "hook": hook }])));
    states.add("gating: window", gating(&json!([{ "window": later() }])));
    states.add("gating: metric", gating(&json!([{ "metric": metric }])));
    let mut queued = moving();
    queued.submit("v3", &spec(2, &with(rolling(), "on_submit", json!("queue")))).unwrap();
    states.add("moving, with v3 queued", queued);
    states.add("on standby", standby());
    let mut blind = moving();
    blind.now = blind.now.after(Span::from_secs(60));
    drop(blind.feed(Event::Woke));
    states.add("not observed for too long", blind);
}

fn stopped(states: &mut States) {
    states.add("paused by a person, moving", ordered(moving(), OrderKind::Pause));
    let approval = json!([{"approval": {}}]);
    states.add("paused by a person, gating", ordered(gating(&approval), OrderKind::Pause));
    let pausing = with(short(), "rollback", json!({"on_failure": "pause"}));
    let mut failed = bad(served(&rolling()), "v2");
    failed.submit("v2", &spec(2, &pausing)).unwrap();
    let failed = until(failed, |world| world.engine.status(world.now).paused);
    states.add("paused by the engine", failed);
    let closed = ticked(begun(&with(rolling(), "calendar", later())), 2);
    states.add("paused by the calendar", closed);
    states.add("halted while moving", ordered(moving(), OrderKind::Halt));
    states.add("halted on the way back", ordered(reverting(), OrderKind::Halt));
    states.add("halted at rest", ordered(served(&rolling()), OrderKind::Halt));
}

fn back_and_again(states: &mut States) {
    states.add("first deploy, taken away", ordered(ticked(first(), 2), OrderKind::Abort));
    states.add("on the way back", reverting());
    let mut superseded = moving();
    superseded.submit("v3", &spec(2, &rolling())).unwrap();
    states.add("on the way back, with v3 queued", superseded);
    let verified = with(rolling(), "rollback", json!({"health_check_interval": "1h"}));
    let aborted = ordered(until(begun(&verified), is_mixed), OrderKind::Abort);
    let is_verifying =
        |world: &World| world.engine.status(world.now).rollback == Some(RollbackState::Verifying);
    states.add("verifying", until(aborted, is_verifying));
    let undo = OrderKind::Undo { to: None };
    states.add("undo under way", ordered(served(&rolling()), undo));
    states.add("restart under way", ordered(served(&rolling()), OrderKind::Restart));
    let resize = OrderKind::Resize { replicas: 4 };
    states.add("resize under way", ordered(served(&rolling()), resize));
}

fn at_rest(states: &mut States) {
    states.add("completed", ended(begun(&rolling()), "completed"));
    states.add("rolled back", ended(reverting(), "rolled back"));
    let inspected =
        with(canary(&json!([{"approval": {}}])), "rollback", json!({"keep_failed": "1h"}));
    let kept = ordered(until(begun(&inspected), is_at_its_gate), OrderKind::Abort);
    states.add("rolled back, candidate kept", ended(kept, "rolled back"));
    states.add("failed first deploy", ended(bad(first(), "v1"), "failed"));
    states.add("needs an operator", needs_operator());
    states.add("fenced", fenced());
}

/// Every order, by the word of the command line.
pub(super) fn orders(world: &World) -> Vec<(String, OrderKind)> {
    let submit = |policy: &str| {
        let revision = Revision { id: RevisionId::new("v9").unwrap(), template: "v9".into() };
        let rest = with(rolling(), "on_submit", json!(policy));
        OrderKind::Submit { revision: revision.into(), spec: spec(2, &rest) }
    };
    let mut orders: Vec<(String, OrderKind)> = ["supersede", "queue", "refuse"]
        .map(|policy| (format!("submit, {policy}"), submit(policy)))
        .into();
    // To the last stage that may be skipped to, or to one that there is not.
    let proves = world.engine.plan().and_then(|plan| plan.stages.iter().find(|it| it.proves));
    let to = proves.map_or("promote".to_owned(), |stage| stage.name.clone());
    let others = [
        OrderKind::Pause,
        OrderKind::Resume,
        OrderKind::Promote { all: false, gate: None },
        OrderKind::Promote { all: true, gate: None },
        OrderKind::Abort,
        OrderKind::Undo { to: None },
        OrderKind::Retry,
        OrderKind::Restart,
        OrderKind::Halt,
        OrderKind::Resolve(Resolution::Adopt { revision: None }),
        OrderKind::Resolve(Resolution::GoOn),
    ];
    orders.extend(others.into_iter().map(|kind| (order(&kind), kind)));
    orders.push(("skip".to_owned(), OrderKind::Skip { to }));
    orders.push(("resize".to_owned(), OrderKind::Resize { replicas: 3 }));
    orders
}
