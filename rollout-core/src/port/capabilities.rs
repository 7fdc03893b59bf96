//! What a set of ports can do.
//!
//! In: what an adapter says of itself. Out: what plans, fleet and guard ask before they rely on it.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::engine::Effect;
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
    /// Whether instances go by name though their backend makes them by itself: each one is drained before its
    /// pool is told to be smaller, or its place to come back as another revision.
    #[must_use]
    pub fn drains_by_name(&self) -> bool {
        match self.making {
            Making::ByName => false,
            Making::ByCount | Making::InPlace { .. } => self.enrolment.is_some(),
        }
    }

    /// Whether instances are replaced in place.
    #[must_use]
    pub const fn replaces_in_place(&self) -> bool {
        matches!(self.making, Making::InPlace { .. })
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
    /// One object has as many places as [`Scale`](Effect::Scale) told it, each with one instance: a
    /// `StatefulSet`, a `DaemonSet`. [`Divide`](Effect::Divide) says as what revision whoever is taken away comes
    /// back, and where the backend takes away by itself. [`Remove`](Effect::Remove) takes one away, who comes back
    /// at once. Who comes back is another instance and has another id: an order to the one before must never hit
    /// it. Every instance is [shown](crate::engine::Inventory::instances), and the division in force.
    InPlace {
        /// Who is replaced first.
        order: InPlaceOrder,
    },
}

/// In which order instances are replaced in place on the way forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InPlaceOrder {
    /// The backend has one: [`rank`](crate::engine::InstanceSeen::rank) 0 first, and none is left out.
    Ranked,
    /// Any: instances are taken away by name.
    Any,
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
            Self::InPlace { .. } => "in place",
        })
    }
}
