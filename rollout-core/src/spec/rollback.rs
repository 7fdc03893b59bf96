//! The way back as a person writes it: when, how fast, how long, and what is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Pace;
use crate::time::Span;

/// What a failed rollout does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rollback {
    /// Whether a failure rolls back by itself or pauses. Default: rollback.
    pub on_failure: OnFailure,
    /// How the stable revision comes back. Default: rolling; recreate where the way forward is recreate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<WayBack>,
    /// How fast the way back is. Default: the pace of the way forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// Longest time for the whole way back; then what serves is left alone and an operator is asked for.
    /// Default: none beside the progress deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How long the stable revision must be whole and healthy, without a break, until the way back counts
    /// as done. Default: 0 s.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub health_check_interval: Span,
    /// How long the failed candidate is kept for inspection, at weight 0; refused without a weighted
    /// router. Default: 0 s.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub keep_failed: Span,
}

/// What a failed rollout does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Goes back to the stable revision by itself.
    #[default]
    Rollback,
    /// Stops forward steps and waits for an order.
    Pause,
}

/// How the stable revision comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    /// Beside what is left of the candidate, which goes as stable grows.
    Rolling,
    /// After the whole candidate is gone, where the two must not meet.
    Recreate,
}
