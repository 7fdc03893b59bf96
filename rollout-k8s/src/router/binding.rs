//! Which revision stands behind a Service, or a subset: its selector, and what shows that it is in effect.
//!
//! The selector is written together with two labels of the Service. Kubernetes copies a Service's labels to
//! its `EndpointSlice`s when it computes them, so the labels there say which selector they were computed
//! from: a binding is in effect when every slice says so, and not when the selector was written.

use rollout_core::id::{Epoch, RevisionId};
use serde_json::{Map, Value, json};

use super::object::{Object, text};
use crate::labels::{self, REVISION_BEFORE as BEFORE, TAKES};

/// Value of the serving label that no pod has.
const NOBODY: &str = "nobody";

/// What stands behind a Service, or a subset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// Whatever it was made for: it was never bound.
    Unset,
    /// One revision.
    Revision(RevisionId),
    /// Every revision.
    Everyone,
    /// No pod.
    Nobody,
}

impl Binding {
    /// The revision, if there is one.
    pub(super) const fn revision(&self) -> Option<&RevisionId> {
        match self {
            Self::Revision(revision) => Some(revision),
            Self::Unset | Self::Everyone | Self::Nobody => None,
        }
    }

    /// The labels that a pod must have beside what its owner asks.
    pub(super) fn labels(&self) -> Map<String, Value> {
        let mut labels = Map::new();
        match self {
            Self::Unset => (),
            Self::Everyone => serving(&mut labels, labels::SERVING_VALUE),
            Self::Nobody => serving(&mut labels, NOBODY),
            Self::Revision(revision) => {
                labels.insert(labels::REVISION.to_owned(), json!(revision.as_str()));
                serving(&mut labels, labels::SERVING_VALUE);
            }
        }
        labels
    }

    /// What the labels of a selector say.
    pub(super) fn of_labels(selector: Option<&Value>, is_touched: bool) -> Self {
        let label = |name: &str| selector.and_then(|selector| selector.get(name)?.as_str());
        if label(labels::SERVING) == Some(NOBODY) {
            return Self::Nobody;
        }
        match label(labels::REVISION).and_then(|name| name.parse().ok()) {
            Some(revision) => Self::Revision(revision),
            None if is_touched => Self::Everyone,
            None => Self::Unset,
        }
    }

    /// The word for it in a label.
    const fn word(&self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Revision(_) => "revision",
            Self::Everyone => "everyone",
            Self::Nobody => NOBODY,
        }
    }
}

fn serving(labels: &mut Map<String, Value>, value: &str) {
    labels.insert(labels::SERVING.to_owned(), json!(value));
}

/// Replaces what `labels` of a selector are ours by those of `binding`.
pub(super) fn select(labels: &mut Map<String, Value>, binding: &Binding) {
    labels.remove(labels::REVISION);
    labels.remove(labels::SERVING);
    labels.extend(binding.labels());
}

/// What the selector of `service` takes.
pub(super) fn of_service(service: &Object) -> Binding {
    let is_touched = service.label(TAKES).is_some();
    Binding::of_labels(service.at("/spec/selector"), is_touched)
}

/// The revision that stood behind `service` before.
pub(super) fn before(service: &Object) -> Option<RevisionId> {
    service.annotation(BEFORE)?.parse().ok()
}

/// Remembers what stood behind the stable side.
pub(super) fn set_before(object: &mut Object, was: &Binding) {
    object.set_annotation(BEFORE, was.revision().map(RevisionId::as_str));
}

/// `service` with a selector that takes what `binding` says.
pub(super) fn bind(service: &Object, binding: &Binding, epoch: Epoch) -> Object {
    let mut bound = service.clone();
    let was = of_service(service);
    if let Some(selector) = bound.map("/spec/selector") {
        select(selector, binding);
    }
    bound.set_label(TAKES, Some(binding.word()));
    bound.set_label(labels::REVISION, binding.revision().map(RevisionId::as_str));
    if was != *binding {
        set_before(&mut bound, &was);
    }
    bound.set_annotation(labels::EPOCH, Some(&epoch.0.to_string()));
    bound
}

/// What stands behind a Service whose slices carry these labels; `written` where they say nothing of us,
/// which is before the first binding.
pub(super) fn in_effect(slices: &[Object], written: &Binding) -> Binding {
    let said =
        slices.iter().map(|slice| match (slice.label(TAKES), slice.label(labels::REVISION)) {
            (Some("everyone"), _) => Binding::Everyone,
            (Some(NOBODY), _) => Binding::Nobody,
            (Some("revision"), Some(revision)) => {
                revision.parse().map_or(Binding::Unset, Binding::Revision)
            }
            (Some(_) | None, _) => Binding::Unset,
        });
    // One slice that lags is enough for pods of the binding before to be reached.
    let said: Vec<Binding> = said.collect();
    said.iter().find(|said| *said != written).or(said.first()).unwrap_or(&Binding::Unset).clone()
}

/// The labels of `pod` that keep a Service which asks for `selector` from taking it, with the value asked
/// for; those that change while a pod lives are left out.
pub(super) fn misses(selector: Option<&Value>, pod: &Object) -> Vec<String> {
    let asked = selector.and_then(Value::as_object).into_iter().flatten();
    asked
        .filter(|(name, _)| *name != labels::SERVING && *name != labels::REVISION)
        .filter(|(name, value)| pod.label(name) != value.as_str())
        .map(|(name, value)| format!("{name}={}", text(value)))
        .collect()
}
