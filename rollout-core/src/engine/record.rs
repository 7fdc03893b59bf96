//! The only change of state: what was decided, or learned and decided upon.
//!
//! Version 2. A variant is never renamed or given another meaning; new ones are added.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    action::{Effect, Revision},
    event::MetricPlace,
    outcome::Refusal,
};
use crate::{
    guard::Veto,
    id::{ActionId, Attempt, Epoch, HookRun, InstanceId, RevisionId},
    judge::Reading,
    plan::Plan,
    spec::CheckedSpec,
    time::Timestamp,
};

/// Version of the format of records that this engine writes; it reads all up to it.
pub const RECORD_VERSION: u32 = 2;

/// One change of state and when it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The engine's time when it was decided.
    pub at: Timestamp,
    /// What changed.
    pub change: Change,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// An engine began its reign.
    Claimed {
        /// Its epoch.
        epoch: Epoch,
    },
    /// A revision that already runs became the stable one, for want of a journal.
    Adopted {
        /// The revision, read back from what exists.
        revision: Arc<Revision>,
    },
    /// An instance of ours that the journal does not know was found.
    Found {
        /// The instance.
        instance: InstanceId,
        /// Its revision, as far as it could be read back.
        revision: Arc<Revision>,
        /// Whether the load balancer knew it.
        enrolled: bool,
        /// Whether it was started already.
        started: bool,
    },
    /// A rollout attempt began.
    Submitted {
        /// Its number.
        attempt: Attempt,
        /// The candidate.
        revision: Arc<Revision>,
        /// How to move.
        spec: Arc<CheckedSpec>,
        /// The stages to walk.
        plan: Arc<Plan>,
        /// Who asked for it.
        by: String,
        /// What for.
        #[serde(default, skip_serializing_if = "Purpose::is_move")]
        purpose: Purpose,
    },
    /// A revision waits for the rollout under way to end.
    Queued {
        /// The revision that waits.
        revision: Arc<Revision>,
        /// How to move.
        spec: Arc<CheckedSpec>,
        /// Who asked for it.
        by: String,
        /// What for.
        #[serde(default, skip_serializing_if = "Purpose::is_move")]
        purpose: Purpose,
    },
    /// A revision that waited was dropped.
    Dropped {
        /// The revision.
        revision: RevisionId,
        /// Why.
        why: String,
    },
    /// A stage of the plan began.
    Entered {
        /// Its place in the plan, from 0.
        stage: usize,
    },
    /// A pool is to have this many instances.
    Targeted {
        /// The pool's revision.
        revision: RevisionId,
        /// That many.
        replicas: u64,
    },
    /// More candidate instances are available than ever before in this stage.
    Progressed {
        /// That many.
        available: u64,
    },
    /// A batch has become available; the batch delay runs.
    BatchEnded,
    /// The counts and the route of the stage are reached; its gates begin.
    Reached {
        /// Its place in the plan, from 0.
        stage: usize,
    },
    /// A gate has passed.
    Passed {
        /// The stage's place in the plan, from 0.
        stage: usize,
        /// The gate's place in the stage, from 0.
        gate: usize,
        /// Who passed it, if a person did.
        by: Option<String>,
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Stages were skipped by order.
    Skipped {
        /// Name of the stage left.
        from: String,
        /// Name of the stage to enter.
        to: String,
        /// Who ordered it.
        by: String,
        /// Why, in their words.
        why: String,
    },
    /// A metric was read.
    Measured {
        /// What it was read for.
        place: MetricPlace,
        /// What it gave.
        reading: Reading,
    },
    /// A run of a hook has ended.
    HookEnded {
        /// The run.
        run: HookRun,
        /// What went wrong, if anything did.
        failure: Option<String>,
    },
    /// The candidate became the stable revision.
    Proven {
        /// The candidate.
        revision: RevisionId,
    },
    /// An instance failed; it counts against its revision.
    Failed {
        /// The instance.
        instance: InstanceId,
        /// How.
        failure: Failure,
    },
    /// The environment took an instance; it counts against nobody.
    Lost {
        /// The instance.
        instance: InstanceId,
    },
    /// An instance was told to go.
    Retired {
        /// The instance.
        instance: InstanceId,
    },
    /// An instance exists no more.
    Gone {
        /// The instance.
        instance: InstanceId,
    },
    /// Forward steps stopped.
    Paused {
        /// Who stopped them.
        by: String,
        /// Why, for people.
        why: Option<String>,
    },
    /// Nothing goes out any more.
    Halted {
        /// Who halted it.
        by: String,
        /// Why, for people.
        why: Option<String>,
    },
    /// The number of instances was changed while the rollout was under way.
    Resized {
        /// The spec with that number.
        spec: Arc<CheckedSpec>,
        /// The stages for it, by the same names as far as there are any.
        plan: Arc<Plan>,
        /// The place of the stage under way in the new plan.
        stage: usize,
        /// Who asked for it.
        by: String,
    },
    /// The end that needed an operator was left.
    Resolved {
        /// How.
        how: Resolution,
        /// Who ordered it.
        by: String,
        /// Why, in their words.
        why: Option<String>,
    },
    /// Forward steps go on; every deadline moves by the time paused.
    Resumed {
        /// Who let them.
        by: String,
    },
    /// Every gate that is left is passed.
    Promoted {
        /// Who passed them.
        by: String,
        /// Why, in their words.
        why: Option<String>,
    },
    /// The rollout turned back.
    Aborted {
        /// Why.
        cause: Cause,
    },
    /// The way back has reached its counts and its route; the stable revision is watched.
    Restored,
    /// The rollout has ended.
    Ended {
        /// How.
        end: End,
    },
    /// The guard refused a step.
    Vetoed(Veto),
    /// An action will be attempted until it is settled.
    Intended {
        /// Its number.
        id: ActionId,
        /// What is to be so.
        effect: Effect,
    },
    /// An action is over.
    Settled {
        /// Its number.
        id: ActionId,
        /// How it ended.
        how: Settlement,
    },
}

