//! What is kept of a `ReplicaSet`.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetStatus};
use rollout_core::{
    engine::Revision,
    id::{Epoch, RevisionId},
};

use super::{Facts, Version, annotation, count, label, sized_by};
use crate::labels;

/// What is kept of a `ReplicaSet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend) struct SetFacts {
    pub(in crate::backend) version: Version,
    pub(in crate::backend) name: String,
    pub(in crate::backend) uid: String,
    pub(in crate::backend) revision: RevisionId,
    /// The reign that wrote it last, as it stands there.
    pub(in crate::backend) epoch: Option<String>,
    /// Size it was told to have.
    pub(in crate::backend) replicas: u64,
    /// Pods that exist, as its controller counted last.
    pub(in crate::backend) existing: u64,
    pub(in crate::backend) generation: i64,
    /// The generation that its controller has acted on.
    pub(in crate::backend) observed: i64,
    /// Why its controller cannot make pods.
    pub(in crate::backend) trouble: Option<String>,
    /// The revision with its template; `None` if it cannot be read back.
    pub(in crate::backend) whole: Option<Arc<Revision>>,
    /// Who wrote its size last.
    pub(in crate::backend) sized_by: Option<String>,
    /// When it was made.
    pub(in crate::backend) made: Option<Timestamp>,
    /// It was told to go.
    pub(in crate::backend) deleting: bool,
}

impl SetFacts {
    /// The reign that wrote it last.
    pub(in crate::backend) fn epoch(&self) -> Option<Epoch> {
        self.epoch.as_deref()?.parse().ok().map(Epoch)
    }
}

impl Facts for SetFacts {
    type Object = ReplicaSet;

    fn read(set: &ReplicaSet) -> Option<Self> {
        let (meta, status) = (&set.metadata, set.status.clone().unwrap_or_default());
        let revision = RevisionId::new(label(meta, labels::REVISION)?).ok()?;
        let template = annotation(meta, labels::TEMPLATE);
        let template = template.and_then(|text| serde_json::from_str(text).ok());
        let replicas = set.spec.as_ref().and_then(|spec| spec.replicas);
        Some(Self {
            version: Version::read(meta.resource_version.as_deref()),
            name: meta.name.clone()?,
            uid: meta.uid.clone().unwrap_or_default(),
            epoch: annotation(meta, labels::EPOCH).map(str::to_owned),
            // Kubernetes fills in 1 where nothing is said.
            replicas: count(replicas.unwrap_or(1)),
            existing: count(status.replicas),
            generation: meta.generation.unwrap_or_default(),
            observed: status.observed_generation.unwrap_or_default(),
            trouble: trouble(&status),
            whole: template.map(|template| Arc::new(Revision { id: revision.clone(), template })),
            sized_by: sized_by(meta),
            made: meta.creation_timestamp.as_ref().map(|time| time.0),
            deleting: meta.deletion_timestamp.is_some(),
            revision,
        })
    }

    fn version(&self) -> Version {
        self.version
    }

    fn follow(&mut self, older: &Self) {
        // The same template is kept once.
        if self.whole == older.whole {
            self.whole.clone_from(&older.whole);
        }
    }

    fn shows_as(&self, other: &Self) -> bool {
        *self == Self { version: self.version, ..other.clone() }
    }
}

/// What keeps the controller from making pods: a quota, an admission plugin.
fn trouble(status: &ReplicaSetStatus) -> Option<String> {
    let failure = |kind: &str, is: &str| kind == "ReplicaFailure" && is == "True";
    let conditions = status.conditions.as_ref()?;
    let found = conditions.iter().find(|one| failure(&one.type_, &one.status))?;
    let reason = found.reason.as_deref().unwrap_or("ReplicaFailure");
    Some(format!("{reason}: {}", found.message.as_deref().unwrap_or("no message")))
}
