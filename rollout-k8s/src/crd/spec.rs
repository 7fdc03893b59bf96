//! The spec of an object as a checked one: the object's name is the workload's.

use rollout_core::spec::{CheckErrors, CheckedSpec, ParseError, Spec};
use serde_json::{Value, json};

use super::Rollout;

/// An object whose spec cannot be used. Nothing was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A field is not understood.
    #[error("spec.{0}")]
    Parse(ParseError),
    /// A field is understood and makes no sense.
    #[error("spec.{0}")]
    Check(CheckErrors),
    /// The workload has another name.
    #[error("spec.workload: `{given}` is not the name of the object, `{name}`; leave it out")]
    OtherName {
        /// The workload as given.
        given: String,
        /// The object's name.
        name: String,
    },
}

/// Reads the spec of `rollout`. What it leaves out, `version` and `workload`, is the object's own.
///
/// # Errors
///
/// [`SpecError`] says which field is wrong, with its value and the way out.
///
/// # Panics
///
/// Never: a [`super::RawSpec`] is an object.
pub fn read(rollout: &Rollout) -> Result<CheckedSpec, SpecError> {
    let name = rollout.metadata.name.clone().unwrap_or_default();
    let mut value: Value = serde_json::from_str(rollout.spec.as_str())
        .expect("a raw spec is JSON that was written here");
    let fields = value.as_object_mut().expect("a raw spec is an object");
    fields.entry("version").or_insert_with(|| json!(1));
    match fields.get("workload").and_then(Value::as_str) {
        Some(given) if given != name => {
            return Err(SpecError::OtherName { given: given.to_owned(), name });
        }
        Some(_) => (),
        None => {
            fields.insert("workload".to_owned(), json!(name));
        }
    }
    let spec = Spec::from_json(&value.to_string()).map_err(SpecError::Parse)?;
    CheckedSpec::new(spec).map_err(SpecError::Check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_names_the_workload() {
        let spec = read(&Rollout::new("prod", "web", &json!({"replicas": 4}))).unwrap();
        assert_eq!(spec.workload.as_str(), "web");
        assert_eq!(spec.replicas, 4);
        let other = read(&Rollout::new("prod", "web", &json!({"workload": "api"})));
        assert!(matches!(other, Err(SpecError::OtherName { .. })), "{other:?}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let unknown = read(&Rollout::new("prod", "web", &json!({"replica": 4}))).unwrap_err();
        assert!(unknown.to_string().contains("replicas"), "{unknown}");
        let none = json!({"strategy": {"rolling": {"surge": 0, "unavailable": 0}}});
        let refused = read(&Rollout::new("prod", "web", &none)).unwrap_err();
        assert!(refused.to_string().contains("strategy.rolling"), "{refused}");
    }
}
