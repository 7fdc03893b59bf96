//! What is kept of an object: only what an observation is made from, so that a cache of many stays small.

mod failure;
mod in_place;
mod pod;
mod set;
#[cfg(test)]
mod tests;

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::NamespaceResourceScope;
use serde::de::DeserializeOwned;

pub(super) use self::{
    in_place::{InPlace, InPlaceFacts, InPlaceObject},
    pod::{Gate, PodFacts, is_gated},
    set::SetFacts,
};
use crate::labels;

/// A place in the order of all writes to objects of one kind, from `resourceVersion`. Kubernetes promises
/// that they are comparable since 1.35; with etcd under it they always were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u64);

impl Version {
    /// After everything.
    pub(super) const NEWEST: Self = Self(u64::MAX);

    /// The version in `text`; the oldest if it is no number.
    pub(super) fn read(text: Option<&str>) -> Self {
        Self(text.and_then(|text| text.parse().ok()).unwrap_or_default())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is kept of an object of one kind.
pub(super) trait Facts: PartialEq + Send + Sized + 'static {
    /// The object.
    type Object: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + fmt::Debug
        + DeserializeOwned
        + Send
        + 'static;

    /// What is kept of `object`; `None` if it is not ours.
    fn read(object: &Self::Object) -> Option<Self>;

    /// Its version.
    fn version(&self) -> Version;

    /// Takes over what only `older` facts about the same object know.
    fn follow(&mut self, older: &Self);

    /// Whether an observation shows something else than with `other`; versions aside.
    fn shows_as(&self, other: &Self) -> bool;
}

/// A label of an object.
fn label<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    meta.labels.as_ref()?.get(name).map(String::as_str)
}

/// An annotation of an object.
fn annotation<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    meta.annotations.as_ref()?.get(name).map(String::as_str)
}

/// Namespace, workload and name of an object of ours.
pub(super) fn identity(meta: &ObjectMeta) -> Option<(&str, &str, &str)> {
    let workload = label(meta, labels::WORKLOAD)?;
    Some((meta.namespace.as_deref()?, workload, meta.name.as_deref()?))
}

/// A count of Kubernetes'.
fn count(number: i32) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// The manager of `spec.replicas`: the newest of those who own the field.
fn sized_by(meta: &ObjectMeta) -> Option<String> {
    let owns = |fields: &serde_json::Value| fields.pointer("/f:spec/f:replicas").is_some();
    let managers = meta.managed_fields.as_ref()?.iter();
    managers
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| owns(&fields.0)))
        .max_by_key(|entry| entry.time.as_ref().map(|time| time.0))
        .and_then(|entry| entry.manager.clone())
}
