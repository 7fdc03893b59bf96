//! What came of one attempt at an action: a total table, with not knowing as an answer of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{id::Mark, time::Span};

/// What came of one attempt at an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is so, now or already before.
    Applied {
        /// Observations from this mark on show it.
        mark: Mark,
    },
    /// It was not done.
    Refused {
        /// Why.
        why: Refusal,
        /// When to try again.
        retry: Retry,
    },
    /// Nobody knows whether it was, or will be, done.
    Unknown {
        /// What was seen instead of an answer.
        why: String,
    },
}

/// Why an attempt was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The kind, for decisions.
    pub kind: RefusalKind,
    /// The orchestrator's own words, for people; without secrets.
    pub detail: String,
}

/// Kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalKind {
    /// A newer engine has taken over.
    Fenced,
    /// Something it needs is not there: an image, a network, the instance itself.
    Missing,
    /// Something else has that name, or another change is under way.
    Conflict,
    /// The order makes no sense to the orchestrator.
    Invalid,
    /// Not permitted, or above a quota.
    Denied,
    /// Too busy now.
    Busy,
    /// Not reachable: the attempt never left this side.
    Unreachable,
}

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Never: it will always be refused.
    Never,
    /// After this long, as the orchestrator said.
    After(Span),
    /// When the engine thinks fit.
    Backoff,
}

impl Outcome {
    /// A refusal.
    #[must_use]
    pub fn refused(kind: RefusalKind, detail: impl Into<String>, retry: Retry) -> Self {
        Self::Refused { why: Refusal { kind, detail: detail.into() }, retry }
    }

    /// An attempt whose end nobody knows.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { .. } => f.write_str("applied"),
            Self::Refused { why, retry } => {
                write!(f, "refused: {why}")?;
                match retry {
                    Retry::Never => f.write_str(", for good"),
                    Retry::After(span) => write!(f, ", again after {span}"),
                    Retry::Backoff => Ok(()),
                }
            }
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
