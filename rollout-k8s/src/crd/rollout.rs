//! The object itself: metadata, the spec as it was written, the status.

use std::{borrow::Cow, fmt, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::NamespaceResourceScope};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::Value;

use super::{KIND, PLURAL, VERSION, status::RolloutStatus};
use crate::labels::GROUP;

/// A workload to be moved, as a Kubernetes object.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Always [`VERSION`] of [`GROUP`].
    #[serde(default = "api_version")]
    pub api_version: Cow<'static, str>,
    /// Always [`KIND`].
    #[serde(default = "kind")]
    pub kind: Cow<'static, str>,
    /// Name, namespace and what the cluster keeps of it.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: RawSpec,
    /// What became of it; written by the operator alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RolloutStatus>,
}

/// A spec as it was written: read when it is needed, so that ten thousand idle ones stay small and one
/// that is not understood can be told to the person who wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct RawSpec(Arc<str>);

impl RawSpec {
    /// `value` as a spec, unread.
    #[must_use]
    pub fn new(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// The spec as JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Rollout {
    /// An object named `name` in `namespace` that wants `spec`.
    #[must_use]
    pub fn new(namespace: &str, name: &str, spec: &Value) -> Self {
        Self {
            api_version: api_version(),
            kind: kind(),
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            spec: RawSpec::new(spec),
            status: None,
        }
    }

    /// Its number of writes to the spec; 0 before the cluster has it.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.metadata.generation.unwrap_or_default()
    }

    /// Whether it is to be deleted.
    #[must_use]
    pub const fn is_terminating(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// The value of its annotation `name`.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }
}

fn api_version() -> Cow<'static, str> {
    format!("{GROUP}/{VERSION}").into()
}

const fn kind() -> Cow<'static, str> {
    Cow::Borrowed(KIND)
}

impl Resource for Rollout {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        KIND.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl Serialize for RawSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Value = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_object() {
            return Ok(Self::new(&value));
        }
        Err(D::Error::custom("spec: it is no object; write the fields of a spec below it"))
    }
}

impl fmt::Debug for RawSpec {
    /// Its length alone: a template may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spec of {} bytes", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_reads_back_as_written_and_shows_no_template() {
        let spec = json!({"replicas": 3, "template": {"spec": {"password": "hush"}}});
        let made = Rollout::new("prod", "web", &spec);
        let written = serde_json::to_value(&made).unwrap();
        assert_eq!(written["apiVersion"], "rollout-engine.dev/v1alpha1");
        assert_eq!(written["spec"], spec);
        let read: Rollout = serde_json::from_value(written).unwrap();
        assert_eq!(read.spec, made.spec);
        assert!(!format!("{read:?}").contains("hush"));
    }

    #[test]
    fn a_spec_that_is_no_object_is_refused() {
        let error = serde_json::from_value::<RawSpec>(json!("web")).unwrap_err();
        assert!(error.to_string().contains("no object"), "{error}");
    }
}
