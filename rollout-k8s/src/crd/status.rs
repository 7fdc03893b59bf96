//! What became of a `Rollout`, as the cluster keeps it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a `Rollout`; written by the operator alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStatus {
    /// Generation of the spec that was taken, or refused, last.
    pub observed_generation: i64,
    /// Digest of that spec without its number of pods: tells a new size from a new order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_digest: Option<String>,
    /// What goes on: `Idle`, `Moving`, `Gating`, `Reverting`, `Completed`, `RolledBack`, `Failed` or
    /// `NeedsOperator`.
    pub phase: String,
    /// What is waited for now, the most important reason first, or how it ended.
    pub message: String,
    /// Pods that exist and are not on their way out, of every revision.
    pub replicas: i32,
    /// Pods that are wanted.
    pub desired_replicas: i32,
    /// Pods of the candidate.
    pub updated_replicas: i32,
    /// Pods that are ready.
    pub ready_replicas: i32,
    /// Pods that are ready for long enough and get traffic.
    pub available_replicas: i32,
    /// Pods on their way out.
    pub terminating_replicas: i32,
    /// Selector of the pods, for the scale subresource.
    pub selector: String,
    /// The revision that the spec of that generation names or means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The last revision proven healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_revision: Option<String>,
    /// The revision under way, or reached last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_revision: Option<String>,
    /// The revision that waits for the rollout under way to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_revision: Option<String>,
    /// Name of the stage, its number and how many there are, such as `25% (2/4)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The gate that is waited for, by attempt, stage and number, such as `3.2.1`: what `promote` would pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// The candidate's share of traffic, such as `25%`; none where it follows the number of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// When it will be done, as far as that can be said, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<String>,
    /// How far the way back is: ready, detected, executing, verifying, done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// Why the rollout turned back, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whether forward steps are stopped.
    pub paused: bool,
    /// Whether nothing goes out at all.
    pub halted: bool,
    /// Number of the rollout attempt.
    pub attempt: i64,
    /// Number of the reign that wrote this.
    pub epoch: i64,
    /// Proven revisions that can be gone back to, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<String>,
    /// The answer to the last order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderAnswer>,
    /// What holds and what does not, each with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The answer to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderAnswer {
    /// The order's own id.
    pub id: String,
    /// How it stands.
    pub state: OrderState,
    /// What came of it.
    pub message: String,
    /// When, in RFC 3339.
    pub at: String,
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OrderState {
    /// It is being given; an order is given at most once.
    Taken,
    /// The engine does it, or has done it.
    Accepted,
    /// It changed nothing.
    Refused,
    /// The operator went while it was being given; see whether it was done, and give it again if not.
    Unknown,
}

/// Something that holds or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Generation of the spec it speaks of.
    pub observed_generation: i64,
    /// When `status` changed last, in RFC 3339.
    pub last_transition_time: String,
    /// One word for programs.
    pub reason: String,
    /// A line for people.
    pub message: String,
}

/// What a condition is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum ConditionType {
    /// The spec is understood and its order was taken.
    Accepted,
    /// As many pods serve as the spec's budget allows at least.
    Available,
    /// Everything is as the spec of this generation wants it.
    Completed,
    /// Something asks for a person: a refused spec, a rollout taken back, a stop.
    Degraded,
    /// The engine moves, waits for a gate, or goes back.
    Progressing,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown,
}

impl RolloutStatus {
    /// The condition of `kind`, if it was ever told.
    #[must_use]
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taken => "taken",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        })
    }
}
