//! Snapshots: one record in place of all that led to a state, so that journals stay small.
//!
//! In: the records of a journal from its beginning. Out: the same journal, the older part folded into its
//! first record. Replaying either makes the same engine. Lost with the older part: who ordered what, and why,
//! before the rollout that is kept whole; the history of proven revisions is part of the state and stays.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Change, Record};
use crate::{
    engine::{ReplayError, state::State},
    guard::Book,
    id::Seq,
};

/// Everything that lasts about a workload, and the guard's books on it, as some records made them. Closed:
/// its only uses are to be written, read back and replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub(in crate::engine) state: State,
    pub(crate) book: Book,
}

impl Snapshot {
    /// The number of the last record that it stands for.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.state.seq
    }
}

impl Record {
    /// One record that stands for `records`, the first ones of a journal.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] names the first record that does not follow from the ones before.
    pub fn fold(records: &[Self]) -> Result<Self, ReplayError> {
        let (mut state, mut book) = (State::default(), Book::empty());
        for record in records {
            state.follows(record).map_err(|why| ReplayError { seq: state.seq.next(), why })?;
            state.apply(record);
            book.commit(record);
        }
        let at = records.iter().map(|record| record.at).max().unwrap_or_default();
        Ok(Self { at, change: Change::Snapshot(Arc::new(Snapshot { state, book })) })
    }

    /// The number of the first of `records`, a journal read from its beginning: 1, unless that is a snapshot.
    #[must_use]
    pub fn first_seq(records: &[Self]) -> Seq {
        match records.first().map(|record| &record.change) {
            Some(Change::Snapshot(snapshot)) => snapshot.seq(),
            Some(_) | None => Seq(1),
        }
    }

    /// The number of the last of `records`, a journal read from its beginning; 0 if there is none.
    #[must_use]
    pub fn last_seq(records: &[Self]) -> Seq {
        Seq((Self::first_seq(records).0 + records.len() as u64).saturating_sub(1))
    }

    /// `records`, a journal read from its beginning, with the older part folded: everything before the last
    /// rollout, and everything but the last `keep` records. `None` if that saves nothing.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] names the first record that does not follow from the ones before.
    pub fn compacted(records: &[Self], keep: usize) -> Result<Option<Vec<Self>>, ReplayError> {
        let is_submitted = |record: &Self| matches!(record.change, Change::Submitted { .. });
        let rollout = records.iter().rposition(is_submitted).unwrap_or(0);
        let from = rollout.max(records.len().saturating_sub(keep));
        if from < 2 {
            return Ok(None);
        }
        let (older, newer) = records.split_at(from);
        let mut compacted = Vec::with_capacity(newer.len() + 1);
        compacted.push(Self::fold(older)?);
        compacted.extend_from_slice(newer);
        Ok(Some(compacted))
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot of {} records ({}", self.state.seq.0, self.state.epoch)?;
        if let Some(rollout) = &self.state.rollout {
            write!(f, ", {}", rollout.attempt)?;
        }
        match &self.state.stable {
            Some(stable) => write!(f, ", stable {})", stable.id),
            None => f.write_str(", nothing stable)"),
        }
    }
}
