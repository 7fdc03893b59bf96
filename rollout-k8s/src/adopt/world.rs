//! What a handover needs to know of a namespace, as it was at one moment.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    object::{Kind, Object, selects},
    record::Record,
};
use crate::labels;

/// Name of the Service that shows what the control plane has seen of the pods' labels.
pub(super) fn trial_name(workload: &str) -> String {
    format!("{workload}-adopting")
}

/// Everything that matters, and the name of the workload.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// Name of the workload, which is the Deployment's as well.
    pub(super) name: String,
    /// The namespace.
    pub(super) namespace: String,
    /// Objects by kind and name.
    pub(super) objects: BTreeMap<(Kind, String), Object>,
    /// Whether the cluster knows our own kind, with its scale subresource.
    pub(super) scales: bool,
}

impl World {
    /// The object of that kind and name.
    pub(super) fn get(&self, kind: Kind, name: &str) -> Option<&Object> {
        self.objects.get(&(kind, name.to_owned()))
    }

    /// The Deployment, if it is still or again there.
    pub(super) fn deployment(&self) -> Option<&Object> {
        self.get(Kind::Deployment, &self.name)
    }

    /// What is kept of the Deployment, if anything is.
    pub(super) fn record(&self) -> Option<(&Object, Result<Record, String>)> {
        let object = self.kept()?;
        Some((object, Record::read(object)))
    }

    /// The object in which something is kept of what was before.
    pub(super) fn kept(&self) -> Option<&Object> {
        self.get(Kind::ControllerRevision, &Record::name(&self.name))
    }

    /// The objects of one kind, by name.
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        let of_kind = self.objects.iter().filter(move |((of, _), _)| *of == kind);
        of_kind.map(|(_, object)| object)
    }

    /// The objects of one kind that carry the label of the workload.
    pub(super) fn ours(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.all(kind).filter(|object| object.label(labels::WORKLOAD) == Some(self.name.as_str()))
    }

    /// The pods of the object with that uid that are to stay.
    pub(super) fn pods_of(&self, uid: &str) -> impl Iterator<Item = &Object> {
        self.all(Kind::Pod).filter(move |pod| pod.is_of(uid) && !pod.is_going())
    }

    /// The Services whose selector takes pods with `labels`, but for the trial of an adoption.
    pub(super) fn services(&self, labels: &Value) -> impl Iterator<Item = &Object> {
        self.all(Kind::Service).filter(move |service| {
            service.name() != trial_name(&self.name)
                && selects(service.at(&["spec", "selector"]), labels)
        })
    }

    /// The autoscalers whose target is `kind` of the workload's name.
    pub(super) fn autoscalers(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.all(Kind::HorizontalPodAutoscaler).filter(move |scaler| {
            let target = scaler.at(&["spec", "scaleTargetRef"]);
            target["kind"] == kind.to_string() && target["name"] == self.name
        })
    }
}
