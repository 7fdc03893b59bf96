//! What is not a rollout's own to say: how the cluster is, and how a driver goes about its work on one.

use std::num::NonZeroUsize;

use rollout_core::{port::Confirmation, time::Span};
use rollout_import::PROXIES_LEARN;
use serde::{Deserialize, Serialize};

/// What takes a single pod in and out of traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolBy {
    /// A label that every Service asks for. A pod has it from birth: without an engine the workload heals itself
    /// and serves.
    #[default]
    Label,
    /// A readiness gate of the pod, which the engine opens and shuts. Services stay as they are; but a pod that
    /// is made while no engine runs gets no traffic before one does.
    ReadinessGate,
}

impl EnrolBy {
    /// Whether it is the default.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    pub(crate) const fn is_label(&self) -> bool {
        match self {
            Self::Label => true,
            Self::ReadinessGate => false,
        }
    }
}

/// How long a kubelet takes, at most, to say of a pod whose gate was shut that it is not ready any more. It acts
/// on the change at once, as it reports readiness: 0.1 s where it has nothing else to do.
pub(super) const KUBELET_LEARNS: Span = Span::from_secs(2);

/// The watches tell every change of pods and of what makes them; this is for what no watch tells.
const POLL: Span = Span::from_secs(5);
/// A pod on its way tells several things in a row.
const LOOKS_APART: Span = Span::from_millis(50);
/// Drains and sizes at once of one workload: half of what a client of this crate sends at once.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(16).expect("sixteen is not zero");

/// How a driver goes about its work on a cluster: it looks when a watch tells something, at most every 50 ms, and
/// every 5 s; 16 attempts at once.
#[must_use]
pub fn driver_options() -> rollout_runtime::Options {
    rollout_runtime::Options {
        poll_hinted: Some(POLL),
        observe_gap: LOOKS_APART,
        max_in_flight: IN_FLIGHT,
        ..rollout_runtime::Options::default()
    }
}

/// How the cluster is, and what is asked of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What takes a single pod in and out of traffic. Default: a label.
    pub enrol_by: EnrolBy,
    /// How long every proxy takes to learn that a pod left, at most: nobody can be asked. Default: 5 s.
    pub confirmation: Span,
    /// How long a pod may wait for a node that takes it before it counts as failed. The scheduler's reason
    /// is known at once, but a pod on its way out may make room, and so may an autoscaler: set it to what
    /// yours takes. Default: 10 s.
    pub unschedulable: Span,
    /// How long a pod is ready before it counts as available: the spec's `min_ready`. Default: none.
    pub min_ready: Span,
    /// `ReplicaSets` without pods that are kept of a workload for `kubectl` to look at; older ones are deleted.
    /// Default: 10, as with Deployments.
    pub history: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enrol_by: EnrolBy::Label,
            confirmation: PROXIES_LEARN,
            unschedulable: Span::from_secs(10),
            min_ready: Span::ZERO,
            history: 10,
        }
    }
}

impl Options {
    /// How long it takes until nothing new reaches a pod that was drained.
    pub(super) const fn confirmed(&self) -> Confirmation {
        Confirmation::Elapsed(match self.enrol_by {
            EnrolBy::Label => self.confirmation,
            EnrolBy::ReadinessGate => self.confirmation.plus(KUBELET_LEARNS),
        })
    }
}
