//! What comes in from the world: snapshots of instances, of the load balancer and of the route.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    action::{ModuleSetting, Revision},
    division::Division,
    route::Route,
    subject::Port,
};
use crate::id::{Epoch, InstanceId, Mark, RevisionId};

/// A snapshot of one part of the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// What exists, from [`crate::port::Backend::observe`].
    Inventory(Inventory),
    /// What the load balancer knows, from [`crate::port::Enrolment::observe`].
    Enrolments(Enrolments),
    /// How traffic is shared, from [`crate::port::Router::observe`].
    Route(RouteInForce),
    /// How the modules are set, from [`crate::port::Modules::observe`].
    Modules(ModulesInForce),
}

impl Observation {
    /// The port it came from.
    #[must_use]
    pub const fn port(&self) -> Port {
        match self {
            Self::Inventory(_) => Port::Backend,
            Self::Enrolments(_) => Port::Enrolment,
            Self::Route(_) => Port::Router,
            Self::Modules(_) => Port::Modules,
        }
    }

    /// It shows every acknowledged write of its port up to this mark.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        match self {
            Self::Inventory(inventory) => inventory.mark,
            Self::Enrolments(enrolments) => enrolments.mark,
            Self::Route(route) => route.mark,
            Self::Modules(modules) => modules.mark,
        }
    }
}

/// Every instance of the workload that is ours, and every pool a backend keeps by count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// It shows every acknowledged write up to this mark.
    pub mark: Mark,
    /// Highest epoch the backend knows of.
    pub epoch: Epoch,
    /// All instances that carry our owner label, of any revision.
    pub instances: BTreeMap<InstanceId, InstanceSeen>,
    /// Pools of a backend that makes instances by count or replaces them in place; empty for one that makes
    /// them by name.
    pub pools: BTreeMap<RevisionId, PoolSeen>,
    /// The division in force of a backend that replaces instances in place; `None` for every other one, and
    /// while nothing exists.
    #[serde(default)]
    pub division: Option<Division>,
    /// Revisions that could be read back from what exists, for an engine that lost its journal.
    pub revisions: Vec<Arc<Revision>>,
}

/// One instance as its orchestrator shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSeen {
    /// Its revision.
    pub revision: RevisionId,
    /// How far it is.
    pub state: InstanceState,
    /// Where it answers, once it runs.
    pub address: Option<IpAddr>,
    /// The orchestrator's own health check; `None` if it has none.
    pub healthy: Option<bool>,
    /// How often the orchestrator restarted it by itself.
    pub restarts: u32,
    /// Its place in the order of a backend that replaces instances in place in a given one, 0 for the one that
    /// goes first; `None` for every other one.
    #[serde(default)]
    pub rank: Option<u32>,
}

/// How far an instance is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Made, never started.
    Created,
    /// Its process runs.
    Running,
    /// Its process has ended.
    Exited {
        /// Exit code; 0 counts as a failure too, if nobody asked it to end.
        code: i64,
        /// The orchestrator's own words, such as an out-of-memory kill.
        detail: String,
    },
    /// It will never start, for this reason.
    Stuck {
        /// The orchestrator's own words, such as an image that cannot be pulled.
        detail: String,
    },
}

/// One pool of a backend that makes instances by count or replaces them in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSeen {
    /// Size it was told to have; where instances are replaced in place, the places that are of it or come back
    /// as it.
    pub replicas: u64,
    /// Instances that exist and were not told to go.
    pub created: u64,
    /// Of those, the ones that answer their probe.
    pub ready: u64,
    /// Of those, the ones that have done so for the spec's `min_ready`.
    pub available: u64,
    /// Instances that were told to go and still exist.
    pub terminating: u64,
    /// Instances of this pool that have failed so far.
    pub failed: u64,
    /// The orchestrator's own words for the last failure, such as an image that cannot be pulled or a quota
    /// that is used up.
    pub why: Option<String>,
}

/// What the load balancer knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolments {
    /// It shows every acknowledged write up to this mark.
    pub mark: Mark,
    /// Every instance of the workload it knows.
    pub instances: BTreeMap<InstanceId, Enrolled>,
}

/// One instance as the load balancer shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Whether new requests may go to it.
    pub state: EnrolState,
    /// Requests it is answering; `None` where the data plane cannot say.
    pub in_flight: Option<u64>,
}

/// Whether new requests may go to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolState {
    /// They may, as far as the route says.
    In,
    /// They may not.
    Draining,
}

/// How traffic is shared now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteInForce {
    /// It shows every acknowledged write up to this mark.
    pub mark: Mark,
    /// The route, in the router's own resolution; `None` if nothing was ever set.
    pub route: Option<Route>,
}

/// How the modules are set now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModulesInForce {
    /// It shows every acknowledged write up to this mark.
    pub mark: Mark,
    /// What was set by us last and is in force.
    pub setting: ModuleSetting,
    /// Every module that is degraded now, by whomever.
    pub degraded: BTreeSet<String>,
}
