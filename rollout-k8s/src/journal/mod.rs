//! A journal in the cluster: one object `RolloutJournal` per workload, named as the workload.
//!
//! An append is one write, which sends the new records alone: a JSON patch that the API server applies only if
//! number and checksum of the last record are the ones this engine knows. So it is compare-and-set on the
//! records themselves: a person's label does not disturb it, and a second engine's record does. What was not
//! answered is read again, and the records say whether it was kept. A write that lands even later is found by
//! the next append, as another engine's would be.
//!
//! Records are plain lines, for whoever looks at the object: the drains of 1,000 pods are 0.45 MB, and
//! compaction bounds what stays. What would pass 1 MiB is folded first, then refused.
//!
//! Absent: retries, watches.

mod definition;
mod patch;
mod store;
#[cfg(test)]
mod tests;
mod text;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use rollout_core::{
    engine::Record,
    id::{Seq, WorkloadId},
    port::{Journal, JournalError},
};

pub use self::definition::{JOURNAL_KIND, JOURNAL_PLURAL, journal_definition};
use self::{
    patch::{Write, epoch_of},
    store::why,
    text::Head,
};
use crate::{crd::VERSION, labels::GROUP, outcome::ask};

/// Most bytes of records in one object. etcd takes requests of 1.5 MiB, and the object is more than these.
const BYTES_MOST: usize = 1 << 20;
/// Records that are kept as they are where the limit makes it necessary to fold the others.
const KEPT_AT_LIMIT: usize = 256;

type Heads = BTreeMap<WorkloadId, Option<Head>>;

/// A journal in the cluster.
#[derive(Clone)]
pub struct KubernetesJournal {
    api: Api<DynamicObject>,
    kind: ApiResource,
    namespace: String,
    parent: Option<OwnerReference>,
    /// Where each journal ended when it was read or written last; `None` if there was none.
    heads: Arc<Mutex<Heads>>,
}

impl KubernetesJournal {
    /// The journals of the workloads in `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        let kind = GroupVersionKind::gvk(GROUP, VERSION, JOURNAL_KIND);
        let kind = ApiResource::from_gvk_with_plural(&kind, JOURNAL_PLURAL);
        let api = Api::namespaced_with(client, namespace, &kind);
        let namespace = namespace.to_owned();
        Self { api, kind, namespace, parent: None, heads: Arc::default() }
    }

    /// Makes new journals go with `parent`, such as the `Rollout` they are of.
    #[must_use]
    pub fn with_parent(mut self, parent: OwnerReference) -> Self {
        self.parent = Some(parent);
        self
    }

    fn place(&self, workload: &WorkloadId) -> String {
        format!("{JOURNAL_PLURAL}/{workload} in namespace {}", self.namespace)
    }

    fn store(&self, workload: &WorkloadId, why: impl Into<String>) -> JournalError {
        JournalError::Store { place: self.place(workload), why: why.into() }
    }

    /// Remembers where a journal ends; `None` if there is none.
    fn remember(&self, workload: &WorkloadId, head: Option<Head>) {
        self.with_heads(|heads| heads.insert(workload.clone(), head));
    }

    fn with_heads<T>(&self, work: impl FnOnce(&mut Heads) -> T) -> T {
        // Nothing below the lock can panic halfway through a change.
        work(&mut self.heads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Journal for KubernetesJournal {
    /// The same for every engine of the namespace: they share its journals.
    fn owner(&self) -> String {
        format!("{JOURNAL_PLURAL}.{GROUP}/{}", self.namespace)
    }

    async fn append(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<Seq, JournalError> {
        let before = self.head_at(workload, expected).await?;
        let written = before.unwrap_or_default().after(records);
        let (part, after) = written.map_err(|why| self.store(workload, why))?;
        if let Some(head) = before.filter(|_| BYTES_MOST < after.bytes) {
            return self.make_room(workload, head, records).await;
        }
        self.write(workload, before, after, Write::Part(part, epoch_of(records))).await?;
        Ok(after.seq)
    }

    async fn compact(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<(), JournalError> {
        let Some(before) = self.head_at(workload, expected).await? else { return Ok(()) };
        let written = Head::before(records).after(records);
        let (part, after) = written.map_err(|why| self.store(workload, why))?;
        self.write(workload, Some(before), after, Write::Whole(part, None)).await
    }

    async fn load(&self, workload: &WorkloadId) -> Result<Vec<Record>, JournalError> {
        let Some(written) = self.read(workload).await? else { return Ok(Vec::new()) };
        written.records().map_err(|bad| self.bad(workload, bad))
    }

    async fn workloads(&self) -> Result<Vec<WorkloadId>, JournalError> {
        let place = format!("{JOURNAL_PLURAL} in namespace {}", self.namespace);
        let store = |why: String| JournalError::Store { place: place.clone(), why };
        let (mut workloads, mut page) = (Vec::new(), ListParams::default().limit(500));
        loop {
            let list = ask(self.api.list_metadata(&page)).await;
            let list = list.map_err(|failed| store(why(failed)))?;
            for object in &list.items {
                let name = object.metadata.name.clone().unwrap_or_default();
                workloads.push(WorkloadId::new(name).map_err(|error| store(error.to_string()))?);
            }
            match list.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => page = page.continue_token(&next),
                None => return Ok(workloads),
            }
        }
    }
}
