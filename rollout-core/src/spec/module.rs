//! Modules: features of a workload that may be switched off to keep the others available.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A feature of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name, as the module port knows it.
    pub name: String,
    /// Whether it must be available at all times; then nothing may degrade it. Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_be_available: bool,
}

/// A circuit breaker around what the workload calls: a call that takes longer is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Longest time of one call. Default: 3 s.
    pub timeout: Span,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { timeout: Span::from_secs(3) }
    }
}

/// What the modules must be like in one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModuleNeeds {
    /// Modules that the engine degrades before the stage moves anything, and restores after the last stage
    /// that asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub degrade: Vec<String>,
    /// Modules that somebody else must have degraded before the stage moves anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<String>,
    /// Whether the circuit breaker is armed. Default: no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub breaker: bool,
}

impl ModuleNeeds {
    /// Whether nothing is asked for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.degrade.is_empty() && self.require.is_empty() && !self.breaker
    }
}
