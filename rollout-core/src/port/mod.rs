//! What the engine needs of the world: signatures only. Adapters implement them and decide nothing.
//!
//! One attempt per call, one deadline, one total table from the orchestrator's errors to an
//! [`Outcome`]; no retry. "Already so" is `Applied`; not knowing is `Unknown`, never "did not happen".

mod capabilities;
mod journal;
mod refusal;

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{
    engine::{Action, Enrolments, HookState, Inventory, ModulesInForce, Outcome, RouteInForce},
    id::{Epoch, HookRun, RevisionId, WorkloadId},
    judge::{Metric, Reading},
    spec::Counting,
    time::Timestamp,
};

pub use capabilities::{Ability, Capabilities, Confirmation, InPlaceOrder, Making};
pub use journal::{Journal, JournalError};
pub use refusal::{Claim, ClaimError, ObserveError, PinError};

/// What an orchestrator must be able to do. One attempt per call; idempotent by action id; fenced by epoch.
#[async_trait]
pub trait Backend: Send + Sync {
    /// How instances are made and removed.
    fn making(&self) -> Making;

    /// Whether instances on their way out count against surge by default.
    fn counting(&self) -> Counting {
        Counting::Strict
    }

    /// Checks `template` and returns it with everything that could change under its name, such as an
    /// image tag, replaced by what it means now. Touches nothing.
    ///
    /// # Errors
    ///
    /// [`PinError`] names the field that is wrong or what it names that is not there.
    async fn pin(
        &self,
        workload: &WorkloadId,
        template: &serde_json::Value,
    ) -> Result<serde_json::Value, PinError>;

    /// Begins a reign: from now on actions of older epochs are refused as fenced. Returns the epoch
    /// granted, which is above every other ever granted for the workload.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Owned`] if another owner reigns and `claim.take_over` is not set.
    async fn claim(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError>;

    /// Takes a snapshot of every instance that is ours. The first one of a backend object shows
    /// everything written before it.
    ///
    /// # Errors
    ///
    /// [`ObserveError`] if the orchestrator did not answer in full.
    async fn observe(&self, workload: &WorkloadId) -> Result<Inventory, ObserveError>;

    /// Makes one attempt at `action`. "Already so" is `Applied`.
    async fn apply(&self, action: &Action) -> Outcome;

    /// Hints that something changed. A lost hint costs time, never safety.
    fn changes(&self, workload: &WorkloadId) -> BoxStream<'static, ()>;
}

/// Takes single instances in and out of traffic.
#[async_trait]
pub trait Enrolment: Send + Sync {
    /// How it is known that an instance gets nothing new.
    fn confirmation(&self) -> Confirmation;

    /// Takes a snapshot of every instance of the workload that the load balancer knows.
    ///
    /// # Errors
    ///
    /// [`ObserveError`] if the load balancer did not answer in full.
    async fn observe(&self, workload: &WorkloadId) -> Result<Enrolments, ObserveError>;

    /// Makes one attempt at an enrol, a drain or a detach.
    async fn apply(&self, action: &Action) -> Outcome;
}

/// Shares traffic among revisions.
#[async_trait]
pub trait Router: Send + Sync {
    /// Units it divides traffic into, 10,000 for basis points.
    fn units(&self) -> u64;

    /// What it can do beside shares: matches, mirror, affinity. None of them by default.
    fn abilities(&self) -> BTreeSet<Ability> {
        BTreeSet::new()
    }

    /// Takes a snapshot of the route in force.
    ///
    /// # Errors
    ///
    /// [`ObserveError`] if the router did not answer in full.
    async fn observe(&self, workload: &WorkloadId) -> Result<RouteInForce, ObserveError>;

    /// Makes one attempt at setting the whole route. Writes are ordered so that at no moment the
    /// candidate is exposed more than both before and after, or nobody is served.
    async fn apply(&self, action: &Action) -> Outcome;
}

/// Runs jobs: tests, migrations, caches to warm. A run is known by its key and begun once.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Makes one attempt at beginning the run of an [`crate::engine::Effect::Run`]. A run that was begun
    /// before under the same key is `Applied`, whatever became of it.
    async fn apply(&self, action: &Action) -> Outcome;

    /// How a run stands that was begun before.
    ///
    /// # Errors
    ///
    /// [`ObserveError`] if nobody can say now.
    async fn poll(&self, workload: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError>;
}

/// Reads metrics: one query, one value.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Reads `query` now. What cannot be read is a reading as well: no data, or an error that says why,
    /// without secrets.
    async fn measure(&self, query: &MetricQuery) -> Reading;
}

/// One metric to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuery {
    /// The workload.
    pub workload: WorkloadId,
    /// The metric.
    pub metric: Metric,
    /// The revision on trial.
    pub candidate: RevisionId,
    /// The revision it is compared with, if there is one.
    pub stable: Option<RevisionId>,
    /// Only what was measured from this time on counts.
    pub since: Timestamp,
}

/// Degrades and restores modules of a workload, and arms its circuit breaker.
#[async_trait]
pub trait Modules: Send + Sync {
    /// Takes a snapshot of the setting in force.
    ///
    /// # Errors
    ///
    /// [`ObserveError`] if the modules did not answer in full.
    async fn observe(&self, workload: &WorkloadId) -> Result<ModulesInForce, ObserveError>;

    /// Makes one attempt at an [`crate::engine::Effect::Modules`].
    async fn apply(&self, action: &Action) -> Outcome;
}

/// Tells the time and waits. Never steps back within one run.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns when it is `at` or later.
    async fn sleep_until(&self, at: Timestamp);
}
