//! The one driver loop: a fact comes in, the engine decides, the decision is made durable, then tried.
//!
//! Facts that wait already are taken in one after the other, and what they led to is made durable together.
//! In: orders, outcomes, observations, probe answers, time. Out: durable records, attempts, progress.
//! Absent: decisions. A start, a restart after a crash and a journal that failed go one and the same
//! way: load, replay, claim, go on. So the driver may be dropped at any moment.

mod attempts;
mod batch;
mod begin;
mod compact;
mod measures;
mod observers;
mod polls;
mod questions;
mod reign;
mod tasks;
#[cfg(test)]
mod tests;
mod turn;

pub(crate) use self::{
    begin::begin,
    reign::{Command, NotTaken, Outlet, Standing},
    turn::drive,
};
use rollout_core::{
    engine::ReplayError,
    id::WorkloadId,
    port::{ClaimError, JournalError},
};

/// A driver that could not begin its reign; nothing was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The journal did not do what it was asked.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal makes no sense to this engine.
    #[error("the journal of `{workload}` cannot be followed: {why}; use the engine that wrote it")]
    Replay {
        /// The workload.
        workload: WorkloadId,
        /// The record and what is wrong.
        why: ReplayError,
    },
    /// The backend refused the claim.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// This process drives the workload already.
    #[error("workload `{workload}` is driven by this process already; use its handle")]
    Running {
        /// The workload.
        workload: WorkloadId,
    },
}

/// Why a driver stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// It was told to; the next run resumes.
    #[error("the engine was shut down; the next run resumes")]
    ShutDown,
    /// A newer engine has taken over.
    #[error("a newer engine has taken over; talk to that one")]
    Fenced,
    /// It could not go on; the next run resumes.
    #[error("the engine stopped: {0}")]
    Failed(StartError),
    /// Its task was cancelled, or it has a bug; the next run resumes.
    #[error("the engine is gone without a word; the next run resumes")]
    Gone,
}
