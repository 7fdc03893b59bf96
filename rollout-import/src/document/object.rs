//! One object of a file.

use std::fmt;

use serde_json::{Map, Value};

use super::Places;

/// One object of a file: a Kubernetes object, or a whole document of another kind.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// `apiVersion`; empty if there is none.
    pub(crate) api: String,
    /// `kind`; empty if there is none.
    pub(crate) kind: String,
    /// `metadata.name`; empty if there is none.
    pub(crate) name: String,
    /// `metadata.namespace`; empty if there is none.
    pub(crate) namespace: String,
    /// Which of several workloads in it is meant, from 0.
    pub(crate) part: usize,
    /// Everything in it.
    pub(crate) fields: Map<String, Value>,
    places: Places,
}

impl Object {
    /// An object of `fields`, which stand below `base` in a document with `places`.
    pub(super) fn new(fields: Map<String, Value>, base: &str, places: &Places) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
        let metadata = |name: &str| text(fields.get("metadata").and_then(|map| map.get(name)));
        Self {
            api: text(fields.get("apiVersion")),
            kind: text(fields.get("kind")),
            name: metadata("name"),
            namespace: metadata("namespace"),
            places: places.below(base),
            part: 0,
            fields,
        }
    }

    /// The same object for one of several workloads in it.
    pub(crate) fn for_part(&self, part: usize, kind: &str, name: String) -> Self {
        Self { part, kind: kind.to_owned(), name, ..self.clone() }
    }

    /// What stands at a path of names, such as `["spec", "template"]`.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.fields.get(*first)?, |value, name| value.get(*name))
    }

    /// Line and column of the field at `path`, or of the nearest thing around it that was written;
    /// `None` if that is the whole object.
    pub(crate) fn place(&self, path: &str) -> Option<(u64, u64)> {
        self.places.nearest(path)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind.as_str(), self.name.as_str()) {
            ("", "") => f.write_str("a document"),
            (kind, "") => f.write_str(kind),
            (kind, name) => write!(f, "{kind}/{name}"),
        }
    }
}
