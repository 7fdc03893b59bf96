//! The `traffic.kubernetes` of a spec, strictly typed: which Services, and what divides traffic among them.

use rollout_core::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::EnrolBy;

/// The `traffic.kubernetes` of a spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traffic {
    /// What takes a single pod in and out of traffic.
    #[serde(skip_serializing_if = "EnrolBy::is_label")]
    pub enrol_by: EnrolBy,
    /// Services that take the pods of every revision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Service that takes the pods of the stable revision, behind a router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_service: Option<String>,
    /// Service that takes the pods of the candidate, behind a router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_service: Option<String>,
    /// Service that is switched from one revision to the other as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_service: Option<String>,
    /// Service that takes the pods of the revision to come, beside `active_service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_service: Option<String>,
    /// What divides traffic by weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<RouterSpec>,
}

/// What divides traffic by weight. Every object is in the namespace of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RouterSpec {
    /// An `HTTPRoute` of the Gateway API.
    Gateway(GatewaySpec),
    /// A `VirtualService` of Istio.
    Istio(IstioSpec),
    /// An `Ingress` of the nginx controller.
    Nginx(NginxSpec),
    /// A `TraefikService` with weights.
    Traefik(TraefikSpec),
}

/// An `HTTPRoute` of the Gateway API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySpec {
    /// Its name. Every rule that has the stable Service among its backends is divided.
    pub http_route: String,
    /// How long its data plane takes, at most, to learn of a Service that the route names, after its parents
    /// have accepted the route: nobody can be asked.
    #[serde(default = "confirmation", skip_serializing_if = "is_confirmation")]
    pub confirmation: Span,
}

/// Contour and Envoy took 0.5 s under load; controllers of clouds may take far longer.
const fn confirmation() -> Span {
    Span::from_secs(2)
}

/// What is by default is not written down.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_confirmation(span: &Span) -> bool {
    *span == confirmation()
}

/// A `VirtualService` of Istio, and what tells the revisions apart: two Services, or two subsets of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IstioSpec {
    /// The `VirtualService`.
    pub virtual_service: VirtualServiceSpec,
    /// The `DestinationRule` whose subsets are the revisions; without it the two Services are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_rule: Option<DestinationRuleSpec>,
}

/// A `VirtualService`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualServiceSpec {
    /// Its name.
    pub name: String,
    /// Names of its HTTP routes that are divided; none: all that go to the stable destination.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
}

/// A `DestinationRule` and its two subsets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestinationRuleSpec {
    /// Its name.
    pub name: String,
    /// Subset of the stable revision.
    pub stable_subset: String,
    /// Subset of the candidate.
    pub candidate_subset: String,
}

/// An `Ingress` of the nginx controller; the engine adds one of its own for the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NginxSpec {
    /// Its name.
    pub ingress: String,
    /// What the controller's annotations begin with.
    #[serde(default = "annotation_prefix")]
    pub annotation_prefix: String,
    /// The weight that is all of the traffic.
    #[serde(default = "weight_total")]
    pub weight_total: u64,
}

/// The controller's own default.
fn annotation_prefix() -> String {
    "nginx.ingress.kubernetes.io".to_owned()
}

/// The controller's own default.
const fn weight_total() -> u64 {
    100
}

/// A `TraefikService` with weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraefikSpec {
    /// Its name.
    pub service: String,
}

/// A `traffic` that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}; {way_out}")]
pub struct TrafficError {
    /// Path of the field in the spec.
    pub field: String,
    /// What is wrong, with the value.
    pub why: String,
    /// What a person can do about it.
    pub way_out: String,
}

impl TrafficError {
    fn new(field: &str, why: impl Into<String>, way_out: &str) -> Self {
        Self {
            field: format!("traffic.kubernetes.{field}").trim_end_matches('.').to_owned(),
            why: why.into(),
            way_out: way_out.to_owned(),
        }
    }
}

/// The `traffic` of a spec, as far as it is about Kubernetes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(default)]
    kubernetes: Traffic,
}

