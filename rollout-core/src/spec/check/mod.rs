//! Checked specs: the only form the planner and the engine take.
//!
//! In: a [`Spec`]. Out: a [`CheckedSpec`], or every refusal at once. Absent: anything that needs a
//! backend; what a backend cannot do is refused by the planner.

mod canary;
mod error;
mod gate;
mod health;
mod hook;
mod limits;
mod module;
mod rollback;
mod route;
mod stages;
mod strategy;
mod warning;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    error::{CheckError, HookError, ModuleError, RollbackError, RouteError, StagesError},
    warning::Warning,
};
use super::Spec;
use crate::time::Span;

/// Most instances of one workload.
pub const REPLICAS_LIMIT: u64 = 1 << 31;
/// Longest drain, stop grace and probe time.
pub const SHORT_WAIT_LIMIT: Span = Span::from_secs(24 * 3600);
/// Longest hold, bake, standby, monitor and deadline.
pub const LONG_WAIT_LIMIT: Span = Span::from_secs(365 * 24 * 3600);

/// A spec whose every number was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Spec", try_from = "Spec")]
pub struct CheckedSpec(Spec);

/// Every reason why a spec was refused, in the order of its fields. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckErrors(Vec<CheckError>);

impl CheckedSpec {
    /// Returns `spec` as a checked one.
    ///
    /// # Errors
    ///
    /// [`CheckErrors`] names every field that is wrong, its value, the limit and the way out.
    pub fn new(spec: Spec) -> Result<Self, CheckErrors> {
        let errors = Self::check(&spec);
        if errors.is_empty() { Ok(Self(spec)) } else { Err(CheckErrors(errors)) }
    }

    /// Everything that is wrong with `spec`; nothing, if it can be used.
    #[must_use]
    pub fn check(spec: &Spec) -> Vec<CheckError> {
        let mut errors = Vec::new();
        limits::head(spec, &mut errors);
        strategy::check(spec, &mut errors);
        health::check(spec, &mut errors);
        limits::times(spec, &mut errors);
        rollback::check(spec, &mut errors);
        hook::check(spec, &mut errors);
        module::check(spec, &mut errors);
        for (place, metric) in spec.watch.iter().enumerate() {
            metric.check(&format!("watch[{place}]"), &mut errors);
        }
        if let Some(calendar) = &spec.calendar {
            calendar.check("calendar", &mut errors);
        }
        errors
    }

    /// What may be used but is rarely meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        warning::of(&self.0)
    }

    /// The least time from an instance's first answer to its being available: what the probes and
    /// `min_ready` add at best.
    #[must_use]
    pub fn least_to_available(&self) -> Span {
        health::least_to_available(&self.0.health)
    }

    /// The spec itself.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.0
    }
}

impl CheckErrors {
    /// The reasons, in the order of the fields.
    #[must_use]
    pub fn as_slice(&self) -> &[CheckError] {
        &self.0
    }
}

impl IntoIterator for CheckErrors {
    type Item = CheckError;
    type IntoIter = std::vec::IntoIter<CheckError>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for CheckErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = "";
        for error in &self.0 {
            write!(f, "{line}{error}")?;
            line = "\n";
        }
        Ok(())
    }
}

impl std::error::Error for CheckErrors {}

impl std::ops::Deref for CheckedSpec {
    type Target = Spec;
    fn deref(&self) -> &Spec {
        &self.0
    }
}

impl TryFrom<Spec> for CheckedSpec {
    type Error = CheckErrors;
    fn try_from(spec: Spec) -> Result<Self, CheckErrors> {
        Self::new(spec)
    }
}

impl From<CheckedSpec> for Spec {
    fn from(checked: CheckedSpec) -> Self {
        checked.0
    }
}

#[cfg(test)]
mod tests;
