//! What is kept of a pod.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use rollout_core::{engine::InstanceState, id::RevisionId};

use super::{Facts, Version, failure, label};
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
    pub(in crate::backend) serving: bool,
    /// Since when no node takes it, and why.
    pub(in crate::backend) unschedulable: Option<(Timestamp, String)>,
    /// Failures so far.
    pub(in crate::backend) failures: u64,
    /// The last failure, in the orchestrator's own words.
    pub(in crate::backend) why: Option<String>,
}

impl PodFacts {
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
            ready_since: ready_since(&status),
            terminating,
            serving: label(meta, labels::SERVING) == Some(labels::SERVING_VALUE),
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

/// Since when a pod has been ready, by the cluster's clock.
fn ready_since(status: &PodStatus) -> Option<Timestamp> {
    let conditions = status.conditions.as_ref()?;
    let ready = conditions.iter().find(|one| one.type_ == "Ready" && one.status == "True")?;
    Some(ready.last_transition_time.as_ref().map_or_else(Timestamp::now, |time| time.0))
}

/// Restarts of all containers.
fn restarts(status: &PodStatus) -> u32 {
    let of = |list: &Option<Vec<ContainerStatus>>| {
        let counts = list.iter().flatten().map(|one| u32::try_from(one.restart_count));
        counts.filter_map(Result::ok).fold(0_u32, u32::saturating_add)
    };
    of(&status.container_statuses).saturating_add(of(&status.init_container_statuses))
}
