//! One write to the cluster, in full: what it is told as, and what it does.

use std::fmt;

use serde_json::{Map, Value};

use super::object::{Kind, Object};

/// Longest value that is shown whole.
const SHOWN: usize = 80;

/// One write to one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Kind of the object.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    pub(super) write: Write,
}

/// What is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Write {
    /// The object, whole, and what it is for.
    Create { object: Value, purpose: String },
    /// A merge patch. It has the resource version that it was made from, or, where that moves by itself, the
    /// uid: an object that somebody else changed meanwhile is not written.
    Patch { before: Value, patch: Value },
    /// Deletes the object with that uid and, where it is given, that resource version.
    Delete { uid: String, resource_version: Option<String>, orphans: bool },
}

/// One field that a change writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its path, such as `spec.selector.app`.
    pub field: String,
    /// What stands there; `None` if nothing does.
    pub from: Option<String>,
    /// What will stand there; `None` if nothing will.
    pub to: Option<String>,
}

impl Change {
    pub(super) fn create(kind: Kind, object: Value, purpose: impl Into<String>) -> Self {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Self { kind, name, write: Write::Create { object, purpose: purpose.into() } }
    }

    /// Patches `object` as it was read; `None` if `patch` says nothing new.
    pub(super) fn patch(kind: Kind, object: &Object, mut patch: Value) -> Option<Self> {
        keep_new(&object.0, &mut patch);
        if patch.as_object().is_none_or(Map::is_empty) {
            return None;
        }
        // The kubelet writes a pod's status all the time, so its resource version moves by itself.
        let guard = match kind {
            Kind::Pod => "uid",
            Kind::Deployment
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::ReplicaSet
            | Kind::Service
            | Kind::HorizontalPodAutoscaler
            | Kind::PodDisruptionBudget
            | Kind::ControllerRevision
            | Kind::EndpointSlice
            | Kind::Rollout => "resourceVersion",
        };
        patch["metadata"][guard] = object.at(&["metadata", guard]).clone();
        let before = object.0.clone();
        Some(Self { kind, name: object.name().to_owned(), write: Write::Patch { before, patch } })
    }

    pub(super) fn delete(kind: Kind, object: &Object) -> Self {
        let write =
            Write::Delete { uid: object.uid().to_owned(), resource_version: None, orphans: false };
        Self { kind, name: object.name().to_owned(), write }
    }

    /// Deletes `object` as it was read, and leaves what it rules.
    pub(super) fn delete_alone(kind: Kind, object: &Object) -> Self {
        let resource_version = Some(object.text(&["metadata", "resourceVersion"]).to_owned());
        let write = Write::Delete { uid: object.uid().to_owned(), resource_version, orphans: true };
        Self { kind, name: object.name().to_owned(), write }
    }

    /// The fields that are written; none for what is made or deleted whole.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldChange> {
        let mut fields = Vec::new();
        if let Write::Patch { before, patch } = &self.write {
            flatten("", before, patch, &mut fields);
        }
        fields
    }

    /// What is done, in one word.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self.write {
            Write::Create { .. } => "create",
            Write::Patch { .. } => "patch",
            Write::Delete { .. } => "delete",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.verb(), self.kind, self.name)?;
        match &self.write {
            Write::Create { purpose, .. } => write!(f, ": {purpose}"),
            Write::Delete { orphans: true, .. } => {
                f.write_str(": what it rules stays (propagationPolicy: Orphan)")
            }
            Write::Delete { orphans: false, .. } => Ok(()),
            Write::Patch { .. } => {
                self.fields().iter().try_for_each(|field| write!(f, "\n    {field}"))
            }
        }
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: &Option<String>| match value {
            None => "none".to_owned(),
            Some(text) if SHOWN < text.len() => format!("({} bytes)", text.len()),
            Some(text) => text.clone(),
        };
        write!(f, "{}: {} → {}", self.field, told(&self.from), told(&self.to))
    }
}

/// Takes out of `patch` what `before` says already.
fn keep_new(before: &Value, patch: &mut Value) {
    let Value::Object(fields) = patch else { return };
    fields.retain(|name, value| {
        let old = &before[name];
        if value.is_object() && (old.is_object() || old.is_null()) {
            keep_new(old, value);
            return value.as_object().is_some_and(|rest| !rest.is_empty());
        }
        value != old
    });
}

fn flatten(place: &str, before: &Value, patch: &Value, fields: &mut Vec<FieldChange>) {
    let Value::Object(parts) = patch else {
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Some(value.to_string())
            }
        };
        fields.push(FieldChange { field: place.to_owned(), from: text(before), to: text(patch) });
        return;
    };
    for (name, value) in parts {
        // The guard of the write is no change.
        if place == "metadata" && matches!(name.as_str(), "uid" | "resourceVersion") {
            continue;
        }
        let dot = if place.is_empty() { "" } else { "." };
        flatten(&format!("{place}{dot}{name}"), &before[name], value, fields);
    }
}

/// Applies a merge patch (RFC 7386) to `value`.
#[cfg(test)]
pub(super) fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    for (name, new) in fields {
        if new.is_null() {
            if let Some(fields) = value.as_object_mut() {
                fields.remove(name);
            }
        } else {
            merge(&mut value[name], new);
        }
    }
}