impl Traffic {
    /// Reads the `traffic` of a spec strictly; none is no Services and no router.
    ///
    /// # Errors
    ///
    /// [`TrafficError`] names the first field that is wrong.
    pub fn read(traffic: &Value) -> Result<Self, TrafficError> {
        if traffic.is_null() {
            return Ok(Self::default());
        }
        let read: Result<Whole, _> = serde_path_to_error::deserialize(traffic);
        let read = read.map_err(|error| TrafficError {
            field: format!("traffic.{}", error.path()).trim_end_matches('.').to_owned(),
            why: error.inner().to_string(),
            way_out: "write it as docs/ROUTERS.md has it".to_owned(),
        })?;
        read.kubernetes.check()?;
        Ok(read.kubernetes)
    }

    /// Every name in it with its field.
    fn names(&self) -> Vec<(&'static str, &str)> {
        let services = self.services.iter().map(|name| ("services", name.as_str()));
        let mut names: Vec<_> = services.collect();
        for (field, name) in [
            ("stable_service", &self.stable_service),
            ("candidate_service", &self.candidate_service),
            ("active_service", &self.active_service),
            ("preview_service", &self.preview_service),
        ] {
            names.extend(name.as_deref().map(|name| (field, name)));
        }
        match &self.router {
            None => (),
            Some(RouterSpec::Gateway(spec)) => {
                names.push(("router.gateway.http_route", &spec.http_route));
            }
            Some(RouterSpec::Istio(spec)) => {
                names.push(("router.istio.virtual_service.name", &spec.virtual_service.name));
                let rule = spec.destination_rule.as_ref();
                names.extend(rule.map(|rule| ("router.istio.destination_rule.name", &*rule.name)));
            }
            Some(RouterSpec::Nginx(spec)) => names.push(("router.nginx.ingress", &spec.ingress)),
            Some(RouterSpec::Traefik(spec)) => {
                names.push(("router.traefik.service", &spec.service));
            }
        }
        names
    }

    fn check(&self) -> Result<(), TrafficError> {
        for (field, name) in self.names() {
            if !is_name(name) {
                let why = format!("`{name}` is no name of an object");
                let way_out = "use lowercase letters, digits, `-` and `.`, a letter or digit first and last, at most 253";
                return Err(TrafficError::new(field, why, way_out));
            }
        }
        self.check_pairs()?;
        match &self.router {
            Some(RouterSpec::Istio(IstioSpec { destination_rule: Some(rule), .. })) => {
                if rule.stable_subset == rule.candidate_subset {
                    let why = format!("both subsets are `{}`", rule.stable_subset);
                    let field = "router.istio.destination_rule";
                    return Err(TrafficError::new(field, why, "name two different subsets"));
                }
                Ok(())
            }
            Some(RouterSpec::Nginx(NginxSpec { weight_total: 0, .. })) => Err(TrafficError::new(
                "router.nginx.weight_total",
                "it is 0, and a share of nothing is nothing",
                "give 1 or more, such as 100",
            )),
            Some(
                RouterSpec::Gateway(_)
                | RouterSpec::Istio(_)
                | RouterSpec::Nginx(_)
                | RouterSpec::Traefik(_),
            ) => self.check_services(),
            None => Ok(()),
        }
    }

    /// Two Services that must not be one, and what excludes one another.
    fn check_pairs(&self) -> Result<(), TrafficError> {
        for (field, one, other) in [
            ("candidate_service", &self.stable_service, &self.candidate_service),
            ("preview_service", &self.active_service, &self.preview_service),
        ] {
            if let (Some(one), Some(other)) = (one, other)
                && one == other
            {
                let why = format!("`{other}` is the other one of the two Services as well");
                return Err(TrafficError::new(field, why, "name two different Services"));
            }
        }
        if self.router.is_some() && self.active_service.is_some() {
            return Err(TrafficError::new(
                "active_service",
                "there is a `router` as well, and only one of them can share traffic",
                "name `stable_service` and `candidate_service` beside a router",
            ));
        }
        if self.preview_service.is_some() && self.active_service.is_none() {
            return Err(TrafficError::new(
                "preview_service",
                "there is no `active_service` that it goes with",
                "name both, or `candidate_service` beside a router",
            ));
        }
        Ok(())
    }

