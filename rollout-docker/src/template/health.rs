//! Docker's own health check.

use rollout_core::time::Span;
use serde::{Deserialize, Serialize};

/// A command that Docker runs inside an instance. The engine's own probes are faster: Docker's first
/// check comes one whole interval after the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Healthcheck {
    /// `["CMD", program, arguments…]`, `["CMD-SHELL", text]` or `["NONE"]`, which switches the image's own off.
    pub test: Vec<String>,
    /// Time from one check's end to the next. Default: 30 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// Longest run of a check. Default: 30 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Failures in a row that make it unhealthy. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Time after the start in which failures do not count. Default: 0 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Span>,
}
