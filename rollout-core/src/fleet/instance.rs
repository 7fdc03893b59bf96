//! What lasts about one instance: how far it was brought, by acknowledged actions alone.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    id::{ActionId, InstanceId, RevisionId},
    map::Map,
    time::Timestamp,
};

/// Every instance of the workload that the engine has made or found, until it is gone.
pub(crate) type Roster = Map<InstanceId, Instance>;

/// How far one instance was brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its revision.
    pub revision: RevisionId,
    /// Its number; higher ones are newer.
    pub ordinal: u64,
    /// Whether it was found, made by an engine whose journal is not this one.
    pub found: bool,
    /// Whether it exists and runs.
    pub made: Made,
    /// Whether the load balancer sends it anything.
    pub traffic: Traffic,
    /// Where it was enrolled last, if it was.
    pub enrolled_at: Option<IpAddr>,
    /// Whether it waits for a route to be set before it gets anything, and which one will do.
    pub standby: Standby,
    /// When it was told to go, if it was.
    pub retired: Option<Timestamp>,
    /// Whether it failed, or was lost: there is no process that could be drained.
    pub dead: bool,
    /// Whether it was ever ready in the eyes of this or an earlier engine.
    pub proved_ready: bool,
    /// The action under way on it.
    pub pending: Option<ActionId>,
}

/// Whether an enrolled instance waits for a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standby {
    /// It does not: it gets what the route gives its revision.
    #[default]
    No,
    /// It was enrolled on standby, and no route was decided since.
    Waits,
    /// It was enrolled on standby before this route was decided.
    Until(ActionId),
}

/// Whether an instance exists and runs, as far as acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Its creation was intended.
    Intended,
    /// It exists.
    Created,
    /// It was started.
    Started,
    /// It was stopped.
    Stopped,
    /// It was removed; the next snapshot shows it no more.
    Removed,
}

/// Whether the load balancer sends an instance anything, as far as acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// The load balancer does not know it.
    Out,
    /// Its enrolment was intended: it may or may not get something.
    Enrolling,
    /// It is enrolled.
    In,
    /// Its drain was intended: it counts for nothing and may still get something.
    Draining,
    /// Its drain was acknowledged at this time.
    Drained(Timestamp),
    /// Its detachment was intended.
    Detaching,
}

impl Instance {
    /// Whether the load balancer may still send it something new.
    #[must_use]
    pub const fn may_get_more(&self) -> bool {
        match self.traffic {
            Traffic::Enrolling | Traffic::In | Traffic::Draining => true,
            Traffic::Out | Traffic::Drained(_) | Traffic::Detaching => false,
        }
    }

    /// Whether it was told to go.
    #[must_use]
    pub const fn is_terminating(&self) -> bool {
        self.retired.is_some()
    }
}
