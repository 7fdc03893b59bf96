//! A journal that is gone with its process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use rollout_core::{
    engine::Record,
    id::{Seq, WorkloadId},
    port::{Journal, JournalError},
};

/// A journal in memory. Clones share their records, so a clone stands for the same file opened again.
#[derive(Clone, Debug)]
pub struct MemoryJournal {
    owner: String,
    records: Arc<Mutex<BTreeMap<WorkloadId, Vec<Record>>>>,
}

impl MemoryJournal {
    /// An empty journal of `owner`.
    #[must_use]
    pub fn new(owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), records: Arc::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<WorkloadId, Vec<Record>>) -> T) -> T {
        // No code below can panic halfway through a change, so a poisoned map is still whole.
        work(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn owner(&self) -> String {
        self.owner.clone()
    }

    async fn append(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<Seq, JournalError> {
        self.with(|all| {
            let kept = all.entry(workload.clone()).or_default();
            is_at(workload, expected, kept)?;
            kept.extend_from_slice(records);
            Ok(Record::last_seq(kept))
        })
    }

    async fn compact(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<(), JournalError> {
        self.with(|all| {
            let kept = all.entry(workload.clone()).or_default();
            is_at(workload, expected, kept)?;
            *kept = records.to_vec();
            Ok(())
        })
    }

    async fn load(&self, workload: &WorkloadId) -> Result<Vec<Record>, JournalError> {
        Ok(self.with(|all| all.get(workload).cloned().unwrap_or_default()))
    }

    async fn workloads(&self) -> Result<Vec<WorkloadId>, JournalError> {
        Ok(self.with(|all| {
            let heard = all.iter().filter(|(_, records)| !records.is_empty());
            heard.map(|(workload, _)| workload.clone()).collect()
        }))
    }
}

fn is_at(workload: &WorkloadId, expected: Seq, kept: &[Record]) -> Result<(), JournalError> {
    let found = Record::last_seq(kept);
    if found != expected {
        return Err(JournalError::Moved { workload: workload.clone(), expected, found });
    }
    Ok(())
}
