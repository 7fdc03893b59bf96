//! What the routers differ in: the objects they are made of, and how a division is written into them.
//!
//! In: the objects as read, and a division. Out: the objects as they shall be. Absent: calls, revisions, and
//! the order of writes, which are the same for all of them.

use std::{collections::BTreeSet, fmt};

use kube::core::{ApiResource, GroupVersionKind};
use rollout_core::{port::Ability, time::Span, weight::Weight};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    division::Division,
    gateway::Gateway,
    istio::{Destinations, VirtualService},
    nginx::Ingress,
    object::Object,
    problem::Problem,
    traefik::Traefik,
    traffic::{GatewaySpec, NginxSpec, RouterSpec, Traffic, VirtualServiceSpec},
};

/// Annotation: how traffic is divided, how it was before, and what to restore in the end.
const ROUTE: &str = "rollout-engine.dev/route";

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) resource: ApiResource,
    /// Empty for what belongs to none.
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Place {
    /// An object by group, version and kind.
    pub(super) fn of(
        (group, version, kind): (&str, &str, &str),
        namespace: &str,
        name: &str,
    ) -> Self {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Self { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.resource.kind, self.name)?;
        match self.namespace.as_str() {
            "" => Ok(()),
            namespace => write!(f, " in the namespace `{namespace}`"),
        }
    }
}

/// The objects of a router, in the order of [`Shape::places`]; `None`: there is none. The first is always
/// there.
pub(super) type Parts = Vec<Option<Object>>;

/// One kind of router.
pub(super) trait Shape: fmt::Debug + Send + Sync {
    /// Units it divides traffic into.
    fn units(&self) -> u64;

    /// What it can do beside shares.
    fn abilities(&self) -> BTreeSet<Ability>;

    /// Its objects. The first one must be there, and remembers.
    fn places(&self) -> Vec<Place>;

    /// Which field of the spec names the first one, without `traffic.kubernetes.router`.
    fn field(&self) -> &'static str;

    /// Whether the first object names the others, so that they must be there before it.
    fn leans(&self) -> bool {
        false
    }

    /// What else must be there, asked for only where nothing is in force.
    fn needs(&self, _parts: &Parts) -> Vec<Place> {
        Vec::new()
    }

    /// Whether the objects can be divided, and whether whoever carries them out has refused them.
    fn check(&self, parts: &Parts) -> Result<(), Problem>;

    /// Whether `division` can be written; what it cannot do is refused before anything is.
    fn can(&self, parts: &Parts, division: &Division) -> Result<(), Problem>;

    /// What those that are needed must say of themselves that they can do, for this division.
    fn feature(&self, _division: &Division) -> Option<&'static str> {
        None
    }

    /// What is to be restored in the end.
    fn keep(&self, parts: &Parts) -> Value;

    /// The share of the candidate side, from the weights alone.
    fn share(&self, parts: &Parts) -> Weight;

    /// The objects with `division` written into them in place of `was`, or restored to what was `kept`
    /// where it is at rest.
    fn shaped(&self, parts: &Parts, was: &Division, division: &Division, kept: &Value) -> Parts;

    /// How long its data plane takes to learn of a Service that a route names, after whoever carries the objects
    /// out has taken in the route; `None`: it learns of both at once.
    fn confirmation(&self) -> Option<Span> {
        None
    }

    /// Whether whoever carries the objects out has taken in their last change.
    fn is_in_force(&self, parts: &Parts) -> bool;
}

/// The router that `traffic` names.
pub(super) fn of(traffic: &Traffic, namespace: &str) -> Option<Box<dyn Shape>> {
    let service = |name: &Option<String>| name.clone().unwrap_or_default();
    let namespace = namespace.to_owned();
    let (stable, candidate) =
        (service(&traffic.stable_service), service(&traffic.candidate_service));
    match traffic.router.as_ref()? {
        RouterSpec::Gateway(spec) => {
            let GatewaySpec { http_route, confirmation } = spec.clone();
            Some(Box::new(Gateway { namespace, http_route, stable, candidate, confirmation }))
        }
        RouterSpec::Istio(spec) => {
            let destinations = match &spec.destination_rule {
                None => Destinations::Services(stable, candidate),
                Some(rule) => {
                    Destinations::Subsets(rule.stable_subset.clone(), rule.candidate_subset.clone())
                }
            };
            let VirtualServiceSpec { name, routes } = spec.virtual_service.clone();
            Some(Box::new(VirtualService { namespace, name, routes, destinations }))
        }
        RouterSpec::Nginx(spec) => {
            let NginxSpec { ingress: name, annotation_prefix: prefix, weight_total: total } =
                spec.clone();
            Some(Box::new(Ingress { namespace, name, prefix, total, stable, candidate }))
        }
        RouterSpec::Traefik(spec) => {
            let name = spec.service.clone();
            Some(Box::new(Traefik { namespace, name, stable, candidate }))
        }
    }
}

/// What the first object remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// How traffic was divided last.
    pub(super) division: Division,
    /// How it was before, for as long as that may still be in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Division>,
    /// What is to be restored in the end.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) kept: Value,
}

impl Memory {
    fn of(parts: &Parts) -> Self {
        let text = parts.first().and_then(|home| home.as_ref()?.annotation(ROUTE));
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// How traffic is divided: as it was written last, and as it is in force.
pub(super) fn divided(shape: &dyn Shape, parts: &Parts) -> (Division, Division) {
    let memory = Memory::of(parts);
    let is_kept = !memory.division.is_rest()
        && shape.shaped(parts, &memory.division, &memory.division, &memory.kept) == *parts;
    let written = if is_kept { memory.division.clone() } else { Division::of(shape.share(parts)) };
    let in_force = if shape.is_in_force(parts) {
        written.clone()
    } else {
        memory.before.unwrap_or_else(|| written.clone())
    };
    (written, in_force)
}

/// `division` in the units of a router: what is less than one is nothing.
pub(super) fn in_units(shape: &dyn Shape, division: &Division) -> Division {
    let candidate = division.candidate.in_units(shape.units());
    Division { candidate, ..division.clone() }
}

/// The objects with `division`, in units of the router, written into them and remembered.
pub(super) fn divide(shape: &dyn Shape, parts: &Parts, division: &Division) -> Parts {
    let memory = Memory::of(parts);
    let (written, in_force) = divided(shape, parts);
    let kept = if memory.kept.is_null() { shape.keep(parts) } else { memory.kept };
    let mut after = shape.shaped(parts, &memory.division, division, &kept);
    let memory = Memory {
        division: division.clone(),
        before: Some(in_force.wider(written)),
        kept: if division.is_rest() { Value::Null } else { kept },
    };
    if let Some(home) = after.first_mut().and_then(Option::as_mut) {
        let text = serde_json::to_string(&memory).expect("a memory has only text keys");
        home.set_annotation(ROUTE, Some(&text));
    }
    after
}

#[cfg(test)]
pub(super) mod tests;
