//! Rules of failures: how many are too many, and which of them count.

use rollout_core::time::Span;
use serde::Deserialize;
use serde_json::{Value, json};

use super::scene::{
    deployed, failures_that_counted, kill, kill_one, running, ticks, until_running,
};
use crate::world::{World, spec};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ratio {
    of: u64,
    ratio: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    /// Time from available to the failure; none: it was never ready.
    ready_for_s: Option<u64>,
    monitor_s: u64,
    #[serde(default = "one")]
    exit: i64,
    /// Whether an instance of stable fails.
    #[serde(default)]
    of_stable: bool,
    /// Whether the one that fails was made in place of one that failed before, which was allowed for.
    #[serde(default)]
    replacement: bool,
}

fn one() -> i64 {
    1
}

/// How many failures of candidate instances turn a rollout back.
pub(super) fn failures(given: &Ratio) -> Value {
    let rest = json!({
        "strategy": {"rolling": {"surge": "100%", "unavailable": 0}},
        "health": {
            "readiness": {"tcp": {"port": 80}, "period": "100ms"},
            // So long that none becomes available meanwhile, and the rollout cannot end.
            "min_ready": "30s", "max_failure_ratio": given.ratio,
        },
    });
    let mut world = deployed(given.of, None, &rest);
    world.submit("v2", &spec(given.of, &rest)).unwrap();
    let mut killed = 0;
    while failures_that_counted(&world).is_none() {
        assert!(killed <= given.of, "no number of failures is too many\n{}", world.log.join("\n"));
        kill_one(&mut world, "v2");
        killed += 1;
        ticks(&mut world, 2);
    }
    assert_eq!(failures_that_counted(&world), Some(killed));
    json!({"needed": killed})
}

/// Whether a failure counts against the rollout.
pub(super) fn counts(given: &Failure) -> Value {
    let rest = json!({
        "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
        "health": {
            "readiness": {"tcp": {"port": 80}, "period": "100ms"},
            "monitor": format!("{}s", given.monitor_s),
            "max_failure_ratio": if given.replacement { "50%" } else { "0%" },
        },
    });
    let replicas = if given.replacement { 2 } else { 1 };
    let mut world = deployed(replicas, None, &rest);
    world.submit("v2", &spec(replicas, &rest)).unwrap();
    if given.of_stable {
        until_running(&mut world, "v2", 1);
        kill_one(&mut world, "v1");
        ticks(&mut world, 5);
        return json!({"counts": failures_that_counted(&world).is_some()});
    }
    if given.replacement {
        kill_one(&mut world, "v2");
        ticks(&mut world, 2);
        assert_eq!(failures_that_counted(&world), None);
    }
    until_running(&mut world, "v2", 1);
    if let Some(seconds) = given.ready_for_s {
        let available = |world: &World| {
            let pools = world.engine.status(world.now).pools;
            pools.iter().any(|pool| pool.revision.as_str() == "v2" && 0 < pool.available)
        };
        while !available(&world) {
            world.tick();
        }
        let from = world.now;
        while world.now.since(from).as_millis() + 100 < seconds * 1000 {
            world.tick();
        }
        world.now = from.after(Span::from_secs(seconds));
    }
    let first = running(&world, "v2")[0].clone();
    kill(&mut world, &first, given.exit);
    world.observe();
    ticks(&mut world, 2);
    json!({"counts": failures_that_counted(&world).is_some()})
}
