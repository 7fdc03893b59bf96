//! What a person writes: the workload, its strategy, its health and its deadlines.
//!
//! In: text ([`parse`]) or values. Out: a [`CheckedSpec`], the only form the planner takes.
//! Every default stands in this folder, beside the field it belongs to.

mod canary;
mod check;
mod gate;
mod module;
mod parse;
mod probe;
mod rollback;
mod route;
mod schema;
mod stages;
mod strategy;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    canary::{Canary, CanaryStep, RESERVED_STAGES, Ramp},
    check::{
        CheckError, CheckErrors, CheckedSpec, HookError, LONG_WAIT_LIMIT, ModuleError,
        REPLICAS_LIMIT, RollbackError, RouteError, SHORT_WAIT_LIMIT, StagesError, Warning,
    },
    gate::{Gate, Hook, HookFailure, Hooks, Unanswered},
    module::{Breaker, Module, ModuleNeeds},
    parse::{Format, ParseError, TEXT_LIMIT, parse},
    probe::{ExecProbe, Health, HttpProbe, Probe, TcpProbe},
    rollback::{OnFailure, Rollback, WayBack},
    route::{Affinity, Match, Rules},
    schema::schema,
    stages::{HandRoute, HandStage},
    strategy::{BlueGreen, Counting, Order, Pace, Promotion, Recreate, Strategy},
};
use crate::{
    calendar::Calendar,
    id::{RevisionId, WorkloadId},
    judge::Metric,
    time::Span,
};

/// One workload and how to move it to a revision. Version 1 of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Version of this format: `1`.
    pub version: u32,
    /// Name of what is rolled out.
    pub workload: WorkloadId,
    /// Name of the revision to move to. Default: a digest of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionId>,
    /// Desired number of instances.
    #[serde(default = "default_replicas")]
    pub replicas: u64,
    /// How to move. Default: rolling, surge 25 %, unavailable 0.
    #[serde(default)]
    pub strategy: Strategy,
    /// When an instance counts as healthy, and how many may fail.
    #[serde(default)]
    pub health: Health,
    /// How an old instance goes.
    #[serde(default)]
    pub drain: Drain,
    /// Limits on time.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// What a failed rollout does, and how fast the way back is.
    #[serde(default)]
    pub rollback: Rollback,
    /// What a new revision does to a rollout under way.
    #[serde(default)]
    pub on_submit: OnSubmit,
    /// When forward steps may be taken. What goes back is never stopped. Default: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// Metrics that are read from the moment the candidate gets traffic until it is proven; one that fails
    /// fails the rollout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<Metric>,
    /// Jobs at named points of the rollout.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
    /// Features that may be switched off to keep the others available.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<Module>,
    /// The circuit breaker that a stage may arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// How many proven revisions are remembered, to go back to by `undo`. Default: 10.
    #[serde(default = "default_history", skip_serializing_if = "is_default_history")]
    pub history: u64,
    /// What an instance is made from, in the words of the backend; the engine hands it on unread.
    #[serde(default)]
    pub template: serde_json::Value,
    /// Where traffic comes from, in the words of the router; the engine hands it on unread.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub traffic: serde_json::Value,
}

impl Spec {
    /// A spec of `workload` with every default. Embedders start from it, as fields are added with time.
    #[must_use]
    pub fn new(workload: WorkloadId) -> Self {
        Self {
            version: 1,
            workload,
            revision: None,
            replicas: default_replicas(),
            strategy: Strategy::default(),
            health: Health::default(),
            drain: Drain::default(),
            deadlines: Deadlines::default(),
            rollback: Rollback::default(),
            on_submit: OnSubmit::default(),
            calendar: None,
            watch: Vec::new(),
            hooks: Hooks::default(),
            modules: Vec::new(),
            breaker: None,
            history: HISTORY,
            template: serde_json::Value::Null,
            traffic: serde_json::Value::Null,
        }
    }
}

fn default_replicas() -> u64 {
    1
}

/// Proven revisions remembered where the spec says nothing. Kubernetes' Deployment has the same.
const HISTORY: u64 = 10;

const fn default_history() -> u64 {
    HISTORY
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_default_history(history: &u64) -> bool {
    *history == HISTORY
}

/// How an old instance goes: traffic off, confirmed, requests in flight ended or `deadline`, then stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drain {
    /// Longest wait for requests in flight after traffic was taken off. Default: 30 s.
    pub deadline: Span,
    /// Time between the stop signal and the kill. Default: 10 s.
    pub stop_grace: Span,
}

impl Default for Drain {
    fn default() -> Self {
        Self { deadline: Span::from_secs(30), stop_grace: Span::from_secs(10) }
    }
}

/// Limits on time. Paused time counts for none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// Longest time without one more available candidate instance in a stage. Default: 10 min.
    pub progress: Span,
    /// Longest time for the whole rollout. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Span>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { progress: Span::from_secs(600), total: None }
    }
}

/// What a new revision does to a rollout under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnSubmit {
    /// The candidate under way is taken back, then the new one starts from the first stage.
    #[default]
    Supersede,
    /// The new one starts when the rollout under way has ended.
    Queue,
    /// The new one is refused.
    Refuse,
}
