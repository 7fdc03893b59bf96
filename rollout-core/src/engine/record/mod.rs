//! The only change of state: what was decided, or learned and decided upon.
//!
//! Version 2. A variant is never renamed or given another meaning; new ones are added.

mod kind;
mod snapshot;
mod text;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(in crate::engine) use self::text::By;
pub use self::{
    kind::{Cause, End, Failure, Purpose, Resolution, Settlement},
    snapshot::Snapshot,
};
use super::{
    action::{Effect, Revision},
    event::MetricPlace,
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
    /// A pool of ours that a backend keeps by count, and that the journal does not know, was found.
    PoolFound {
        /// Its revision, as far as it could be read back.
        revision: Arc<Revision>,
        /// Size it was told to have.
        replicas: u64,
        /// Instances of it that had failed by then, as the backend counts them: they count against nobody.
        #[serde(default)]
        failed: u64,
    },
    /// An instance of a pool that a backend keeps by count is treated by name from now on: it is to be
    /// drained, or was found drained.
    Named {
        /// The instance.
        instance: InstanceId,
        /// Its revision.
        revision: RevisionId,
        /// Whether the load balancer may send it something new.
        enrolled: bool,
    },
    /// An instance that was to go stays after all.
    Spared {
        /// The instance.
        instance: InstanceId,
    },
    /// Instances of a pool that a backend keeps by count have failed.
    PoolFailed {
        /// Its revision.
        revision: RevisionId,
        /// All of them so far, as the backend counts them.
        failed: u64,
        /// The orchestrator's own words for the last of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
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
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
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
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
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
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
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
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
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
    /// Stands for all records up to its own number; the first of a journal that was compacted.
    Snapshot(Arc<Snapshot>),
}
