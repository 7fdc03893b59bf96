//! What is kept of an object: only what an observation is made from, so that a cache of many stays small.

mod failure;
mod pod;
mod set;
#[cfg(test)]
mod tests;

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub(super) use self::{
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
pub(super) trait Facts: PartialEq + Sized {
    /// The object.
    type Object: kube::Resource<DynamicType = ()>;

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
