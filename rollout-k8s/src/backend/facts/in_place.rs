//! What is kept of a `StatefulSet` or a `DaemonSet`: one object that holds two revisions.

use std::{fmt, marker::PhantomData, sync::Arc};

use k8s_openapi::api::apps::v1::{DaemonSet, StatefulSet};
use kube::{Resource, core::NamespaceResourceScope};
use rollout_core::{
    engine::{Division, Reach, Revision},
    id::{Epoch, RevisionId},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Facts, Version, annotation, count, sized_by};
use crate::{backend::Controller, labels};

/// A `StatefulSet` or a `DaemonSet`.
pub(in crate::backend) trait InPlaceObject:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + fmt::Debug
    + DeserializeOwned
    + PartialEq
    + Send
    + Sync
    + 'static
{
    /// Which of the two.
    const CONTROLLER: Controller;

    /// What differs between the two.
    fn own(&self) -> Own;
}

/// What differs between a `StatefulSet` and a `DaemonSet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend) struct Own {
    /// Labels of the pod template.
    template: std::collections::BTreeMap<String, String>,
    /// Places that pods have.
    places: u64,
    /// Number of the first place.
    start: u64,
    /// `spec.updateStrategy`.
    strategy: Value,
    /// Hash of the pods that come back before the partition; `None`: all come back by the template.
    current: Option<String>,
    observed: Option<i64>,
}

impl InPlaceObject for StatefulSet {
    const CONTROLLER: Controller = Controller::StatefulSet;

    fn own(&self) -> Own {
        let (spec, status) =
            (self.spec.clone().unwrap_or_default(), self.status.clone().unwrap_or_default());
        let current =
            status.current_revision.filter(|it| Some(it) != status.update_revision.as_ref());
        Own {
            template: spec.template.metadata.and_then(|meta| meta.labels).unwrap_or_default(),
            // Kubernetes fills in 1 where nothing is said.
            places: count(spec.replicas.unwrap_or(1)),
            start: spec.ordinals.and_then(|it| it.start).map_or(0, count),
            strategy: json!(spec.update_strategy),
            current,
            observed: status.observed_generation,
        }
    }
}

impl InPlaceObject for DaemonSet {
    const CONTROLLER: Controller = Controller::DaemonSet;

    fn own(&self) -> Own {
        let (spec, status) =
            (self.spec.clone().unwrap_or_default(), self.status.clone().unwrap_or_default());
        Own {
            template: spec.template.metadata.and_then(|meta| meta.labels).unwrap_or_default(),
            places: count(status.desired_number_scheduled),
            start: 0,
            strategy: json!(spec.update_strategy),
            current: None,
            observed: status.observed_generation,
        }
    }
}

/// What is kept of a `StatefulSet` or a `DaemonSet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend) struct InPlace {
    pub(in crate::backend) version: Version,
    pub(in crate::backend) name: String,
    pub(in crate::backend) uid: String,
    /// The reign that wrote it last, as it stands there.
    pub(in crate::backend) epoch: Option<String>,
    /// The division that it is told.
    pub(in crate::backend) division: Division,
    /// Places that pods have.
    pub(in crate::backend) places: u64,
    /// Number of the first place.
    pub(in crate::backend) start: u64,
    /// `spec.updateStrategy`, as it stands there.
    pub(in crate::backend) strategy: Value,
    /// Hash of the pods that come back beyond the reach of the division; `None`: all come back as its revision.
    pub(in crate::backend) current: Option<String>,
    /// The revision before the one of the template.
    pub(in crate::backend) before: Option<RevisionId>,
    /// The revisions that can be read back, the template's first.
    pub(in crate::backend) whole: Vec<Arc<Revision>>,
    pub(in crate::backend) generation: i64,
    /// The generation that its controller has acted on.
    pub(in crate::backend) observed: i64,
    /// Who wrote its size last.
    pub(in crate::backend) sized_by: Option<String>,
    /// It was told to go.
    pub(in crate::backend) deleting: bool,
}

impl InPlace {
    /// The reign that wrote it last.
    pub(in crate::backend) fn epoch(&self) -> Option<Epoch> {
        self.epoch.as_deref()?.parse().ok().map(Epoch)
    }
}

/// [`InPlace`], of an object of one of the two kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend) struct InPlaceFacts<K> {
    pub(in crate::backend) set: InPlace,
    kind: PhantomData<K>,
}

impl<K: InPlaceObject> Facts for InPlaceFacts<K> {
    type Object = K;

    fn read(object: &K) -> Option<Self> {
        let (meta, own) = (object.meta(), object.own());
        super::identity(meta)?;
        let revision = RevisionId::new(own.template.get(labels::REVISION)?.as_str()).ok()?;
        let newest = annotation(meta, labels::TEMPLATE)
            .and_then(|text| serde_json::from_str(text).ok())
            .map(|template| Revision { id: revision.clone(), template });
        let before: Option<Revision> = annotation(meta, labels::TEMPLATE_BEFORE)
            .and_then(|text| serde_json::from_str(text).ok());
        let set = InPlace {
            version: Version::read(meta.resource_version.as_deref()),
            name: meta.name.clone()?,
            uid: meta.uid.clone().unwrap_or_default(),
            epoch: annotation(meta, labels::EPOCH).map(str::to_owned),
            division: Division { reach: reach(&own), revision },
            places: own.places,
            start: own.start,
            strategy: own.strategy,
            current: own.current,
            before: before.as_ref().map(|before| before.id.clone()),
            whole: newest.into_iter().chain(before).map(Arc::new).collect(),
            generation: meta.generation.unwrap_or_default(),
            observed: own.observed.unwrap_or_default(),
            sized_by: sized_by(meta),
            deleting: meta.deletion_timestamp.is_some(),
        };
        Some(Self { set, kind: PhantomData })
    }

    fn version(&self) -> Version {
        self.set.version
    }

    fn follow(&mut self, older: &Self) {
        // The same templates are kept once.
        if self.set.whole == older.set.whole {
            self.set.whole.clone_from(&older.set.whole);
        }
    }

    fn shows_as(&self, other: &Self) -> bool {
        self.set == InPlace { version: self.set.version, ..other.set.clone() }
    }
}

/// How far the division reaches by what the object is told.
fn reach(own: &Own) -> Reach {
    if own.strategy["type"] == "OnDelete" {
        return Reach::Vacated;
    }
    let partition = own.strategy["rollingUpdate"]["partition"].as_u64().unwrap_or(0);
    Reach::First(own.places.saturating_sub(partition))
}
