//! Where things stand, for people and tools: a picture computed on demand, never stored.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    eta::{self, Eta},
    note::Wait,
    record::{Cause, End, Purpose},
    route::Route,
    setup::Setup,
    state::{ENGINE, Rollout, State, Walk},
    view::View,
};
use crate::{
    fleet::tally,
    id::{Attempt, Epoch, GateId, RevisionId, WorkloadId},
    time::Timestamp,
};

/// Where a workload stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The workload.
    pub workload: WorkloadId,
    /// What the engine is doing.
    pub phase: Phase,
    /// Whether forward steps are stopped.
    pub paused: bool,
    /// Whether nothing goes out at all.
    #[serde(default)]
    pub halted: bool,
    /// The reign.
    pub epoch: Epoch,
    /// The attempt under way or ended last; 0 if there was none.
    pub attempt: Attempt,
    /// Desired number of instances.
    pub desired: u64,
    /// The last revision proven healthy.
    pub stable: Option<RevisionId>,
    /// The revision on trial.
    pub candidate: Option<RevisionId>,
    /// The revision that waits for the rollout under way to end.
    #[serde(default)]
    pub queued: Option<RevisionId>,
    /// Name of the stage, its number from 1 and how many there are.
    pub stage: Option<(String, usize, usize)>,
    /// The gate that is waited for: what `promote` would pass.
    #[serde(default)]
    pub gate: Option<GateId>,
    /// Every pool that has an instance or is to have one.
    pub pools: Vec<PoolStatus>,
    /// The route that was decided last; `None` if never.
    pub route: Option<Route>,
    /// When the attempt began.
    pub began: Option<Timestamp>,
    /// Why the rollout turned back, if it did.
    pub cause: Option<Cause>,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// How far the way back is; `None` where there is nothing to go back to.
    #[serde(default)]
    pub rollback: Option<RollbackState>,
    /// Proven revisions that can be gone back to, the newest first; the stable one among them.
    #[serde(default)]
    pub history: Vec<ProvenRevision>,
    /// How long it still takes, as far as that can be said; `None` before the first instance was available.
    #[serde(default)]
    pub eta: Option<Eta>,
    /// Every reason why nothing moves now, most important first.
    pub waits: Vec<Wait>,
}

/// How far the way back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackState {
    /// There is a revision to go back to, and no need.
    Ready,
    /// A failure was detected, and the spec says to wait for an order.
    Detected,
    /// Traffic and instances go back.
    Executing,
    /// Everything is back; its health is watched.
    Verifying,
    /// The way back is done.
    Done,
}

/// A revision that was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenRevision {
    /// Its name.
    pub revision: RevisionId,
    /// When it was proven last.
    pub at: Timestamp,
}

/// What the engine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Nothing was submitted.
    Idle,
    /// Moves to the counts and the route of a stage.
    Moving,
    /// Waits for the gates of a stage.
    Gating,
    /// Goes back to the stable revision.
    Reverting,
    /// Has ended; keeps what it reached.
    Ended,
}

/// Where one pool stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Its revision.
    pub revision: RevisionId,
    /// What the revision is to the rollout.
    pub role: Role,
    /// Instances it is to have.
    pub target: u64,
    /// Instances that exist, or are being made, and are not on their way out.
    pub created: u64,
    /// Of those, the ones that answer their probe.
    pub ready: u64,
    /// Of those, the ones that have done so for `min_ready` and are enrolled.
    pub available: u64,
    /// Instances on their way out.
    pub terminating: u64,
    /// Instances that failed in this attempt.
    pub failed: u64,
}

/// What a revision is to the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The last revision proven healthy.
    Stable,
    /// The revision on trial.
    Candidate,
    /// A revision that is neither any more.
    Old,
}

impl Status {
    /// The status of a workload nothing is known of.
    #[must_use]
    pub fn idle(workload: WorkloadId) -> Self {
        Self {
            workload,
            phase: Phase::Idle,
            paused: false,
            halted: false,
            epoch: Epoch(0),
            attempt: Attempt(0),
            desired: 0,
            stable: None,
            candidate: None,
            queued: None,
            stage: None,
            gate: None,
            pools: Vec::new(),
            route: None,
            began: None,
            cause: None,
            end: None,
            rollback: None,
            history: Vec::new(),
            eta: None,
            waits: Vec::new(),
        }
    }
}

