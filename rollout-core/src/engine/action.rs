//! What goes out: orders to the world, complete and absolute, so that repeating one changes nothing.

use std::{collections::BTreeSet, fmt, net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    division::Division,
    route::Route,
    subject::{Port, Subject},
};
use crate::{
    id::{ActionId, Attempt, Epoch, HookRun, InstanceId, RevisionId, WorkloadId},
    spec::{Breaker, Hook},
    time::Span,
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
    /// The revision it is about, whole, for [`Effect::Create`], [`Effect::Scale`] and
    /// [`Effect::Divide`].
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
    /// A workload that is replaced in place is divided like this.
    Divide(
        /// The whole division.
        Division,
    ),
    /// Traffic is shared like this.
    Route(
        /// The whole route.
        Route,
    ),
    /// The job was begun. One that has ended since stays ended.
    Run {
        /// Its run, the key by which a repeated attempt is known.
        run: HookRun,
        /// What is to be run.
        hook: Arc<Hook>,
    },
    /// The modules are set like this.
    Modules(
        /// The whole setting.
        ModuleSetting,
    ),
}

/// How the modules of a workload are set, whole and absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleSetting {
    /// Modules that are degraded; all others are not.
    pub degraded: BTreeSet<String>,
    /// The circuit breaker, where it is armed.
    pub breaker: Option<Breaker>,
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

impl Effect {
    /// The port that carries it out.
    #[must_use]
    pub const fn port(&self) -> Port {
        match self {
            Self::Create { .. }
            | Self::Start { .. }
            | Self::Stop { .. }
            | Self::Remove { .. }
            | Self::Scale { .. }
            | Self::Divide(_) => Port::Backend,
            Self::Enrol { .. } | Self::Drain { .. } | Self::Detach { .. } => Port::Enrolment,
            Self::Route(_) => Port::Router,
            Self::Run { .. } => Port::Hooks,
            Self::Modules(_) => Port::Modules,
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
            Self::Divide(_) => Subject::Division,
            Self::Route(_) => Subject::Route,
            Self::Run { run, .. } => Subject::Run(run.clone()),
            Self::Modules(_) => Subject::Modules,
        }
    }

    /// Time that it may take beside the time of a call: what an instance has to end by itself.
    #[must_use]
    pub const fn grace(&self) -> Span {
        match self {
            Self::Stop { grace, .. } => *grace,
            Self::Create { .. }
            | Self::Start { .. }
            | Self::Enrol { .. }
            | Self::Drain { .. }
            | Self::Detach { .. }
            | Self::Remove { .. }
            | Self::Scale { .. }
            | Self::Divide(_)
            | Self::Route(_)
            | Self::Run { .. }
            | Self::Modules(_) => Span::ZERO,
        }
    }

    /// The same effect without what may be a secret, for people and their tools.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let Self::Run { run, hook } = self else { return self.clone() };
        let hook = Hook { run: serde_json::Value::Null, ..hook.as_ref().clone() };
        Self::Run { run: run.clone(), hook: Arc::new(hook) }
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
            Self::Scale { .. }
            | Self::Divide(_)
            | Self::Route(_)
            | Self::Run { .. }
            | Self::Modules(_) => None,
        }
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
            Self::Divide(division) => write!(f, "divide so that {division}"),
            Self::Route(route) => write!(f, "route {route}"),
            Self::Run { run, hook } => write!(f, "run hook {} as {run}", hook.name),
            Self::Modules(setting) => write!(f, "set modules: {setting}"),
        }
    }
}

impl fmt::Display for ModuleSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.degraded.is_empty() {
            f.write_str("none degraded")?;
        } else {
            let names: Vec<&str> = self.degraded.iter().map(String::as_str).collect();
            write!(f, "{} degraded", names.join(", "))?;
        }
        match self.breaker {
            Some(breaker) => write!(f, ", breaker at {}", breaker.timeout),
            None => Ok(()),
        }
    }
}