    /// Both Services that a router divides traffic between.
    fn check_services(&self) -> Result<(), TrafficError> {
        for (field, service) in [
            ("stable_service", &self.stable_service),
            ("candidate_service", &self.candidate_service),
        ] {
            if service.is_none() {
                return Err(TrafficError::new(
                    field,
                    "it is missing, and the router divides traffic between two Services",
                    "name the Service",
                ));
            }
        }
        Ok(())
    }
}

/// Whether `name` can be the name of an object.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !name.is_empty()
        && name.len() <= 253
        && name.chars().all(|c| is_plain(c) || c == '-' || c == '.')
        && name.starts_with(is_plain)
        && name.ends_with(is_plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_no_router() {
        assert_eq!(Traffic::read(&Value::Null), Ok(Traffic::default()));
        let plain = Traffic::read(&json!({ "kubernetes": { "services": ["web"] } })).unwrap();
        assert_eq!(plain.services, ["web"]);
        assert!(plain.router.is_none());
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        for router in [
            json!({ "gateway": { "http_route": "web" } }),
            json!({ "gateway": { "http_route": "web", "confirmation": "30s" } }),
            json!({ "istio": { "virtual_service": { "name": "web", "routes": ["main"] } } }),
            json!({ "nginx": { "ingress": "web", "annotation_prefix": "n.io", "weight_total": 1000 } }),
            json!({ "traefik": { "service": "web" } }),
        ] {
            let written =
                json!({ "stable_service": "a", "candidate_service": "b", "router": router });
            let read = Traffic::read(&json!({ "kubernetes": written })).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), written);
        }
    }

    #[test]
    fn every_mistake_names_its_field() {
        let services = json!({ "stable_service": "a", "candidate_service": "b" });
        let with = |router: Value| {
            let mut traffic = services.clone();
            traffic["router"] = router;
            traffic
        };
        for (bad, field) in [
            (json!({ "active_service": "Web" }), "active_service"),
            (json!({ "active_service": "a", "preview_service": "a" }), "preview_service"),
            (json!({ "preview_service": "a" }), "preview_service"),
            (json!({ "aktive": "a" }), "aktive"),
            (json!({ "router": { "gateway": { "http_route": "web" } } }), "stable_service"),
            (with(json!({ "alb": {} })), "router"),
            (with(json!({ "gateway": {} })), "router.gateway"),
            (with(json!({ "gateway": { "http_route": "" } })), "router.gateway.http_route"),
            (
                with(json!({ "nginx": { "ingress": "a", "weight_total": 0 } })),
                "router.nginx.weight_total",
            ),
        ] {
            let error = Traffic::read(&json!({ "kubernetes": bad })).unwrap_err();
            assert_eq!(error.field, format!("traffic.kubernetes.{field}"), "{error}");
        }
        assert_eq!(Traffic::read(&json!({ "haproxy": {} })).unwrap_err().field, "traffic.haproxy");
    }

    #[test]
    fn what_an_import_writes_is_read() {
        for (file, router) in [
            (
                include_str!("../../../rollout-import/tests/fixtures/argo_canary_istio.yaml"),
                "istio",
            ),
            (include_str!("../../../rollout-import/tests/fixtures/flagger_canary.yaml"), "istio"),
            (include_str!("../../../rollout-import/tests/fixtures/argo_blue_green.yaml"), "none"),
            (
                include_str!("../../../rollout-import/tests/fixtures/flagger_blue_green.yaml"),
                "none",
            ),
            (include_str!("../../../rollout-import/tests/fixtures/deployment_full.yaml"), "none"),
        ] {
            let imported =
                rollout_import::import(file, &rollout_import::Options::default()).unwrap();
            for workload in &imported.workloads {
                let read = Traffic::read(&workload.spec.traffic).unwrap();
                let found = read.router.map_or("none", |router| match router {
                    RouterSpec::Gateway(_) => "gateway",
                    RouterSpec::Istio(_) => "istio",
                    RouterSpec::Nginx(_) => "nginx",
                    RouterSpec::Traefik(_) => "traefik",
                });
                assert_eq!(found, router);
            }
        }
    }
}
