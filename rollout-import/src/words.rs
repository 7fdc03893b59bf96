//! In whose words a template is written, and what such a backend can do as far as the spec shows it.

use std::collections::BTreeSet;

use rollout_core::{
    port::{Ability, Capabilities, Confirmation, Making},
    spec::{Counting, Spec},
    time::Span,
};
use serde_json::Value;

/// How long kube-proxy and mesh proxies take to learn that a pod left, at most: nobody can be asked. Five
/// times the longest default pause between two syncs of kube-proxy (`--iptables-min-sync-period`, 1 s).
const PROXIES_LEARN: Span = Span::from_secs(5);

/// Units of routers that take whole percentages: Istio, SMI, nginx, ALB, Traefik and others in Argo's words.
const PERCENT: u64 = 100;

/// In whose words a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// A Kubernetes pod template.
    Kubernetes,
    /// A Nomad task group with its job.
    Nomad,
}

impl Words {
    /// In whose words the template of `spec` is written; `None` if in none of these.
    #[must_use]
    pub fn of(spec: &Spec) -> Option<Self> {
        let template = &spec.template;
        if template.get("spec").is_some_and(|pod| pod.get("containers").is_some()) {
            Some(Self::Kubernetes)
        } else if template.get("TaskGroup").is_some() {
            Some(Self::Nomad)
        } else {
            None
        }
    }
}

/// What Kubernetes can do for `spec`: pods by count, terminating ones not counted, taken out of traffic by
/// a label; weights as its `traffic.kubernetes` says.
#[must_use]
pub fn kubernetes(spec: &Spec) -> Capabilities {
    Capabilities {
        making: Making::ByCount,
        counting: Counting::Loose,
        enrolment: Some(Confirmation::Elapsed(PROXIES_LEARN)),
        router: units(&spec.traffic["kubernetes"]),
        abilities: abilities(&spec.traffic["kubernetes"]),
    }
}

/// What routers and jobs can do beside: of a router that the spec names it is taken that it can do what its
/// own file asked of it.
fn abilities(traffic: &Value) -> BTreeSet<Ability> {
    let mut abilities = BTreeSet::from([Ability::Hooks, Ability::Metrics]);
    if traffic.get("router").is_some() {
        abilities.extend([Ability::Matches, Ability::Mirror, Ability::Affinity]);
    }
    abilities
}

/// Units that traffic can be divided into.
fn units(traffic: &Value) -> Option<u64> {
    if let Some(router) = traffic.get("router") {
        return Some(router.get("maxTrafficWeight").and_then(Value::as_u64).unwrap_or(PERCENT));
    }
    // A Service points to one revision or to another, with nothing between.
    traffic.get("active_service").map(|_| 1)
}
