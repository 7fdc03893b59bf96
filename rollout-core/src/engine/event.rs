//! What comes in: facts, in the past tense.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    action::{Outcome, Port, Revision},
    observation::Observation,
};
use crate::{
    guard::Veto,
    id::{ActionId, Epoch, InstanceId},
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
    /// The guard refused the last step; nothing of it was kept or attempted.
    Vetoed(Veto),
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
    },
    /// Go back to the stable revision.
    Abort,
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
        "`{candidate}` is proven and is the stable revision now; submit the old revision to go back to it"
    )]
    Proven {
        /// The candidate.
        candidate: String,
    },
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