/// What an attempt is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A revision on trial.
    #[default]
    Move,
    /// Back to a revision that was proven before.
    Undo,
    /// New instances of the same revision.
    Restart,
    /// Everything to the revision that an operator declared stable.
    Adopt,
}

impl Purpose {
    /// Whether it is the usual one.
    #[must_use]
    pub const fn is_move(&self) -> bool {
        matches!(self, Self::Move)
    }
}

/// How the end that needs an operator is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The revision that serves becomes the stable one, and everything is brought to it.
    Adopt {
        /// That revision. Default: the one with the most serving instances.
        revision: Option<RevisionId>,
    },
    /// The way that stopped is gone on with, its deadlines anew.
    GoOn,
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It is so.
    Applied,
    /// It will never be so.
    Refused(Refusal),
    /// A newer action on the same subject took its place.
    Superseded,
}

/// How an instance failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Failure {
    /// It could not be made or started.
    Refused(Refusal),
    /// Its orchestrator says that it will never start.
    Stuck {
        /// The orchestrator's own words.
        detail: String,
    },
    /// Its process ended though nobody asked.
    Exited {
        /// Exit code.
        code: i64,
        /// The orchestrator's own words.
        detail: String,
    },
    /// It did not get ready before the startup probe gave up.
    NeverReady {
        /// What the probe saw last.
        detail: String,
    },
    /// It was ready, and its readiness probe failed too often in a row.
    Unready {
        /// What the probe saw last.
        detail: String,
    },
    /// Its liveness probe failed too often in a row.
    NotLive {
        /// What the probe saw last.
        detail: String,
    },
}

/// Why a rollout turned back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Someone wanted it.
    Ordered {
        /// Who.
        by: String,
        /// Why, in their words.
        why: Option<String>,
    },
    /// Too many candidate instances failed.
    Failures {
        /// That many failed.
        failed: u64,
        /// Of so many.
        of: u64,
        /// The last one's failure.
        last: String,
    },
    /// No progress for too long.
    NoProgress {
        /// Candidate instances available.
        available: u64,
        /// Candidate instances wanted.
        wanted: u64,
    },
    /// The whole rollout took too long.
    TooLong,
    /// An approval did not come in time.
    NotApproved,
    /// A metric failed.
    Metric {
        /// Its name.
        metric: String,
        /// Why, with the numbers compared.
        why: String,
    },
    /// A hook failed.
    Hook {
        /// Its name.
        hook: String,
        /// What went wrong.
        why: String,
    },
    /// A newer revision took its place.
    Superseded {
        /// That revision.
        by: RevisionId,
    },
}

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// Every instance is the candidate's.
    Completed,
    /// Every instance is the stable revision's again.
    RolledBack,
    /// The first deploy failed: nothing serves.
    Failed,
    /// Neither revision can be brought to serve everything; what serves was left alone.
    NeedsOperator {
        /// What is missing, with numbers.
        why: String,
    },
    /// A newer engine has taken over; this one stopped.
    Fenced,
}

