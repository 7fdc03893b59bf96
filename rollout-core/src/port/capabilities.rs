//! What a set of ports can do.
//!
//! In: what an adapter says of itself. Out: what plans, fleet and guard ask before they rely on it.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{spec::Counting, time::Span};

/// What the ports of one workload can do together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// How instances are made and removed.
    pub making: Making,
    /// Whether instances on their way out count against surge, unless the spec says so itself.
    pub counting: Counting,
    /// How single instances are taken out of traffic; `None`: they cannot be.
    pub enrolment: Option<Confirmation>,
    /// Units a router divides traffic into, 10,000 for basis points; `None`: no weights.
    pub router: Option<u64>,
    /// What else they can do.
    #[serde(default)]
    pub abilities: BTreeSet<Ability>,
}

impl Capabilities {
    /// Whether instances go by name though their backend keeps them by count: each one is drained before its
    /// pool is told to be smaller.
    #[must_use]
    pub fn drains_by_name(&self) -> bool {
        self.making == Making::ByCount && self.enrolment.is_some()
    }
}

/// Something that not every set of ports can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ability {
    /// The router sends requests by header or cookie.
    Matches,
    /// The router copies requests.
    Mirror,
    /// The router keeps clients on their revision.
    Affinity,
    /// Jobs can be run.
    Hooks,
    /// Metrics can be measured.
    Metrics,
    /// Modules can be degraded.
    Modules,
}

/// How a backend makes and removes instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Making {
    /// "Start this one, stop that one": Docker, plain hosts.
    ByName,
    /// "Be 5": a `ReplicaSet`.
    ByCount,
}

/// How it is known that an instance gets nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// The data plane says so, and says how many requests are in flight.
    Observed,
    /// Nobody can be asked; after this long it is so.
    Elapsed(Span),
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matches => "matches of headers and cookies",
            Self::Mirror => "copies of requests",
            Self::Affinity => "affinity of clients",
            Self::Hooks => "hooks",
            Self::Metrics => "metrics",
            Self::Modules => "modules",
        })
    }
}

impl fmt::Display for Making {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByName => "by name",
            Self::ByCount => "by count",
        })
    }
}
