//! What is not a rollout's own to say: how the cluster is.

use rollout_core::time::Span;
use rollout_import::PROXIES_LEARN;

/// How the cluster is, and what is asked of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
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
            confirmation: PROXIES_LEARN,
            unschedulable: Span::from_secs(10),
            min_ready: Span::ZERO,
            history: 10,
        }
    }
}
