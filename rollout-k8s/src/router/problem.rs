//! What keeps a router from doing what it is told, with the way out: a refusal of an attempt, and the reason
//! why nothing could be observed.

use rollout_core::{
    engine::{RefusalKind, Retry},
    port::ObserveError,
};

use crate::outcome::Failed;

/// Why a router cannot do, or say, what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// An object is not there, or not what it must be.
    Problem(Problem),
    /// The API server did not do it; `what` was asked.
    Call { what: String, failed: Failed },
}

/// An object that is not there, or not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) kind: RefusalKind,
    pub(super) retry: Retry,
    /// The object, such as `HTTPRoute web`.
    pub(super) what: String,
    pub(super) why: String,
    pub(super) way_out: String,
}

impl Problem {
    /// Something is missing, or will be there later.
    pub(super) fn missing(what: &str, why: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(RefusalKind::Missing, Retry::Backoff, what, why, way_out)
    }

    /// Something stands in the way that a person can take out of it.
    pub(super) fn conflict(what: &str, why: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(RefusalKind::Conflict, Retry::Backoff, what, why, way_out)
    }

    /// The router will never be able to do it.
    pub(super) fn never(what: &str, why: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, Retry::Never, what, why, way_out)
    }

    /// A newer engine has written the object.
    pub(super) fn fenced(what: &str, why: impl Into<String>) -> Self {
        let way_out = "the newer engine goes on with it";
        Self::new(RefusalKind::Fenced, Retry::Never, what, why, way_out)
    }

    fn new(
        kind: RefusalKind,
        retry: Retry,
        what: &str,
        why: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        let (what, why, way_out) = (what.to_owned(), why.into(), way_out.into());
        Self { kind, retry, what, why, way_out }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Trouble {
    /// What it makes of an attempt.
    pub(super) fn failed(self) -> Failed {
        match self {
            Self::Problem(Problem { kind, retry, what, why, way_out }) => {
                Failed::Refused(kind, retry, format!("{what}: {why}; {way_out}"))
            }
            Self::Call { what, failed } => match failed {
                Failed::Refused(kind, retry, why) => {
                    Failed::Refused(kind, retry, format!("{what}: {why}"))
                }
                Failed::Unknown(why) => Failed::Unknown(format!("{what}: {why}")),
            },
        }
    }

    /// What it makes of an observation.
    pub(super) fn unseen(self) -> ObserveError {
        match self {
            Self::Problem(Problem { what, why, way_out, .. }) => {
                ObserveError { what, why, way_out }
            }
            Self::Call { what, failed } => failed.observe(what),
        }
    }

    /// Reading changes nothing, so even an answer that never came is no doubt.
    pub(super) fn of_reading(self) -> Self {
        match self {
            Self::Call { what, failed: Failed::Unknown(why) } => {
                Self::Call { what, failed: Failed::now(RefusalKind::Unreachable, why) }
            }
            other @ (Self::Problem(_) | Self::Call { .. }) => other,
        }
    }
}
