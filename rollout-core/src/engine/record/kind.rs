//! What records speak of: purposes, settlements, failures, causes and ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{engine::outcome::Refusal, id::RevisionId};

/// What an attempt is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A revision on trial.
    #[default]
    Move,
    /// Back to a revision that was proven before.
    Undo,
    /// New instances of the same revision.
    Restart,
    /// Everything to the revision that an operator declared stable.
    Adopt,
}

impl Purpose {
    /// Whether it is the usual one.
    #[must_use]
    pub const fn is_move(&self) -> bool {
        matches!(self, Self::Move)
    }
}

/// How the end that needs an operator is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The revision that serves becomes the stable one, and everything is brought to it.
    Adopt {
        /// That revision. Default: the one with the most serving instances.
        revision: Option<RevisionId>,
    },
    /// The way that stopped is gone on with, its deadlines anew.
    GoOn,
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It is so.
    Applied,
    /// It will never be so.
    Refused(Refusal),
    /// A newer action on the same subject took its place.
    Superseded,
}

/// How an instance failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Failure {
    /// It could not be made or started.
    Refused(Refusal),
    /// Its orchestrator says that it will never start.
    Stuck {
        /// The orchestrator's own words.
        detail: String,
    },
    /// Its process ended though nobody asked.
    Exited {
        /// Exit code.
        code: i64,
        /// The orchestrator's own words.
        detail: String,
    },
    /// It did not get ready before the startup probe gave up.
    NeverReady {
        /// What the probe saw last.
        detail: String,
    },
    /// It was ready, and its readiness probe failed too often in a row.
    Unready {
        /// What the probe saw last.
        detail: String,
    },
    /// Its liveness probe failed too often in a row.
    NotLive {
        /// What the probe saw last.
        detail: String,
    },
}

/// Why a rollout turned back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Someone wanted it.
    Ordered {
        /// Who.
        by: String,
        /// Why, in their words.
        why: Option<String>,
    },
    /// Too many candidate instances failed.
    Failures {
        /// That many failed.
        failed: u64,
        /// Of so many.
        of: u64,
        /// The last one's failure.
        last: String,
    },
    /// No progress for too long.
    NoProgress {
        /// Candidate instances available.
        available: u64,
        /// Candidate instances wanted.
        wanted: u64,
    },
    /// The whole rollout took too long.
    TooLong,
    /// An approval did not come in time.
    NotApproved,
    /// A metric failed.
    Metric {
        /// Its name.
        metric: String,
        /// Why, with the numbers compared.
        why: String,
    },
    /// A hook failed.
    Hook {
        /// Its name.
        hook: String,
        /// What went wrong.
        why: String,
    },
    /// A newer revision took its place.
    Superseded {
        /// That revision.
        by: RevisionId,
    },
}

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// Every instance is the candidate's.
    Completed,
    /// Every instance is the stable revision's again.
    RolledBack,
    /// The first deploy failed: nothing serves.
    Failed,
    /// Neither revision can be brought to serve everything; what serves was left alone.
    NeedsOperator {
        /// What is missing, with numbers.
        why: String,
    },
    /// A newer engine has taken over; this one stopped.
    Fenced,
}

impl Failure {
    /// Whether no process is left that could be drained.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Stuck { .. } | Self::Exited { .. } => true,
            Self::NeverReady { .. } | Self::Unready { .. } | Self::NotLive { .. } => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "could not be made: {why}"),
            Self::Stuck { detail } => write!(f, "will never start: {detail}"),
            Self::Exited { code, detail } if detail.is_empty() => {
                write!(f, "exited by itself with code {code}")
            }
            Self::Exited { code, detail } => {
                write!(f, "exited by itself with code {code}: {detail}")
            }
            Self::NeverReady { detail } => write!(f, "did not get ready: {detail}"),
            Self::Unready { detail } => write!(f, "was ready and is no more: {detail}"),
            Self::NotLive { detail } => write!(f, "is not live: {detail}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordered { by, why: None } => write!(f, "ordered by {by}"),
            Self::Ordered { by, why: Some(why) } => write!(f, "ordered by {by}: {why}"),
            Self::Failures { failed, of, last } => {
                write!(f, "{failed} of {of} candidate instances failed; the last one {last}")
            }
            Self::NoProgress { available, wanted } => write!(
                f,
                "no progress before the deadline: {available} of {wanted} candidate instances available"
            ),
            Self::TooLong => f.write_str("the rollout took longer than its deadline"),
            Self::NotApproved => f.write_str("no approval before the gate's deadline"),
            Self::Metric { metric, why } => write!(f, "metric {metric}: {why}"),
            Self::Hook { hook, why } => write!(f, "hook {hook} failed: {why}"),
            Self::Superseded { by } => write!(f, "superseded by {by}"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::RolledBack => f.write_str("rolled back"),
            Self::Failed => f.write_str("failed, nothing serves"),
            Self::NeedsOperator { why } => write!(f, "needs an operator: {why}"),
            Self::Fenced => f.write_str("stopped: a newer engine has taken over"),
        }
    }
}
