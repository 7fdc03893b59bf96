//! Rules of time: what counts as progress, when a deadline ends, how long the last instance is watched.

use rollout_core::engine::{Change, Phase};
use serde::Deserialize;
use serde_json::{Value, json};

use super::standing::{Given, Pool, Standing};
use crate::world::{World, setup, spec};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stuck {
    /// Longest time without progress, as written; left out: the default.
    deadline: Option<String>,
    elapsed_s: u64,
    #[serde(default)]
    paused: bool,
    /// Candidate instances available from the start on, of 3.
    #[serde(default)]
    available: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    replicas: u64,
    strategy: Value,
    created: u64,
    available: u64,
    then_available: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watched {
    delay: String,
    monitor: String,
}

/// A rollout of 3 instances that is stuck with some of them available.
fn stuck(given: &Stuck) -> Standing {
    let available = Some(given.available);
    let candidate = Pool { target: 3, available, ..Pool::default() };
    let deadlines = match &given.deadline {
        Some(progress) => json!({"deadlines": {"progress": progress}}),
        None => json!({}),
    };
    let mut standing = Standing::new(&Given {
        replicas: 3,
        strategy: json!({"rolling": {"surge": 1, "unavailable": 0}}),
        spec: deadlines,
        candidate,
        // Nothing of the old one is left: a drain would have a deadline of its own on top.
        old: vec![Pool::default()],
        paused: given.paused,
        ..Given::default()
    });
    standing.observe_at(given.elapsed_s * 1000);
    standing
}

/// Whether the rollout has turned back.
pub(super) fn deadline(given: &Stuck) -> Value {
    let phase = stuck(given).phase();
    json!({"turned_back": phase == Phase::Reverting})
}

/// How long after now the engine asks to be called for the deadline.
pub(super) fn wake(given: &Stuck) -> Value {
    let standing = stuck(given);
    let wakes_in = standing.wake_at.map(|at| at.since(standing.now).as_millis());
    json!({"wakes_in_s": wakes_in.map(|millis| millis / 1000)})
}

/// Whether what is seen next moves the deadline.
pub(super) fn progress(given: &Seen) -> Value {
    let mut standing = Standing::new(&Given {
        replicas: given.replicas,
        strategy: given.strategy.clone(),
        candidate: Pool {
            target: given.created,
            available: Some(given.available),
            ..Pool::default()
        },
        old: vec![Pool { target: given.replicas - given.created, ..Pool::default() }],
        ..Given::default()
    });
    standing.changes.clear();
    standing.make_available(given.then_available);
    standing.observe_at(1000);
    let progressed = |change: &Change| matches!(change, Change::Progressed { .. });
    json!({"progress": standing.changes.iter().any(progressed)})
}

/// How long the rollout goes on after its last instance became available.
pub(super) fn tail(given: &Watched) -> Value {
    let rest = json!({
        "strategy": {"rolling": {"order": "start_first", "batch_delay": given.delay}},
        "health": {
            "readiness": {"tcp": {"port": 80}, "period": "100ms"}, "monitor": given.monitor,
        },
    });
    let mut world = World::new(setup(None));
    world.submit("v1", &spec(2, &rest)).unwrap();
    assert_eq!(world.run(), "completed");
    world.submit("v2", &spec(2, &rest)).unwrap();
    let mut whole_at = None;
    while world.engine.end().is_none() {
        world.tick();
        let status = world.engine.status(world.now);
        let available = |pool: &rollout_core::engine::PoolStatus| {
            pool.revision.as_str() == "v2" && pool.available == 2
        };
        if status.pools.iter().any(available) {
            whole_at.get_or_insert(world.now);
        }
    }
    let took = world.now.since(whole_at.expect("the last instance became available"));
    // Before the watch begins the last old instance drains and goes, in steps of 100 ms.
    json!({"tail_s": took.as_millis() / 1000})
}
