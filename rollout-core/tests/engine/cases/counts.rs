//! Rules of one decision from given pools: their sizes, the route, the end.

use rollout_core::engine::Change;
use serde::Deserialize;
use serde_json::{Value, json};

use super::standing::{Given, Pool, Standing};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pace {
    replicas: u64,
    strategy: Value,
}

/// The sizes after one decision, and the candidate's share.
pub(super) fn steer(given: &Given) -> Value {
    let standing = Standing::new(given);
    let old = standing.old();
    json!({
        "candidate": standing.candidate(),
        "old_total": old.iter().sum::<u64>(),
        "old": old,
        "share": standing.share().to_string(),
    })
}

/// Whether the rollout has ended, all of it.
pub(super) fn complete(given: &Given) -> Value {
    let standing = Standing::new(given);
    let end = standing.engine.end().map(ToString::to_string);
    json!({"complete": end.as_deref() == Some("completed")})
}

/// Whether the stage under way is reached.
pub(super) fn reached(given: &Given) -> Value {
    let standing = Standing::new(given);
    let is = |change: &Change| matches!(change, Change::Reached { stage } if *stage == given.stage);
    json!({"reached": standing.changes.iter().any(is)})
}

/// The candidate's share that is decided.
pub(super) fn routes(given: &Given) -> Value {
    json!({"share": Standing::new(given).share().to_string()})
}

/// The moves of a whole rollout, one line for each decision, when all that is asked for is there at once.
pub(super) fn walk(given: &Pace) -> Value {
    let full = Pool { target: given.replicas, ..Pool::default() };
    let mut standing = Given {
        replicas: given.replicas,
        strategy: given.strategy.clone(),
        candidate: Pool::default(),
        old: vec![full],
        ..Given::default()
    };
    let mut moves = Vec::new();
    // Each decision moves at least one instance in or out.
    for _ in 0..=2 * given.replicas {
        let after = Standing::new(&standing);
        let (candidate, old) = (after.candidate(), after.old()[0]);
        let before = (standing.candidate.target, standing.old[0].target);
        if old < before.1 {
            moves.push(format!("old -{}", before.1 - old));
        }
        if before.0 < candidate {
            moves.push(format!("new +{}", candidate - before.0));
        }
        standing.candidate.target = candidate;
        standing.old[0].target = old;
    }
    let plan = super::plans::budget_of(given.replicas, &given.strategy);
    json!({"moves": moves, "surge": plan.surge, "unavailable": plan.unavailable})
}
