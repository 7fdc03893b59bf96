//! An object of the cluster as JSON: what is read, what is changed, and the difference between the two.

use rollout_core::id::Epoch;
use serde_json::{Map, Value, json};

use crate::labels;

/// An object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object(pub(super) Value);

impl Object {
    /// The field at a JSON pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// The list at a JSON pointer; nothing where there is none.
    pub(super) fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The list at a JSON pointer, to be changed.
    pub(super) fn list_mut(&mut self, pointer: &str) -> Option<&mut Vec<Value>> {
        self.0.pointer_mut(pointer)?.as_array_mut()
    }

    /// The map at a JSON pointer, to be changed; its last part is made if it is not there.
    pub(super) fn map(&mut self, pointer: &str) -> Option<&mut Map<String, Value>> {
        let (parent, name) = pointer.rsplit_once('/')?;
        let parent = self.0.pointer_mut(parent)?.as_object_mut()?;
        parent.entry(name).or_insert_with(|| json!({})).as_object_mut()
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.at("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The version it was read at.
    pub(super) fn version(&self) -> &str {
        self.at("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// How often its spec was changed.
    pub(super) fn generation(&self) -> Option<u64> {
        self.at("/metadata/generation").and_then(Value::as_u64)
    }

    /// A label.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.at("/metadata/labels")?.get(name)?.as_str()
    }

    /// An annotation.
    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.at("/metadata/annotations")?.get(name)?.as_str()
    }

    /// Sets a label, or removes it.
    pub(super) fn set_label(&mut self, name: &str, value: Option<&str>) {
        self.set("/metadata/labels", name, value);
    }

    /// Sets an annotation, or removes it.
    pub(super) fn set_annotation(&mut self, name: &str, value: Option<&str>) {
        self.set("/metadata/annotations", name, value);
    }

    fn set(&mut self, pointer: &str, name: &str, value: Option<&str>) {
        if value.is_none() && self.at(pointer).is_none() {
            return;
        }
        let Some(map) = self.map(pointer) else { return };
        match value {
            Some(value) => map.insert(name.to_owned(), json!(value)),
            None => map.remove(name),
        };
    }

    /// The newest reign that has written it.
    pub(super) fn epoch(&self) -> Epoch {
        let epoch = self.annotation(labels::EPOCH).and_then(|epoch| epoch.parse().ok());
        Epoch(epoch.unwrap_or_default())
    }

    /// A merge patch that makes `after` of it, refused by the API server if it was changed since it was
    /// read; `None` if nothing is to be done.
    pub(super) fn patch(&self, after: &Self) -> Option<Value> {
        let mut patch = difference(&self.0, &after.0)?;
        patch["metadata"]["resourceVersion"] = json!(self.version());
        Some(patch)
    }
}

/// A merge patch (RFC 7386) that makes `after` of `before`; `None` if they are equal. Lists go whole.
fn difference(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let mut patch = Map::new();
    for (name, value) in new {
        let changed = match old.get(name) {
            Some(old) => difference(old, value),
            None => Some(value.clone()),
        };
        patch.extend(changed.map(|changed| (name.clone(), changed)));
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    patch.extend(gone.map(|name| (name.clone(), Value::Null)));
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// A value as a person reads it.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_has_what_changed_and_the_version() {
        let before = Object(json!({
            "metadata": { "name": "a", "resourceVersion": "7", "annotations": { "x": "1", "y": "2" } },
            "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] },
        }));
        assert_eq!(before.patch(&before), None);
        let mut after = before.clone();
        after.set_annotation("x", None);
        after.set_label("new", Some("yes"));
        after.map("/spec/selector").unwrap().insert("v".to_owned(), json!("1"));
        let expected = json!({
            "metadata": { "resourceVersion": "7", "annotations": { "x": null }, "labels": { "new": "yes" } },
            "spec": { "selector": { "v": "1" } },
        });
        assert_eq!(before.patch(&after), Some(expected));
    }
}
