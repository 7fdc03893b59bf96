//! Refusals of the way back and of how much is remembered.

use crate::{
    spec::check::rollback::{HISTORY_LEAST, HISTORY_LIMIT},
    time::Span,
};

/// A way back that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RollbackError {
    /// The way back would count in another way than the way forward.
    #[error(
        "rollback.pace.counting: both ways count alike, `{value}` cannot be set for one; leave it out, and set `counting` in the pace of the strategy"
    )]
    Counting {
        /// The rule as given.
        value: &'static str,
    },
    /// A way back that takes everything down first has no such number.
    #[error(
        "rollback.pace.{name}: `{value}` says how many are replaced at a time, but with `strategy: recreate` the whole candidate goes first; leave out one of the two"
    )]
    PaceOfRecreate {
        /// Path of the field.
        field: &'static str,
        /// Name of the field.
        name: &'static str,
        /// Its value, as text.
        value: String,
    },
    /// A way back that could never end in time.
    #[error(
        "rollback.timeout: 0s leaves no time to go back; write a span such as `10m`, or leave it out for no limit of its own"
    )]
    NoTime,
    /// The way back could never count as done.
    #[error(
        "rollback.timeout: {timeout} is not above the {interval} of `health_check_interval`, so the way back could never end in time; raise the one, or lower the other"
    )]
    TimeoutBelowCheck {
        /// The timeout as given.
        timeout: Span,
        /// How long stable must be healthy.
        interval: Span,
    },
    /// The candidate is to be kept and to go first at once.
    #[error(
        "rollback.keep_failed: {value} keeps the failed candidate, but with `strategy: recreate` it goes before stable comes back; leave out one of the two"
    )]
    KeepBesideRecreate {
        /// The span as given.
        value: Span,
    },
    /// Nothing, or more than anyone could mean, is remembered.
    #[error(
        "history: {value} is outside {HISTORY_LEAST} to {HISTORY_LIMIT} revisions; write a number within"
    )]
    History {
        /// The number as given.
        value: u64,
    },
}

impl RollbackError {
    /// Path of the field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Counting { .. } => "rollback.pace.counting",
            Self::PaceOfRecreate { field, .. } => field,
            Self::NoTime | Self::TimeoutBelowCheck { .. } => "rollback.timeout",
            Self::KeepBesideRecreate { .. } => "rollback.keep_failed",
            Self::History { .. } => "history",
        }
    }
}
