//! The guard's own books: single instances, what was seen of them, and the limits in force.
//!
//! Built from the same events and records as the engine's state, by other code and towards another end:
//! which actions were let through, and the worst that may have become of them.

mod commit;
mod imprint;
mod witness;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    engine::{Effect, PoolSeen, Route},
    id::{ActionId, InstanceId, Mark, RevisionId},
    map::{Map, set},
    port::{Capabilities, Confirmation, Making},
    spec::{Counting, Drain},
    time::{Span, Timestamp},
};

/// What the guard knows of one instance.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each learned by itself")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub(super) revision: Option<RevisionId>,
    /// Whether the last snapshot showed its process running.
    pub(super) runs: bool,
    /// Whether the last snapshot showed that its process ended or is not there.
    pub(super) ended: bool,
    /// The last answers of its readiness probe say that it may get no traffic.
    pub(super) unready: bool,
    /// It was found, and no spec speaks of it.
    pub(super) found: bool,
    /// Its orchestrator says so.
    pub(super) unhealthy: bool,
    /// The load balancer was told of it, and no detachment was acknowledged since.
    pub(super) attached: bool,
    /// It was let into traffic and nothing has taken it out since.
    pub(super) enrolled: bool,
    /// A drain was let through and acknowledged: when, and from which mark on snapshots show it.
    pub(super) drained: Option<(Timestamp, Mark)>,
    /// The last snapshot of the load balancer, if it said that nothing is in flight on the instance, or
    /// that it is not known there.
    pub(super) quiet_at: Option<Mark>,
    /// It was told to go.
    pub(super) retired: bool,
    /// It failed: nothing is lost with it.
    pub(super) failed: bool,
    /// It is dead, was lost, or its removal was acknowledged.
    pub(super) over: bool,
}

/// What the last snapshot showed of one instance that is replaced in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) revision: RevisionId,
    pub(super) rank: Option<u32>,
    /// Whether it runs and answers its probe.
    pub(super) answers: bool,
}

/// The limits in force, from the submitted spec and its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Limits {
    /// Fewest instances there are to be, for the floor.
    pub(super) least: u64,
    /// Most instances there are to be, for the ceiling.
    pub(super) most: u64,
    pub(super) surge: u64,
    pub(super) unavailable: u64,
    pub(super) counting: Counting,
    /// Whether the floor binds: not before a first revision is proven, not where downtime is declared.
    pub(super) has_floor: bool,
}

/// Answers of a readiness probe in a row that make an instance unready, and ready again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Thresholds {
    failures: u32,
    successes: u32,
}

/// Answers in a row of one instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Answers {
    failures: u32,
    successes: u32,
}

/// The guard's books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Book {
    pub(super) entries: Map<InstanceId, Entry>,
    /// Instances whose creation was let through or that were found, until they are gone.
    #[serde(with = "set")]
    pub(super) live: Map<InstanceId, ()>,
    pub(super) limits: Option<Limits>,
    /// The route let through last.
    pub(super) route: Option<Route>,
    /// The route seen in force last.
    pub(super) in_force: Option<Route>,
    pub(super) pending: Map<ActionId, Effect>,
    pub(super) last_action: ActionId,
    /// How the backend makes instances. It and the next are of the ports of this run: no record tells them.
    #[serde(skip)]
    making: Option<Making>,
    #[serde(skip)]
    pub(super) confirmation: Option<Confirmation>,
    /// Pools that a backend keeps by count, as the last snapshot showed them.
    pub(super) pools: BTreeMap<RevisionId, PoolSeen>,
    pools_at: Mark,
    /// Instances that are replaced in place, as the last snapshot showed them.
    #[serde(skip)]
    pub(super) places: Arc<BTreeMap<InstanceId, Place>>,
    /// Instances of those pools that the last snapshot showed not to answer.
    not_ready: Arc<BTreeSet<InstanceId>>,
    /// The sizes let through last, until a snapshot shows what became of them.
    pub(super) sizes: BTreeMap<RevisionId, u64>,
    /// From which mark on snapshots show the size of a pool, where it was acknowledged.
    sized_from: BTreeMap<RevisionId, Mark>,
    pub(super) now: Timestamp,
    /// Modules that must be available, by the spec submitted last.
    pub(super) must_be_available: BTreeSet<String>,
    /// Everything is halted.
    pub(super) halted: bool,
    answers: Map<InstanceId, Answers>,
    /// Answers in a row that count, by revision; `None`: it has no readiness probe.
    thresholds: BTreeMap<RevisionId, Option<Thresholds>>,
    /// The same of the newest revision, for instances made anew of one that was found.
    newest_threshold: Option<Thresholds>,
    /// Longest drain of each revision, and of those nobody submitted.
    drains: BTreeMap<RevisionId, Span>,
    longest_drain: Option<Span>,
    is_first: bool,
    stable: Option<RevisionId>,
    /// Instances that there were to be of the stable revision when the attempt began.
    from: u64,
    /// Instances that there were to be of each revision when it was submitted or resized last.
    wanted: BTreeMap<RevisionId, u64>,
}

impl Book {
    /// Books for ports that can do this.
    pub(super) fn new(capabilities: &Capabilities) -> Self {
        Self {
            making: Some(capabilities.making),
            confirmation: capabilities.enrolment,
            ..Self::empty()
        }
    }

    /// Books that know of no ports, to fold records in.
    pub(crate) fn empty() -> Self {
        Self { is_first: true, ..Self::default() }
    }

    /// How the backend makes instances; by name, as long as nobody said.
    pub(super) fn making(&self) -> Making {
        self.making.unwrap_or(Making::ByName)
    }

    /// When the drain of an instance is over at the latest, if it was acknowledged.
    pub(super) fn drain_until(&self, entry: &Entry) -> Option<Timestamp> {
        let (at, _) = entry.drained?;
        let own = entry.revision.as_ref().and_then(|revision| self.drains.get(revision)).copied();
        let longest = own.or(self.longest_drain).unwrap_or_else(|| Drain::default().deadline);
        Some(at.after(longest))
    }

    /// Whether nothing is in flight on a drained instance any more.
    pub(super) fn is_quiet(&self, entry: &Entry) -> bool {
        let Some((at, from)) = entry.drained else { return false };
        match self.confirmation {
            Some(Confirmation::Elapsed(bound)) => {
                let is_late = self.drain_until(entry).is_some_and(|until| until <= self.now);
                is_late && at.after(bound) <= self.now
            }
            Some(Confirmation::Observed) | None => entry.quiet_at.is_some_and(|mark| from <= mark),
        }
    }
}
