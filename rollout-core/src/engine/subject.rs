//! What an action is about: the port that carries it out, and the one thing it changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{HookRun, InstanceId, RevisionId};

/// Which port carries an action out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// [`crate::port::Backend`].
    Backend,
    /// [`crate::port::Enrolment`].
    Enrolment,
    /// [`crate::port::Router`].
    Router,
    /// [`crate::port::Hooks`].
    Hooks,
    /// [`crate::port::Modules`].
    Modules,
}

/// What an action changes. Attempts on one subject are made one after the other, never side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One instance.
    Instance(InstanceId),
    /// The size of a pool.
    Pool(RevisionId),
    /// The division of a workload that is replaced in place.
    Division,
    /// The route.
    Route,
    /// One run of a job.
    Run(HookRun),
    /// The modules.
    Modules,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backend => "backend",
            Self::Enrolment => "load balancer",
            Self::Router => "router",
            Self::Hooks => "hook port",
            Self::Modules => "module port",
        })
    }
}
