//! What the engine needs of the world: signatures only. Adapters implement them and decide nothing.
//!
//! One attempt per call, one deadline, one total table from the orchestrator's errors to an
//! [`Outcome`]; no retry. "Already so" is `Applied`; not knowing is `Unknown`, never "did not happen".

use std::{collections::BTreeSet, fmt};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        Action, Enrolments, HookState, Inventory, ModulesInForce, Outcome, Record, RouteInForce,
    },
    id::{Epoch, HookRun, RevisionId, Seq, WorkloadId},
    judge::{Metric, Reading},
    spec::Counting,
    time::{Span, Timestamp},
};

/// What the ports of one workload can do together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// How instances are made and removed.
    pub making: Making,
    /// Whether instances on their way out count against surge, unless the spec says so itself.
    pub counting: Counting,
    /// How single instances are taken out of traffic; `None`: they cannot be.
    pub enrolment: Option<Confirmation>,
    /// Units a router divides traffic into, 10,000 for basis points; `None`: no weights.
    pub router: Option<u64>,
    /// What else they can do.
    #[serde(default)]
    pub abilities: BTreeSet<Ability>,
}

impl Capabilities {
    /// Whether instances go by name though their backend keeps them by count: each one is drained before its
    /// pool is told to be smaller.
    #[must_use]
    pub fn drains_by_name(&self) -> bool {
        self.making == Making::ByCount && self.enrolment.is_some()
    }
}

/// Something that not every set of ports can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ability {
    /// The router sends requests by header or cookie.
    Matches,
    /// The router copies requests.
    Mirror,
    /// The router keeps clients on their revision.
    Affinity,
    /// Jobs can be run.
    Hooks,
    /// Metrics can be measured.
    Metrics,
    /// Modules can be degraded.
    Modules,
}

/// How a backend makes and removes instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Making {
    /// "Start this one, stop that one": Docker, plain hosts.
    ByName,
    /// "Be 5": a `ReplicaSet`.
    ByCount,
}

/// How it is known that an instance gets nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// The data plane says so, and says how many requests are in flight.
    Observed,
    /// Nobody can be asked; after this long it is so.
    Elapsed(Span),
}

/// A snapshot that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be observed: {why}; {way_out}")]
pub struct ObserveError {
    /// What was asked, such as `docker engine unix:///var/run/docker.sock`.
    pub what: String,
    /// What came instead of an answer.
    pub why: String,
    /// What a person can do about it.
    pub way_out: String,
}

/// A template that was refused before anything was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}; {way_out}")]
pub struct PinError {
    /// Path of the field in the spec, such as `template.image`.
    pub field: String,
    /// What is wrong, with the value.
    pub why: String,
    /// What a person can do about it.
    pub way_out: String,
}

/// An engine's wish to reign over a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who claims: the same text for every run on the same journal, another for every other journal.
    pub owner: String,
    /// The epoch wanted; at least one above every epoch in the journal.
    pub epoch: Epoch,
    /// Whether another owner is pushed aside.
    pub take_over: bool,
}

/// A claim that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Another engine reigns over the workload.
    #[error(
        "workload `{workload}` belongs to the engine `{owner}` ({epoch}); stop that engine and use its journal, or take over with `--take-over` if it is gone"
    )]
    Owned {
        /// The workload.
        workload: WorkloadId,
        /// Who owns it.
        owner: String,
        /// Its epoch.
        epoch: Epoch,
    },
    /// The backend did not answer.
    #[error(transparent)]
    Unreachable(#[from] ObserveError),
}

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

/// Keeps records. Appending is compare-and-set, durable when it returns, all or nothing.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Who writes: the same text for every run on the same journal.
    fn owner(&self) -> String;

    /// Appends `records` after the one numbered `expected` and returns the number of the last.
    ///
    /// # Errors
    ///
    /// [`JournalError::Moved`] if the last record has another number than `expected`.
    async fn append(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<Seq, JournalError>;

    /// Reads every record of a workload in order; none if it was never heard of. The first one is a snapshot
    /// if the journal was compacted.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] if a record does not read back as written.
    async fn load(&self, workload: &WorkloadId) -> Result<Vec<Record>, JournalError>;

    /// Replaces all `expected` records by `records`, whose first one is a snapshot that stands for some of them
    /// and whose others are the ones after those. All or nothing, as an append is. A journal that cannot do so
    /// keeps what it has, which is the default.
    ///
    /// # Errors
    ///
    /// [`JournalError::Moved`] if the last record has another number than `expected`.
    async fn compact(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<(), JournalError> {
        let _ = (workload, expected, records);
        Ok(())
    }

    /// The workloads it has records of.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if it cannot be read.
    async fn workloads(&self) -> Result<Vec<WorkloadId>, JournalError>;
}

/// A journal that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Somebody else appended.
    #[error(
        "the journal of `{workload}` has {found} records, {expected} were expected: another engine writes to it; stop one of them"
    )]
    Moved {
        /// The workload.
        workload: WorkloadId,
        /// Records expected.
        expected: Seq,
        /// Records found.
        found: Seq,
    },
    /// A record does not read back as written.
    #[error(
        "the journal {place} is damaged at record {seq}: {why}; nothing was touched; restore the file, or move it away and let the next run adopt what runs"
    )]
    Damaged {
        /// Where the journal is.
        place: String,
        /// The record.
        seq: Seq,
        /// What is wrong.
        why: String,
    },
    /// A record was written by a newer version.
    #[error(
        "the journal {place} was written in format {found}, this engine reads up to {known}; use a newer engine"
    )]
    Newer {
        /// Where the journal is.
        place: String,
        /// Its format.
        found: u32,
        /// Newest format known here.
        known: u32,
    },
    /// Another process has it open.
    #[error(
        "the journal {place} is in use by another engine; use `rollout status` to talk to it, or stop it"
    )]
    InUse {
        /// Where the journal is.
        place: String,
    },
    /// The store failed.
    #[error("the journal {place} cannot be used: {why}")]
    Store {
        /// Where the journal is.
        place: String,
        /// The store's own words.
        why: String,
    },
}

/// Tells the time and waits. Never steps back within one run.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns when it is `at` or later.
    async fn sleep_until(&self, at: Timestamp);
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matches => "matches of headers and cookies",
            Self::Mirror => "copies of requests",
            Self::Affinity => "affinity of clients",
            Self::Hooks => "hooks",
            Self::Metrics => "metrics",
            Self::Modules => "modules",
        })
    }
}

impl fmt::Display for Making {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByName => "by name",
            Self::ByCount => "by count",
        })
    }
}
