//! Where records are kept.

use async_trait::async_trait;

use crate::{
    engine::Record,
    id::{Seq, WorkloadId},
};

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