/// The status of what was decided and seen.
pub(super) fn of(now: Timestamp, setup: &Setup, state: &State, view: &View) -> Status {
    let mut status = Status::idle(setup.workload.clone());
    status.epoch = state.epoch;
    status.stable = state.stable.as_ref().map(|stable| stable.id.clone());
    status.route.clone_from(&state.route);
    status.eta = eta::of(now, setup, state, view);
    status.queued = state.queued.as_ref().map(|queued| queued.revision.id.clone());
    status.paused = state.paused.is_some();
    status.halted = state.halted.is_some();
    status.rollback = state.rollout.as_ref().and_then(|rollout| rollback(state, rollout));
    let proven = state.history.iter().rev();
    status.history = proven
        .map(|proof| ProvenRevision { revision: proof.revision.id.clone(), at: proof.at })
        .collect();
    if let Some(rollout) = &state.rollout {
        let (place, under_way) = rollout.stage();
        status.phase = match &rollout.walk {
            Walk::Moving { .. } => Phase::Moving,
            Walk::Gating { .. } => Phase::Gating,
            Walk::Reverting => Phase::Reverting,
            Walk::Ended(_) => Phase::Ended,
        };
        status.attempt = rollout.attempt;
        status.desired = rollout.plan.desired;
        status.candidate = Some(rollout.candidate.id.clone());
        status.stage = Some((under_way.name.clone(), place + 1, rollout.plan.stages.len()));
        status.gate = rollout.waited_gate();
        status.began = Some(rollout.began);
        status.cause.clone_from(&rollout.cause);
        status.end = match &rollout.walk {
            Walk::Ended(end) => Some(end.clone()),
            Walk::Moving { .. } | Walk::Gating { .. } | Walk::Reverting => None,
        };
    }
    let tallies = tally(now, setup, state, view);
    status.pools = tallies
        .into_iter()
        .map(|(revision, tally)| PoolStatus {
            role: role(state, &revision),
            target: tally.target,
            created: tally.created,
            ready: tally.ready,
            available: tally.serving,
            terminating: tally.terminating,
            failed: state.pools.get(&revision).map_or(0, |pool| pool.failed),
            revision,
        })
        .filter(|pool| 0 < pool.target + pool.created + pool.terminating)
        .collect();
    status
}

/// How far the way back is. An undo is a way back as well.
fn rollback(state: &State, rollout: &Rollout) -> Option<RollbackState> {
    let is_undo = rollout.purpose == Purpose::Undo;
    let is_detected = state.paused.as_ref().is_some_and(|paused| paused.by == ENGINE);
    match &rollout.walk {
        _ if rollout.from.is_none() => None,
        Walk::Reverting if rollout.restored.is_some() => Some(RollbackState::Verifying),
        Walk::Reverting => Some(RollbackState::Executing),
        Walk::Ended(End::RolledBack) => Some(RollbackState::Done),
        Walk::Ended(End::Completed) if is_undo => Some(RollbackState::Done),
        Walk::Moving { .. } | Walk::Gating { .. } if is_undo => Some(RollbackState::Executing),
        Walk::Moving { .. } | Walk::Gating { .. } if is_detected => Some(RollbackState::Detected),
        Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(_) => Some(RollbackState::Ready),
    }
}

/// What a revision is to the rollout; a proven candidate is the stable one.
fn role(state: &State, revision: &RevisionId) -> Role {
    if state.stable.as_ref().is_some_and(|stable| stable.id == *revision) {
        return Role::Stable;
    }
    match &state.rollout {
        Some(rollout) if rollout.candidate.id == *revision => Role::Candidate,
        Some(_) | None => Role::Old,
    }
}

impl fmt::Display for RollbackState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Detected => "detected",
            Self::Executing => "executing",
            Self::Verifying => "verifying",
            Self::Done => "done",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::Moving => "moving",
            Self::Gating => "gating",
            Self::Reverting => "reverting",
            Self::Ended => "ended",
        })
    }
}
