//! What is kept of a pod.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodStatus};
use rollout_core::{engine::InstanceState, id::RevisionId};

use super::{super::options::KUBELET_LEARNS, Facts, Version, failure, label};
use crate::labels;

/// What is kept of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend) struct PodFacts {
    pub(in crate::backend) version: Version,
    pub(in crate::backend) uid: String,
    pub(in crate::backend) revision: RevisionId,
    /// The template that it was made from, where it is replaced in place.
    pub(in crate::backend) hash: Option<String>,
    pub(in crate::backend) state: InstanceState,
    pub(in crate::backend) address: Option<IpAddr>,
    /// Since when it has been ready, by the cluster's clock or by ours; `None`: it is not.
    pub(in crate::backend) ready_since: Option<Timestamp>,
    pub(in crate::backend) restarts: u32,
    /// It was told to go.
    pub(in crate::backend) terminating: bool,
    /// It has ended and was replaced by its controller: an evicted one, one that a node refused.
    pub(in crate::backend) ended: bool,
    /// It carries the label by which Services find it.
    pub(in crate::backend) labelled: bool,
    /// Its readiness gate, if its template has one.
    pub(in crate::backend) gate: Option<Gate>,
    /// Since when no node takes it, and why.
    pub(in crate::backend) unschedulable: Option<(Timestamp, String)>,
    /// Failures so far.
    pub(in crate::backend) failures: u64,
    /// The last failure, in the orchestrator's own words.
    pub(in crate::backend) why: Option<String>,
}

/// The readiness gate of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend) enum Gate {
    /// Nobody has said anything: it gets no traffic, and is to get some.
    New,
    /// It gets traffic while it is ready.
    Open,
    /// It gets none, once its kubelet knows.
    Shut {
        /// Since when, by the clock of whoever shut it.
        since: Timestamp,
        /// Whether Kubernetes still counts it as ready.
        ready: bool,
    },
}

impl PodFacts {
    /// Whether nobody told it to get no traffic.
    pub(in crate::backend) const fn is_enrolled(&self) -> bool {
        match self.gate {
            Some(Gate::New | Gate::Open) => true,
            Some(Gate::Shut { .. }) => false,
            None => self.labelled,
        }
    }

    /// Whether it may get traffic still, at `now`: a kubelet that does not answer leaves a pod ready that was told
    /// to get none.
    pub(in crate::backend) fn may_get_more(&self, now: Timestamp) -> bool {
        match self.gate {
            Some(Gate::Shut { since, ready }) => {
                let passed = now.as_millisecond().saturating_sub(since.as_millisecond());
                let passed = u64::try_from(passed).unwrap_or_default();
                ready && KUBELET_LEARNS.as_millis() <= passed
            }
            Some(Gate::New | Gate::Open) | None => self.is_enrolled(),
        }
    }

    /// Whether its controller counts it.
    pub(in crate::backend) const fn is_active(&self) -> bool {
        !self.terminating && !self.ended
    }
}

impl Facts for PodFacts {
    type Object = Pod;

    fn read(pod: &Pod) -> Option<Self> {
        let (meta, status) = (&pod.metadata, pod.status.clone().unwrap_or_default());
        let restarts = restarts(&status);
        let phase = status.phase.as_deref().unwrap_or_default();
        let ended = matches!(phase, "Failed" | "Succeeded");
        let state = how_far(&status, ended);
        let terminating = meta.deletion_timestamp.is_some();
        let gate = gate(pod, &status);
        // One that was told to go, or was taken by the environment, failed nobody.
        let own = !terminating && !failure::is_disrupted(&status);
        let why = failure::last(&status).filter(|_| own);
        let stuck = matches!(state, InstanceState::Stuck { .. }) && restarts == 0;
        let failures = u64::from(own && stuck) + u64::from(own && ended);
        Some(Self {
            version: Version::read(meta.resource_version.as_deref()),
            uid: meta.uid.clone().unwrap_or_default(),
            revision: RevisionId::new(label(meta, labels::REVISION)?).ok()?,
            hash: label(meta, labels::TEMPLATE_HASH).map(str::to_owned),
            address: status.pod_ip.as_deref().and_then(|text| text.parse().ok()),
            ready_since: match gate {
                // It answers its probe still, though it is not ready by the gate.
                Some(Gate::Shut { .. }) => since(&status, "ContainersReady"),
                Some(Gate::New | Gate::Open) | None => since(&status, "Ready"),
            },
            terminating,
            labelled: label(meta, labels::SERVING) == Some(labels::SERVING_VALUE),
            gate,
            unschedulable: failure::unschedulable(&status),
            failures: u64::from(restarts) + failures,
            restarts,
            ended,
            state,
            why,
        })
    }

