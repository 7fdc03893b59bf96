//! What comes in: facts, in the past tense.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    action::Revision, observation::Observation, outcome::Outcome, record::Resolution, subject::Port,
};
use crate::{
    guard::Veto,
    id::{ActionId, Attempt, Epoch, GateId, HookRun, InstanceId, RevisionId},
    judge::Reading,
    spec::CheckedSpec,
};

/// A fact that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An engine has begun its reign; everything older is fenced off.
    Claimed {
        /// The epoch the backend granted.
        epoch: Epoch,
    },
    /// Time has passed.
    Woke,
    /// A person or a tool gave an order.
    Ordered(Order),
    /// An attempt at an action has ended.
    Attempted {
        /// The action.
        id: ActionId,
        /// What came of it.
        outcome: Outcome,
    },
    /// A snapshot was taken.
    Observed(Observation),
    /// A snapshot could not be taken.
    Unobserved {
        /// From this port.
        port: Port,
        /// Why.
        why: String,
    },
    /// A probe got its answer.
    Probed {
        /// Of this instance.
        instance: InstanceId,
        /// Which of its probes.
        probe: ProbeKind,
        /// Whether the answer was good.
        healthy: bool,
        /// What was seen, for people.
        detail: String,
    },
    /// A metric was read.
    Measured {
        /// The attempt it was read for; a reading for another one counts for nothing.
        attempt: Attempt,
        /// What it was read for.
        place: MetricPlace,
        /// What it gave.
        reading: Reading,
    },
    /// The hook port was asked how a run stands.
    Polled {
        /// The run.
        run: HookRun,
        /// How it stands.
        state: HookState,
    },
    /// The guard refused the last step; nothing of it was kept or attempted.
    Vetoed(Veto),
}

/// What a metric is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricPlace {
    /// A gate.
    Gate {
        /// The stage's place in the plan, from 0.
        stage: usize,
        /// The gate's place in the stage, from 0.
        gate: usize,
    },
    /// A metric that is watched throughout.
    Watch {
        /// Its place in the spec, from 0.
        index: usize,
    },
}

/// How one run of a hook stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookState {
    /// It has not ended yet.
    Running,
    /// It has ended well.
    Succeeded,
    /// It has ended badly.
    Failed {
        /// What it said last, for people; without secrets.
        detail: String,
    },
    /// The port does not know it, though it was begun: what became of it nobody can say.
    Missing,
}

/// Which probe of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// Passed once after the start.
    Startup,
    /// Whether it may get traffic.
    Readiness,
    /// Whether it must be replaced.
    Liveness,
}

/// An order of a person or a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What is wanted.
    pub kind: OrderKind,
    /// Who wants it.
    pub by: String,
    /// Why, in their words.
    #[serde(default)]
    pub why: Option<String>,
}

/// What an order wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderKind {
    /// Move to this revision.
    Submit {
        /// The revision, its template pinned.
        revision: Arc<Revision>,
        /// How to move.
        spec: Arc<CheckedSpec>,
    },
    /// Take no forward step until resumed.
    Pause,
    /// Take forward steps again.
    Resume,
    /// Pass the gate that is waited for, or all that are left.
    Promote {
        /// Whether every gate that is left, with its steps, is passed.
        all: bool,
        /// The gate that is meant, as [`Status::gate`](super::Status::gate) named it; where it was passed
        /// already, the order changes nothing. Default: the one that is waited for, whichever it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<GateId>,
    },
    /// Go back to the stable revision.
    Abort,
    /// Go back to a revision that was proven before.
    Undo {
        /// That revision. Default: the last proven one before the current one.
        to: Option<RevisionId>,
    },
    /// Try the revision again that was taken back last.
    Retry,
    /// Have another number of instances, now, in whatever phase.
    Resize {
        /// That many.
        replicas: u64,
    },
    /// Replace every instance by a new one of the same revision.
    Restart,
    /// Skip to a later stage; who and why are recorded.
    Skip {
        /// Name of the stage.
        to: String,
    },
    /// Let nothing go out any more, not even a step back, until resumed.
    Halt,
    /// Leave the end that needs an operator.
    Resolve(
        /// How.
        Resolution,
    ),
}

