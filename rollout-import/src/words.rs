//! In whose words a template is written, and what such a backend can do as far as the spec shows it.

use std::collections::BTreeSet;

use rollout_core::{
    port::{Ability, Capabilities, Confirmation, InPlaceOrder, Making},
    spec::{Counting, Spec},
    time::Span,
};
use serde_json::Value;

/// How long kube-proxy and mesh proxies take to learn that a pod left, at most: nobody can be asked. Five
/// times the longest default pause between two syncs of kube-proxy (`--iptables-min-sync-period`, 1 s).
pub const PROXIES_LEARN: Span = Span::from_secs(5);

/// Units of routers that take whole percentages: Istio, SMI, nginx, ALB, Traefik and others in Argo's words.
const PERCENT: u64 = 100;

/// Units of a router of which nothing is known.
const BASIS_POINTS: u64 = 10_000;

/// In whose words a template is written.
///
/// A Kubernetes template is a pod template; beside its `metadata` and `spec` it has a `controller` where its
/// pods belong to a `StatefulSet` or a `DaemonSet`, with what that object itself does, such as
/// `volumeClaimTemplates`. A Nomad template has the group in `TaskGroup` and the rest of its job in `Job`.
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

/// What the backend that the template of `spec` is written for can do, as far as the spec shows it.
///
/// Kubernetes makes pods by count, does not count terminating ones, takes a pod out of traffic by a label, and
/// divides traffic as `traffic.kubernetes` says: in the units of its `router` where it has one, as a whole
/// where it has an `active_service` only, and not at all otherwise. Pods of a `StatefulSet` or a `DaemonSet` are
/// replaced in place, and divide traffic by nothing but their number. Nomad's instances go by name; of what
/// divides its traffic nothing is known, so basis points are assumed.
#[must_use]
pub fn capabilities(spec: &Spec) -> Capabilities {
    match Words::of(spec) {
        Some(Words::Kubernetes) => of_kubernetes(spec),
        Some(Words::Nomad) | None => Capabilities {
            making: Making::ByName,
            counting: Counting::Strict,
            enrolment: Some(Confirmation::Observed),
            router: Some(BASIS_POINTS),
            abilities: BTreeSet::new(),
        },
    }
}

/// What Kubernetes can do with pods of the template.
fn of_kubernetes(spec: &Spec) -> Capabilities {
    let traffic = &spec.traffic["kubernetes"];
    let order = match spec.template["controller"]["kind"].as_str() {
        Some("StatefulSet") => Some(InPlaceOrder::Ranked),
        Some("DaemonSet") => Some(InPlaceOrder::Any),
        Some(_) | None => None,
    };
    let (making, counting, router) = match order {
        Some(order) => (Making::InPlace { order }, Counting::Strict, None),
        None => (Making::ByCount, Counting::Loose, units(traffic)),
    };
    let enrolment = Some(Confirmation::Elapsed(PROXIES_LEARN));
    let abilities = match order {
        Some(_) => abilities(&Value::Null),
        None => abilities(traffic),
    };
    Capabilities { making, counting, enrolment, router, abilities }
}

/// What routers and jobs can do beside, as docs/ROUTERS.md has it; of a router that is known to nobody it is
/// taken that it can do what its own file asked of it.
pub(crate) fn abilities(traffic: &Value) -> BTreeSet<Ability> {
    let mut abilities = BTreeSet::from([Ability::Hooks, Ability::Metrics]);
    if let Some(router) = traffic.get("router") {
        let has = |kind: &str| router.get(kind).is_some();
        if has("gateway") || has("istio") {
            abilities.extend([Ability::Matches, Ability::Mirror]);
        } else if has("nginx") {
            abilities.insert(Ability::Matches);
        } else if has("traefik") {
            abilities.extend([Ability::Mirror, Ability::Affinity]);
        } else {
            abilities.extend([Ability::Matches, Ability::Mirror, Ability::Affinity]);
        }
    }
    abilities
}

/// Units that traffic can be divided into.
fn units(traffic: &Value) -> Option<u64> {
    if let Some(router) = traffic.get("router") {
        if router.get("gateway").is_some() {
            return Some(BASIS_POINTS);
        }
        let total = router.pointer("/nginx/weight_total").or(router.get("maxTrafficWeight"));
        return Some(total.and_then(Value::as_u64).unwrap_or(PERCENT));
    }
    // A Service points to one revision or to another, with nothing between.
    traffic.get("active_service").map(|_| 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_divides_traffic_is_read_from_the_spec() {
        let spec = |template: &str, traffic: &str| {
            let text =
                format!("version: 1\nworkload: web\ntemplate: {template}\ntraffic: {traffic}\n");
            Spec::from_yaml(&text).unwrap()
        };
        let pods = "{ spec: { containers: [] } }";
        for (traffic, units) in [
            ("null", None),
            ("{ kubernetes: { services: [web] } }", None),
            ("{ kubernetes: { active_service: web } }", Some(1)),
            ("{ kubernetes: { router: { istio: {} } } }", Some(100)),
            ("{ kubernetes: { router: { gateway: {} } } }", Some(10_000)),
            ("{ kubernetes: { router: { nginx: { weight_total: 1000 } } } }", Some(1000)),
            ("{ kubernetes: { router: { alb: {}, maxTrafficWeight: 1000 } } }", Some(1000)),
        ] {
            let spec = spec(pods, traffic);
            assert_eq!(Words::of(&spec), Some(Words::Kubernetes));
            assert_eq!(capabilities(&spec).router, units, "{traffic}");
        }
        assert_eq!(Words::of(&spec("{ TaskGroup: {} }", "null")), Some(Words::Nomad));
        assert_eq!(Words::of(&spec("{ image: web }", "null")), None);
    }
}