impl Failure {
    /// Whether no process is left that could be drained.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Stuck { .. } | Self::Exited { .. } => true,
            Self::NeverReady { .. } | Self::Unready { .. } | Self::NotLive { .. } => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "could not be made: {why}"),
            Self::Stuck { detail } => write!(f, "will never start: {detail}"),
            Self::Exited { code, detail } if detail.is_empty() => {
                write!(f, "exited by itself with code {code}")
            }
            Self::Exited { code, detail } => {
                write!(f, "exited by itself with code {code}: {detail}")
            }
            Self::NeverReady { detail } => write!(f, "did not get ready: {detail}"),
            Self::Unready { detail } => write!(f, "was ready and is no more: {detail}"),
            Self::NotLive { detail } => write!(f, "is not live: {detail}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordered { by, why: None } => write!(f, "ordered by {by}"),
            Self::Ordered { by, why: Some(why) } => write!(f, "ordered by {by}: {why}"),
            Self::Failures { failed, of, last } => {
                write!(f, "{failed} of {of} candidate instances failed; the last one {last}")
            }
            Self::NoProgress { available, wanted } => write!(
                f,
                "no progress before the deadline: {available} of {wanted} candidate instances available"
            ),
            Self::TooLong => f.write_str("the rollout took longer than its deadline"),
            Self::NotApproved => f.write_str("no approval before the gate's deadline"),
            Self::Metric { metric, why } => write!(f, "metric {metric}: {why}"),
            Self::Hook { hook, why } => write!(f, "hook {hook} failed: {why}"),
            Self::Superseded { by } => write!(f, "superseded by {by}"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::RolledBack => f.write_str("rolled back"),
            Self::Failed => f.write_str("failed, nothing serves"),
            Self::NeedsOperator { why } => write!(f, "needs an operator: {why}"),
            Self::Fenced => f.write_str("stopped: a newer engine has taken over"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed { epoch } => write!(f, "claimed {epoch}"),
            Self::Adopted { revision } => write!(f, "adopted {}", revision.id),
            Self::Found { instance, revision, .. } => {
                write!(f, "found {instance} of {}", revision.id)
            }
            Self::Submitted { attempt, revision, plan, by, .. } => {
                write!(f, "submitted {} ({}, {attempt}) by {by}", revision.id, plan.strategy)
            }
            Self::Queued { revision, by, .. } => write!(f, "queued {} by {by}", revision.id),
            Self::Dropped { revision, why } => write!(f, "dropped {revision}: {why}"),
            Self::Entered { stage } => write!(f, "entered stage {stage}"),
            Self::Targeted { revision, replicas } => write!(f, "target of {revision}: {replicas}"),
            Self::Progressed { available } => write!(f, "progressed to {available} available"),
            Self::BatchEnded => f.write_str("batch ended"),
            Self::Reached { stage } => write!(f, "reached stage {stage}"),
            Self::Passed { stage, gate, by: None, .. } => {
                write!(f, "passed gate {gate} of stage {stage}")
            }
            Self::Passed { stage, gate, by: Some(by), .. } => {
                write!(f, "passed gate {gate} of stage {stage} by order of {by}")
            }
            Self::Skipped { from, to, by, why } => {
                write!(f, "skipped from stage {from} to {to} by order of {by}: {why}")
            }
            Self::Measured { place, reading } => write!(f, "measured {place}: {reading}"),
            Self::HookEnded { run, failure: None } => write!(f, "hook run {run} succeeded"),
            Self::HookEnded { run, failure: Some(why) } => {
                write!(f, "hook run {run} failed: {why}")
            }
            Self::Halted { by, why: None } => write!(f, "halted by {by}"),
            Self::Halted { by, why: Some(why) } => write!(f, "halted by {by}: {why}"),
            Self::Resized { plan, by, .. } => write!(f, "resized to {} by {by}", plan.desired),
            Self::Resolved { how: Resolution::GoOn, by, .. } => {
                write!(f, "resolved by {by}: goes on")
            }
            Self::Resolved { how: Resolution::Adopt { revision: Some(revision) }, by, .. } => {
                write!(f, "resolved by {by}: {revision} is stable")
            }
            Self::Resolved { how: Resolution::Adopt { revision: None }, by, .. } => {
                write!(f, "resolved by {by}: what serves is stable")
            }
            Self::Proven { revision } => write!(f, "proven {revision}"),
            Self::Failed { instance, failure } => write!(f, "failed {instance}: {failure}"),
            Self::Lost { instance } => write!(f, "lost {instance}"),
            Self::Retired { instance } => write!(f, "retired {instance}"),
            Self::Gone { instance } => write!(f, "gone {instance}"),
            Self::Paused { by, why: None } => write!(f, "paused by {by}"),
            Self::Paused { by, why: Some(why) } => write!(f, "paused by {by}: {why}"),
            Self::Resumed { by } => write!(f, "resumed by {by}"),
            Self::Promoted { by, .. } => write!(f, "promoted by {by}"),
            Self::Aborted { cause } => write!(f, "aborted: {cause}"),
            Self::Restored => f.write_str("restored"),
            Self::Ended { end } => write!(f, "ended: {end}"),
            Self::Vetoed(veto) => write!(f, "vetoed: {veto}"),
            Self::Intended { id, effect } => write!(f, "intended {id} {effect}"),
            Self::Settled { id, how: Settlement::Applied } => write!(f, "settled {id} applied"),
            Self::Settled { id, how: Settlement::Refused(why) } => {
                write!(f, "settled {id} refused: {why}")
            }
            Self::Settled { id, how: Settlement::Superseded } => {
                write!(f, "settled {id} superseded")
            }
        }
    }
}
