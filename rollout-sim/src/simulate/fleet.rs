//! Fleets by name: what the instances and the traffic of a simulated world are like.

use std::{fmt, str::FromStr};

use rollout_core::time::Span;

use crate::world::Manner;

/// What the instances of a fleet are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    name: &'static str,
    /// Shortest and longest start of an instance.
    pub start: (Span, Span),
    /// How instances take the stop signal.
    pub(super) manner: Manner,
    /// Time an instance needs to answer a request, in milliseconds.
    pub(super) service: u64,
    /// Requests that an instance can answer, in percent of its even share of the traffic.
    pub(super) room: u64,
}

/// A fleet that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no fleet; take one of {}", Fleet::names())]
pub struct UnknownFleet {
    /// The name as given.
    pub name: String,
}

/// Number of zones that instances are spread over in turn.
pub(super) const ZONES: u64 = 3;

impl Fleet {
    const USUAL: Self = Self {
        name: "usual",
        start: (Span::from_millis(1000), Span::from_millis(1000)),
        manner: Manner::Graceful,
        service: 20,
        room: 300,
    };

    /// Every fleet.
    pub const ALL: [Self; 6] = [
        Self::USUAL,
        Self {
            name: "slow_start",
            start: (Span::from_secs(8), Span::from_secs(20)),
            ..Self::USUAL
        },
        Self { name: "abrupt", manner: Manner::Abrupt, ..Self::USUAL },
        Self { name: "stubborn", manner: Manner::Ignores, ..Self::USUAL },
        Self { name: "long_requests", service: 4000, ..Self::USUAL },
        Self { name: "tight", room: 130, ..Self::USUAL },
    ];

    /// The same, where every instance takes `start` to its first answer.
    #[must_use]
    pub const fn starting_in(self, start: Span) -> Self {
        Self { start: (start, start), ..self }
    }

    fn names() -> String {
        Self::ALL.map(|fleet| fleet.name).join(", ")
    }
}

impl Default for Fleet {
    fn default() -> Self {
        Self::USUAL
    }
}

impl FromStr for Fleet {
    type Err = UnknownFleet;
    fn from_str(name: &str) -> Result<Self, UnknownFleet> {
        let found = Self::ALL.into_iter().find(|fleet| fleet.name == name);
        found.ok_or_else(|| UnknownFleet { name: name.to_owned() })
    }
}

impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