    fn version(&self) -> Version {
        self.version
    }

    fn follow(&mut self, older: &Self) {
        // One that is replaced in place leaves nothing but its name.
        if self.uid != older.uid {
            return;
        }
        self.failures = self.failures.max(older.failures);
        // Seen to become ready here: the cluster's clock counts whole seconds, and may go differently.
        match (self.ready_since, older.ready_since) {
            (Some(_), Some(since)) => self.ready_since = Some(since),
            (Some(_), None) => self.ready_since = Some(Timestamp::now()),
            (None, _) => (),
        }
    }

    fn shows_as(&self, other: &Self) -> bool {
        *self == Self { version: self.version, ..other.clone() }
    }
}

/// How far a pod is.
fn how_far(status: &PodStatus, ended: bool) -> InstanceState {
    if let Some(detail) = failure::stuck(status) {
        return InstanceState::Stuck { detail };
    }
    if ended {
        return failure::exited(status);
    }
    let waits = |one: &ContainerStatus| {
        let state = one.state.as_ref();
        state.is_none_or(|state| state.running.is_none())
    };
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    match containers.iter().find(|one| waits(one)) {
        None if !containers.is_empty() => InstanceState::Running,
        Some(one) => failure::terminated(one).unwrap_or(InstanceState::Created),
        None => InstanceState::Created,
    }
}

/// Since when a condition of a pod has been true, by the cluster's clock.
fn since(status: &PodStatus, kind: &str) -> Option<Timestamp> {
    condition(status, kind).filter(|one| one.status == "True").map(changed)
}

fn condition<'a>(status: &'a PodStatus, kind: &str) -> Option<&'a PodCondition> {
    status.conditions.as_ref()?.iter().find(|one| one.type_ == kind)
}

fn changed(condition: &PodCondition) -> Timestamp {
    condition.last_transition_time.as_ref().map_or_else(Timestamp::now, |time| time.0)
}

/// Whether a pod has our readiness gate.
pub(in crate::backend) fn is_gated(pod: &Pod) -> bool {
    let gates = pod.spec.as_ref().and_then(|spec| spec.readiness_gates.as_ref());
    gates.into_iter().flatten().any(|gate| gate.condition_type == labels::GATE)
}

/// The readiness gate of a pod.
fn gate(pod: &Pod, status: &PodStatus) -> Option<Gate> {
    if !is_gated(pod) {
        return None;
    }
    Some(match condition(status, labels::GATE) {
        None => Gate::New,
        Some(one) if one.status == "True" => Gate::Open,
        Some(one) => Gate::Shut { since: changed(one), ready: since(status, "Ready").is_some() },
    })
}

/// Restarts of all containers.
fn restarts(status: &PodStatus) -> u32 {
    let of = |list: &Option<Vec<ContainerStatus>>| {
        let counts = list.iter().flatten().map(|one| u32::try_from(one.restart_count));
        counts.filter_map(Result::ok).fold(0_u32, u32::saturating_add)
    };
    of(&status.container_statuses).saturating_add(of(&status.init_container_statuses))
}
