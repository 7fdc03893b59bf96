//! Where an engine stands, in the words of the object's status. Pure.

mod conditions;

use jiff::Timestamp as Wall;
use rollout_core::{
    engine::{End, Phase, PoolStatus, Role, Route, Status},
    spec::CheckedSpec,
    time::Timestamp,
};

use crate::{
    crd::{Condition, ConditionType, OrderAnswer, RolloutStatus},
    labels::WORKLOAD,
};

/// What stands between a revision's name and the number of its restart.
const RESTART: &str = ".r";

/// What is told beside the engine's own status.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    /// Generation of the spec that was taken, or refused, last.
    pub(super) generation: i64,
    /// Digest of that spec without its number of instances.
    pub(super) digest: Option<String>,
    /// The revision that it names or means.
    pub(super) revision: Option<String>,
    /// Why the spec of that generation was refused, if it was.
    pub(super) refused: Option<String>,
    /// Why no driver runs, if none does.
    pub(super) stopped: Option<String>,
    /// The answer to the last order.
    pub(super) order: Option<OrderAnswer>,
}

/// The status of an object whose engine stands as `engine`; `before` is the one that is written.
pub(super) fn of(
    engine: &Status,
    spec: Option<&CheckedSpec>,
    beside: &Beside,
    before: Option<&RolloutStatus>,
    now: Timestamp,
) -> RolloutStatus {
    let sum = |count: fn(&PoolStatus) -> u64| -> i32 {
        whole(engine.pools.iter().map(count).fold(0, u64::saturating_add))
    };
    let candidate = engine.candidate.as_ref();
    let updated = engine.pools.iter().find(|pool| Some(&pool.revision) == candidate);
    let desired =
        if engine.desired == 0 { spec.map_or(0, |spec| spec.replicas) } else { engine.desired };
    let mut status = RolloutStatus {
        observed_generation: beside.generation,
        spec_digest: beside.digest.clone(),
        phase: phase(engine).to_owned(),
        message: message(engine, beside),
        replicas: sum(|pool| pool.created),
        desired_replicas: whole(desired),
        updated_replicas: whole(updated.map_or(0, |pool| pool.created)),
        ready_replicas: sum(|pool| pool.ready),
        available_replicas: sum(|pool| pool.available),
        terminating_replicas: sum(|pool| pool.terminating),
        selector: format!("{WORKLOAD}={}", engine.workload),
        revision: beside.revision.clone(),
        stable_revision: engine.stable.as_ref().map(ToString::to_string),
        candidate_revision: candidate.map(ToString::to_string),
        queued_revision: engine.queued.as_ref().map(ToString::to_string),
        stage: stage(engine),
        gate: engine.gate.as_ref().map(ToString::to_string),
        weight: weight(engine),
        eta: engine.eta.and_then(|eta| told(now.after(eta.left))),
        rollback: engine.rollback.map(|rollback| rollback.to_string()),
        cause: engine.cause.as_ref().map(ToString::to_string),
        paused: engine.paused,
        halted: engine.halted,
        attempt: whole_long(engine.attempt.0),
        epoch: whole_long(engine.epoch.0),
        history: engine.history.iter().map(|proof| proof.revision.to_string()).collect(),
        order: beside.order.clone(),
        conditions: Vec::new(),
    };
    let before = before.map(|before| before.conditions.as_slice()).unwrap_or_default();
    status.conditions = conditions::of(engine, spec, beside, &status, before, now);
    status
}

/// Whether `new` says anything that does not wait: all but how long it still takes and what is waited for.
pub(super) fn is_news(new: &RolloutStatus, old: &RolloutStatus) -> bool {
    let plain = |status: &RolloutStatus| {
        let mut plain = RolloutStatus { eta: None, message: String::new(), ..status.clone() };
        for condition in &mut plain.conditions {
            condition.message.clear();
        }
        plain
    };
    plain(new) != plain(old)
}

/// Whether a condition, the phase or an answer is another: what people and programs wait for.
pub(super) fn is_turn(new: &RolloutStatus, old: &RolloutStatus) -> bool {
    let heads = |status: &RolloutStatus| -> Vec<_> {
        status.conditions.iter().map(|one| (one.kind, one.status, one.reason.clone())).collect()
    };
    new.phase != old.phase
        || new.order != old.order
        || new.observed_generation != old.observed_generation
        || heads(new) != heads(old)
}

/// A moment in RFC 3339, to the second.
pub(super) fn told(at: Timestamp) -> Option<String> {
    let seconds = i64::try_from(at.0 / 1000).ok()?;
    Wall::from_second(seconds).ok().map(|wall| wall.to_string())
}

/// What goes on, in one word.
pub(super) fn phase(engine: &Status) -> &'static str {
    match (engine.phase, &engine.end) {
        (_, Some(End::Completed)) => "Completed",
        (_, Some(End::RolledBack)) => "RolledBack",
        (_, Some(End::Failed)) => "Failed",
        (_, Some(End::NeedsOperator { .. })) => "NeedsOperator",
        (_, Some(End::Fenced)) => "TakenOver",
        (Phase::Moving, None) => "Moving",
        (Phase::Gating, None) => "Gating",
        (Phase::Reverting, None) => "Reverting",
        (Phase::Idle, None) => "Idle",
        // Of a newer engine.
        (_, _) => "Ended",
    }
}

/// The first reason why nothing moves, as `rollout explain` says it.
fn message(engine: &Status, beside: &Beside) -> String {
    if let Some(why) = beside.stopped.as_ref().or(beside.refused.as_ref()) {
        return why.clone();
    }
    engine.waits.first().map(|wait| wait.reason.to_string()).unwrap_or_default()
}

fn stage(engine: &Status) -> Option<String> {
    let (name, place, count) = engine.stage.as_ref()?;
    Some(format!("{name} ({place}/{count})"))
}

/// The candidate's share of traffic, where it is not by the number of pods.
fn weight(engine: &Status) -> Option<String> {
    match engine.route.as_ref()? {
        Route::Weighted(shares) => {
            let candidate = engine.candidate.as_ref()?;
            shares.weights.get(candidate).map(ToString::to_string)
        }
        Route::ByReplicas | Route::Empty => None,
    }
}

/// Whether the revision reached is the one that the spec wants, or a restart of it.
fn is_wanted(engine: &Status, beside: &Beside) -> bool {
    let (Some(wanted), Some(candidate)) = (&beside.revision, &engine.candidate) else {
        return true;
    };
    candidate.as_str() == wanted || candidate.as_str().starts_with(&format!("{wanted}{RESTART}"))
}

/// Whether every pod is the candidate's.
fn is_alone(engine: &Status) -> bool {
    engine.pools.iter().all(|pool| pool.role != Role::Old || pool.created == 0)
}

fn whole(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn whole_long(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Conditions while no driver runs: what it is about is told anew, what nobody can see stays as it was.
pub(super) fn without_driver(said: Vec<Condition>, before: &[Condition]) -> Vec<Condition> {
    let known = |one: Condition| match one.kind {
        ConditionType::Available | ConditionType::Completed => {
            before.iter().find(|before| before.kind == one.kind).cloned().unwrap_or(one)
        }
        ConditionType::Accepted | ConditionType::Degraded | ConditionType::Progressing => one,
    };
    said.into_iter().map(known).collect()
}