/// Why an order was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderRefused {
    /// There is nothing under way that it could change.
    #[error("no rollout is under way (phase: {phase}); submit a revision first")]
    NothingUnderWay {
        /// The phase the engine is in.
        phase: String,
    },
    /// Another rollout is under way and the spec says `on_submit: refuse`.
    #[error(
        "the rollout to `{candidate}` is under way; wait for its end, abort it, or set `on_submit: supersede`"
    )]
    UnderWay {
        /// The revision under way.
        candidate: String,
    },
    /// The rollout is on its way back, which cannot be stopped, skipped or reversed.
    #[error("the rollout is on its way back to the stable revision; wait for its end")]
    GoingBack,
    /// The candidate has become the stable revision already.
    #[error(
        "`{candidate}` is proven and is the stable revision now; give the order `undo` to go back"
    )]
    Proven {
        /// The candidate.
        candidate: String,
    },
    /// Everything is halted.
    #[error("everything is halted by {by}; give the order `resume` first")]
    Halted {
        /// Who halted it.
        by: String,
    },
    /// No instance would be left to be tried.
    #[error(
        "`{candidate}` is on trial, and of 0 instances nothing could be learned; give the order `abort` first, or wait for the end"
    )]
    NothingOnTrial {
        /// The revision on trial.
        candidate: String,
    },
    /// Another engine reigns.
    #[error("a newer engine has taken over; give the order to that one")]
    Fenced,
    /// Only the number of instances changes.
    #[error(
        "only the number of instances of `{revision}` changes, so there is nothing to go back to; give the order `resize` for another number"
    )]
    NoWayBack {
        /// The revision.
        revision: String,
    },
    /// Another revision waits for its turn.
    #[error("`{queued}` waits for its turn, and would be lost; submit the one you want")]
    Waiting {
        /// The revision that waits.
        queued: String,
    },
    /// The end that needs an operator must be left first.
    #[error("the rollout {why}; give the order `resolve` first")]
    NeedsOperator {
        /// What is missing, with numbers.
        why: String,
    },
    /// There is no proven revision to go back to.
    #[error(
        "there is no proven revision to go back to{}; submit the one you want",
        match .known.as_slice() { [] => String::new(), known => format!(" but the current one and {}", known.join(", ")) }
    )]
    NotProven {
        /// Proven revisions that could be named.
        known: Vec<String>,
    },
    /// The revision named was never proven, or is not remembered any more.
    #[error(
        "`{revision}` was never proven here, or is not remembered any more; known are: {}",
        if .known.is_empty() { "none".to_owned() } else { .known.join(", ") }
    )]
    UnknownRevision {
        /// The revision named.
        revision: String,
        /// Proven revisions that could be named.
        known: Vec<String>,
    },
    /// A rollout on trial must end first.
    #[error(
        "the rollout to `{candidate}` is on trial; give the order `abort` to go back, or wait for its end"
    )]
    OnTrial {
        /// The revision on trial.
        candidate: String,
    },
    /// There is nothing that could be tried again.
    #[error(
        "nothing was taken back ({phase}), so there is nothing to try again; submit a revision"
    )]
    NothingToRetry {
        /// The phase the engine is in.
        phase: String,
    },
    /// The stage named is not one that can be skipped to.
    #[error("there is no stage `{stage}` ahead that can be skipped to; possible are: {}", if .ahead.is_empty() { "none".to_owned() } else { .ahead.join(", ") })]
    NoSuchStage {
        /// The stage named.
        stage: String,
        /// Names of the stages ahead, up to the one that proves the candidate.
        ahead: Vec<String>,
    },
    /// Evidence is skipped without a word of why.
    #[error("skipping gates is recorded with its reason, and none was given; say why")]
    NoReason,
    /// Nothing needs an operator.
    #[error("nothing needs an operator (phase: {phase}); there is nothing to resolve")]
    NothingToResolve {
        /// The phase the engine is in.
        phase: String,
    },
    /// There is no revision that serves.
    #[error("no revision serves, so there is none to adopt; go on, or submit one")]
    NothingServes,
    /// No gate is waited for.
    #[error("no gate is waited for ({waiting}); there is nothing to promote")]
    NoGate {
        /// What is waited for instead.
        waiting: String,
    },
    /// The spec is of another workload.
    #[error("the spec is of the workload `{given}`, this engine rolls out `{expected}`")]
    OtherWorkload {
        /// The workload of the spec.
        given: String,
        /// The workload of this engine.
        expected: String,
    },
    /// The revision of that name is made from another template.
    #[error(
        "revision: `{revision}` is known and is made from another template; a revision never changes: give the new one a name of its own, or leave `revision` out"
    )]
    OtherTemplate {
        /// The revision.
        revision: String,
    },
    /// The planner cannot make a plan of it.
    #[error("{why}")]
    NoPlan {
        /// The planner's reason.
        why: String,
    },
}

impl fmt::Display for MetricPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate { stage, gate } => write!(f, "gate {gate} of stage {stage}"),
            Self::Watch { index } => write!(f, "watch {index}"),
        }
    }
}
