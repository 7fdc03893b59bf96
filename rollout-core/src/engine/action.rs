//! What goes out: orders to the world, complete and absolute, so that repeating one changes nothing.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    id::{ActionId, Attempt, Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    time::Span,
    weight::Weight,
};

/// One immutable version of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its name.
    pub id: RevisionId,
    /// What its instances are made from, in the words of the backend and pinned by it.
    pub template: serde_json::Value,
}

/// An order to the world. Repeatable by `id`, fenced by `epoch`, with no choice left to the adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Never reused within the workload.
    pub id: ActionId,
    /// The engine's reign; a backend refuses it once it knows a newer one.
    pub epoch: Epoch,
    /// The rollout attempt it belongs to.
    pub attempt: Attempt,
    /// The workload it belongs to.
    pub workload: WorkloadId,
    /// The revision it is about, whole, for [`Effect::Create`] and [`Effect::Scale`].
    pub revision: Option<Arc<Revision>>,
    /// What is to be so afterwards.
    pub effect: Effect,
}

/// What is to be so after an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The instance exists, not started, made from the revision.
    Create {
        /// Its name.
        instance: InstanceId,
        /// Its revision.
        revision: RevisionId,
    },
    /// The instance was started. One that has ended since stays ended.
    Start {
        /// Its name.
        instance: InstanceId,
    },
    /// The load balancer knows the instance.
    Enrol {
        /// Its name.
        instance: InstanceId,
        /// Its revision.
        revision: RevisionId,
        /// Where it answers.
        address: IpAddr,
        /// Whether it gets traffic at once, or waits for the next route.
        admission: Admission,
    },
    /// The load balancer sends the instance nothing new.
    Drain {
        /// Its name.
        instance: InstanceId,
    },
    /// The load balancer knows the instance no more; what was still in flight is cut.
    Detach {
        /// Its name.
        instance: InstanceId,
    },
    /// The instance has ended.
    Stop {
        /// Its name.
        instance: InstanceId,
        /// Time between the stop signal and the kill.
        grace: Span,
    },
    /// The instance does not exist.
    Remove {
        /// Its name.
        instance: InstanceId,
    },
    /// The pool has this many instances; the ones drained before go first.
    Scale {
        /// Its revision.
        revision: RevisionId,
        /// That many.
        replicas: u64,
    },
    /// Traffic is shared like this.
    Route(
        /// The whole route.
        Route,
    ),
}

/// Whether a newly enrolled instance gets traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// As much as every other instance, at once.
    Serving,
    /// None until a route is set.
    Standby,
}

/// How traffic is shared among revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Every enrolled instance gets the same.
    ByReplicas,
    /// Each revision gets its share, divided evenly among its enrolled instances; the shares make 100 %.
    Weighted(BTreeMap<RevisionId, Weight>),
    /// Nobody gets anything: declared downtime.
    Empty,
}

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
}

/// What an action changes. Attempts on one subject are made one after the other, never side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One instance.
    Instance(InstanceId),
    /// The size of a pool.
    Pool(RevisionId),
    /// The route.
    Route,
}

impl Effect {
    /// The port that carries it out.
    #[must_use]
    pub const fn port(&self) -> Port {
        match self {
            Self::Create { .. }
            | Self::Start { .. }
            | Self::Stop { .. }
            | Self::Remove { .. }
            | Self::Scale { .. } => Port::Backend,
            Self::Enrol { .. } | Self::Drain { .. } | Self::Detach { .. } => Port::Enrolment,
            Self::Route(_) => Port::Router,
        }
    }

    /// What it changes.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Create { instance, .. }
            | Self::Start { instance }
            | Self::Enrol { instance, .. }
            | Self::Drain { instance }
            | Self::Detach { instance }
            | Self::Stop { instance, .. }
            | Self::Remove { instance } => Subject::Instance(instance.clone()),
            Self::Scale { revision, .. } => Subject::Pool(revision.clone()),
            Self::Route(_) => Subject::Route,
        }
    }

    /// The instance it is about, if about one.
    #[must_use]
    pub const fn instance(&self) -> Option<&InstanceId> {
        match self {
            Self::Create { instance, .. }
            | Self::Start { instance }
            | Self::Enrol { instance, .. }
            | Self::Drain { instance }
            | Self::Detach { instance }
            | Self::Stop { instance, .. }
            | Self::Remove { instance } => Some(instance),
            Self::Scale { .. } | Self::Route(_) => None,
        }
    }
}

impl Route {
    /// All traffic on `revision`.
    #[must_use]
    pub fn all_on(revision: RevisionId) -> Self {
        Self::Weighted(BTreeMap::from([(revision, Weight::FULL)]))
    }

    /// The share of `revision`; `None` where the route follows the replicas.
    #[must_use]
    pub fn weight_of(&self, revision: &RevisionId) -> Option<Weight> {
        match self {
            Self::ByReplicas => None,
            Self::Weighted(weights) => Some(weights.get(revision).copied().unwrap_or_default()),
            Self::Empty => Some(Weight::ZERO),
        }
    }
}

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

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.effect)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { instance, revision } => write!(f, "create {instance} of {revision}"),
            Self::Start { instance } => write!(f, "start {instance}"),
            Self::Enrol { instance, address, admission: Admission::Serving, .. } => {
                write!(f, "enrol {instance} at {address}")
            }
            Self::Enrol { instance, address, admission: Admission::Standby, .. } => {
                write!(f, "enrol {instance} at {address} on standby")
            }
            Self::Drain { instance } => write!(f, "drain {instance}"),
            Self::Detach { instance } => write!(f, "detach {instance}"),
            Self::Stop { instance, grace } => write!(f, "stop {instance} with {grace} grace"),
            Self::Remove { instance } => write!(f, "remove {instance}"),
            Self::Scale { revision, replicas } => write!(f, "scale {revision} to {replicas}"),
            Self::Route(route) => write!(f, "route {route}"),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByReplicas => f.write_str("by replicas"),
            Self::Empty => f.write_str("to nobody"),
            Self::Weighted(weights) => {
                let mut comma = "";
                for (revision, weight) in weights {
                    write!(f, "{comma}{weight} to {revision}")?;
                    comma = ", ";
                }
                Ok(())
            }
        }
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

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backend => "backend",
            Self::Enrolment => "load balancer",
            Self::Router => "router",
        })
    }
}
