//! Health as a person writes it: probes that the engine runs itself, and how many instances may fail.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{time::Span, weight::Weight};

/// When an instance counts as healthy, and how many may fail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Passed once after the start; until then the other probes do not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
    /// Whether the instance may get traffic. Default: the backend's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Probe>,
    /// Whether the instance must be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Probe>,
    /// How long an instance must be ready without a break to be available. Default: 0 s.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub min_ready: Span,
    /// How long after it became available a failure of a candidate instance still counts against the
    /// rollout; the stage that completes the candidate waits as long. Default: 0 s.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub monitor: Span,
    /// Failures per candidate instance above which the rollout fails. Default: 0 %.
    #[serde(skip_serializing_if = "Weight::is_zero")]
    pub max_failure_ratio: Weight,
}

/// One probe: exactly one of `http`, `tcp` and `exec`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// An HTTP GET; a status of 200 to 399 is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// A TCP connection that is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpProbe>,
    /// A command beside the engine that ends with 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecProbe>,
    /// Time from one attempt's start to the next. Default: 10 s.
    #[serde(default = "default_period")]
    pub period: Span,
    /// Longest wait for an answer. Default: 1 s.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    /// Wait before the first attempt. Default: 0 s.
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub initial_delay: Span,
    /// Failures in a row that make it unhealthy. Default: 3.
    #[serde(default = "default_failure_threshold")]
    pub failure_threshold: u32,
    /// Successes in a row that make it healthy. Default: 1.
    #[serde(default = "default_success_threshold")]
    pub success_threshold: u32,
}

fn default_period() -> Span {
    Span::from_secs(10)
}
fn default_timeout() -> Span {
    Span::from_secs(1)
}
fn default_failure_threshold() -> u32 {
    3
}
fn default_success_threshold() -> u32 {
    1
}

/// An HTTP GET.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpProbe {
    /// Path of the request. Default: `/`.
    #[serde(default = "default_path")]
    pub path: String,
    /// Port of the instance.
    pub port: u16,
    /// Headers of the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

fn default_path() -> String {
    "/".to_owned()
}

/// A TCP connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpProbe {
    /// Port of the instance.
    pub port: u16,
}

/// A command beside the engine; `{address}` and `{instance}` in its arguments are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecProbe {
    /// Program and arguments.
    pub command: Vec<String>,
}
