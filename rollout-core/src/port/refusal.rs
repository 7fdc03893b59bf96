//! Why a backend did not look, did not pin or did not take an engine's orders, and the claim that is refused.

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, WorkloadId};

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
