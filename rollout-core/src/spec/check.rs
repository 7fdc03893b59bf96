//! Checked specs: the only form the planner and the engine take.

use serde::{Deserialize, Serialize};

use super::Spec;

/// A spec whose every number was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Spec", try_from = "Spec")]
pub struct CheckedSpec(Spec);

/// A spec that was refused: the field, its value, the limit and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The spec is of another version of the format.
    #[error("version: {value} is not known, this engine reads version 1; set `version: 1`")]
    Version {
        /// The version as given.
        value: u32,
    },
}

impl CheckedSpec {
    /// Returns `spec` as a checked one.
    ///
    /// # Errors
    ///
    /// [`CheckError`] names the first field that is wrong.
    pub fn new(spec: Spec) -> Result<Self, CheckError> {
        if spec.version != 1 {
            return Err(CheckError::Version { value: spec.version });
        }
        Ok(Self(spec))
    }

    /// The spec itself.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.0
    }
}

impl std::ops::Deref for CheckedSpec {
    type Target = Spec;
    fn deref(&self) -> &Spec {
        &self.0
    }
}

impl TryFrom<Spec> for CheckedSpec {
    type Error = CheckError;
    fn try_from(spec: Spec) -> Result<Self, CheckError> {
        Self::new(spec)
    }
}

impl From<CheckedSpec> for Spec {
    fn from(checked: CheckedSpec) -> Self {
        checked.0
    }
}
