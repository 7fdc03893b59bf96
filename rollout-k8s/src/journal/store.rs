//! Reading and writing the object; what became of a write that was not answered.

use std::collections::BTreeMap;

use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use rollout_core::{
    engine::{RECORD_VERSION, Record, RefusalKind},
    id::{Epoch, Seq, WorkloadId},
    port::{Journal as _, JournalError},
};
use rollout_runtime::journal::Unreadable;
use serde_json::{Value, json};

use super::{
    BYTES_MOST, KEPT_AT_LIMIT, KubernetesJournal,
    patch::{Write, epoch_of},
    text::{Bad, FORMAT, Head, Written},
};
use crate::{
    labels::{EPOCH, FIELD_MANAGER, WORKLOAD},
    outcome::{Failed, ask},
};

impl KubernetesJournal {
    /// Reads the object; `None` if there is none.
    pub(super) async fn read(
        &self,
        workload: &WorkloadId,
    ) -> Result<Option<Written>, JournalError> {
        let object = ask(async {
            match self.api.get(workload.as_str()).await {
                Ok(object) => Ok(Some(object)),
                Err(error) if is_absent(&error) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let object = object.await.map_err(|failed| self.failed(workload, failed))?;
        let Some(mut object) = object else {
            self.remember(workload, None);
            return Ok(None);
        };
        let place = self.place(workload);
        let spec = object.data.get_mut("spec").map(Value::take).unwrap_or_default();
        if let Some(found) = spec["format"].as_u64().and_then(|found| u32::try_from(found).ok())
            && FORMAT < found
        {
            return Err(JournalError::Newer { place, found, known: FORMAT });
        }
        let written: Written = serde_json::from_value(spec).map_err(|error| {
            JournalError::Damaged { place, seq: Seq(0), why: error.to_string() }
        })?;
        self.remember(workload, Some(Head::of(&written)));
        Ok(Some(written))
    }

    /// Where the journal ends, which is to be at `expected`; `None` if there is none yet.
    pub(super) async fn head_at(
        &self,
        workload: &WorkloadId,
        expected: Seq,
    ) -> Result<Option<Head>, JournalError> {
        let seq = |head: Option<Head>| head.unwrap_or_default().seq;
        let known = self.with_heads(|heads| heads.get(workload).copied());
        if let Some(head) = known.filter(|head| seq(*head) == expected) {
            return Ok(head);
        }
        let head = self.read(workload).await?.map(|written| Head::of(&written));
        if seq(head) == expected {
            return Ok(head);
        }
        Err(JournalError::Moved { workload: workload.clone(), expected, found: seq(head) })
    }

    /// Makes one write that brings the journal from `before` to `after`.
    pub(super) async fn write(
        &self,
        workload: &WorkloadId,
        before: Option<Head>,
        after: Head,
        change: Write,
    ) -> Result<(), JournalError> {
        // Until it is answered, nobody knows where the journal ends.
        self.with_heads(|heads| heads.remove(workload));
        let name = workload.as_str();
        let failed = match (before, change) {
            (None, Write::Part(part, epoch) | Write::Whole(part, epoch)) => {
                let object = self.object(workload, &Written::new(after, part), epoch);
                let post = PostParams::default();
                ask(self.api.create(&post, &object)).await.err()
            }
            (Some(before), change) => {
                let patch = match serde_json::from_value(change.patch(before, after)) {
                    Ok(patch) => Patch::Json::<()>(patch),
                    Err(error) => return Err(self.store(workload, error.to_string())),
                };
                let params = PatchParams {
                    field_manager: Some(FIELD_MANAGER.to_owned()),
                    ..Default::default()
                };
                ask(self.api.patch_metadata(name, &params, &patch)).await.err()
            }
        };
        let Some(failed) = failed else {
            self.remember(workload, Some(after));
            return Ok(());
        };
        // Whatever was answered, the records themselves say what became of it.
        let found = self.read(workload).await?.map(|written| Head::of(&written));
        if found == Some(after) {
            return Ok(());
        }
        let (expected, found) = (before.unwrap_or_default().seq, found.unwrap_or_default().seq);
        if found != expected {
            return Err(JournalError::Moved { workload: workload.clone(), expected, found });
        }
        Err(self.failed(workload, failed))
    }

    /// The object as it is made.
    fn object(
        &self,
        workload: &WorkloadId,
        written: &Written,
        epoch: Option<Epoch>,
    ) -> DynamicObject {
        let mut object = DynamicObject::new(workload.as_str(), &self.kind);
        let labels = BTreeMap::from([(WORKLOAD.to_owned(), workload.to_string())]);
        let epoch = epoch.unwrap_or_default().0.to_string();
        object.metadata.labels = Some(labels);
        object.metadata.annotations = Some(BTreeMap::from([(EPOCH.to_owned(), epoch)]));
        object.metadata.owner_references = self.parent.clone().map(|parent| vec![parent]);
        object.data = json!({ "spec": written });
        object
    }

    /// Writes the journal anew so that `records` find room after its folded part.
    pub(super) async fn make_room(
        &self,
        workload: &WorkloadId,
        head: Head,
        records: &[Record],
    ) -> Result<Seq, JournalError> {
        let mut all = self.load(workload).await?;
        all.extend_from_slice(records);
        let folded = Record::compacted(&all, KEPT_AT_LIMIT.max(records.len()));
        let all = folded.map_err(|error| self.store(workload, error.to_string()))?.unwrap_or(all);
        let (part, after) =
            Head::before(&all).after(&all).map_err(|why| self.store(workload, why))?;
        if BYTES_MOST < after.bytes {
            let why = format!(
                "its records would take {} bytes, {BYTES_MOST} fit into one object; make the pod template smaller or keep fewer revisions in `history`",
                after.bytes
            );
            return Err(self.store(workload, why));
        }
        self.write(workload, Some(head), after, Write::Whole(part, epoch_of(records))).await?;
        Ok(after.seq)
    }

    fn failed(&self, workload: &WorkloadId, failed: Failed) -> JournalError {
        self.store(workload, why(failed))
    }

    pub(super) fn bad(&self, workload: &WorkloadId, bad: Bad) -> JournalError {
        let place = self.place(workload);
        match bad.why {
            Unreadable::Damaged(why) => JournalError::Damaged { place, seq: bad.seq, why },
            Unreadable::Newer(found) => JournalError::Newer { place, found, known: RECORD_VERSION },
        }
    }
}

/// What an attempt has come to, and what a person can do about it.
pub(super) fn why(failed: Failed) -> String {
    match failed {
        // The object's own absence is no failure, so it is the kind or the namespace.
        Failed::Refused(RefusalKind::Missing, _, why) => format!(
            "{why}; install the kinds by `kubectl apply -f deploy/crds`, and see that the namespace is there"
        ),
        Failed::Refused(_, _, why) | Failed::Unknown(why) => why,
    }
}

/// Whether the object is not there. A server that does not know the kind answers 404 as well, and names no object.
fn is_absent(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    status.code == 404 && status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}
