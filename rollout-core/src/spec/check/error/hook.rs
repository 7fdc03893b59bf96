//! Refusals of jobs.

use crate::spec::check::hook::RETRIES_LIMIT;

/// A job that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HookError {
    /// There is nothing to run.
    #[error(
        "{field}: there is nothing to run; write what the hook port is to run, or leave out the hook"
    )]
    NothingToRun {
        /// Path of the field.
        field: String,
    },
    /// A job that could never end in time.
    #[error("{field}: 0s leaves no time to run; write a span such as `5m`")]
    NoTime {
        /// Path of the field.
        field: String,
    },
    /// More retries than anyone could mean.
    #[error("{field}: {value} is above the limit of {RETRIES_LIMIT}; write less")]
    TooManyRetries {
        /// Path of the field.
        field: String,
        /// The number as given.
        value: u32,
    },
    /// The strategy has no such point.
    #[error("hooks.{point}: `{strategy}` has no such point{why}; {way_out}")]
    NoSuchPoint {
        /// Name of the point.
        point: &'static str,
        /// Path of the point, `hooks.` and its name.
        field: &'static str,
        /// The strategy.
        strategy: &'static str,
        /// What is missing, where the name of the strategy does not say it.
        why: &'static str,
        /// What a person can do about it.
        way_out: &'static str,
    },
}

impl HookError {
    /// Path of the field that is wrong.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::NothingToRun { field }
            | Self::NoTime { field }
            | Self::TooManyRetries { field, .. } => field,
            Self::NoSuchPoint { field, .. } => field,
        }
    }
}
