//! An `HTTPRoute` of the Gateway API: shares as weights, matches as rules before the divided ones, copies as a
//! filter.
//!
//! Divided is every rule that has the stable Service among its backends; of those, our fields are the two
//! weights, the backend of the candidate Service and the filter that copies. That backend stands in the route with
//! the weight 0 before it gets its first share, and after its last one. The rules of ours are known by
//! their only backend, the candidate Service, and by a header that the trial asks for. It is in force once
//! every parent has accepted this very generation.

mod rules;
mod status;

use std::collections::BTreeSet;

use rollout_core::{port::Ability, time::Span, weight::Weight};
use serde_json::Value;

use super::{
    division::Division,
    object::Object,
    pair::Pair,
    problem::Problem,
    shape::{Parts, Place, Shape},
};

/// Group, version and kind.
const HTTP_ROUTE: (&str, &str, &str) = ("gateway.networking.k8s.io", "v1", "HTTPRoute");

/// An `HTTPRoute` that is divided between two Services.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) namespace: String,
    pub(super) http_route: String,
    pub(super) stable: String,
    pub(super) candidate: String,
    /// How long its data plane takes to learn of a Service that the route names.
    pub(super) confirmation: Span,
}

impl Gateway {
    fn what(&self) -> String {
        Place::of(HTTP_ROUTE, &self.namespace, &self.http_route).to_string()
    }

    /// The rules that are divided.
    fn divided<'a>(&self, parts: &'a Parts) -> impl Iterator<Item = &'a Value> {
        let rules = route(parts).map(|route| route.list("/spec/rules")).unwrap_or_default();
        rules.iter().filter(|rule| self.is_divided(rule))
    }
}

impl Shape for Gateway {
    /// Its weights go up to a million; ours are basis points.
    fn units(&self) -> u64 {
        Weight::FULL.basis_points()
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        BTreeSet::from([Ability::Matches, Ability::Mirror])
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::of(HTTP_ROUTE, &self.namespace, &self.http_route)]
    }

    fn field(&self) -> &'static str {
        "gateway.http_route"
    }

    fn needs(&self, parts: &Parts) -> Vec<Place> {
        route(parts).map(status::parents).unwrap_or_default()
    }

    fn check(&self, parts: &Parts) -> Result<(), Problem> {
        let Some(route) = route(parts) else { return Ok(()) };
        let what = self.what();
        self.check_rules(route, &what)?;
        status::check(route, &what)
    }

    fn can(&self, _parts: &Parts, division: &Division) -> Result<(), Problem> {
        if division.rules.affinity.is_some() {
            return Err(Problem::never(
                &self.what(),
                "the Gateway API keeps no client on its revision",
                "take `affinity` out of the steps, or use a router that can",
            ));
        }
        Ok(())
    }

    /// A class that cannot copy a part copies all, and the route would look the same.
    fn feature(&self, division: &Division) -> Option<&'static str> {
        let mirror = division.rules.mirror;
        let is_part = !mirror.is_zero() && mirror != Weight::FULL;
        is_part.then_some("HTTPRouteRequestPercentageMirror")
    }

    fn keep(&self, parts: &Parts) -> Value {
        self.divided(parts).map(|rule| Pair::keep(self, rules::backends(rule))).collect()
    }

    fn share(&self, parts: &Parts) -> Weight {
        // The rule that gives it most counts: nobody shall believe it gets less.
        self.divided(parts)
            .map(|rule| Pair::share(self, rules::backends(rule)))
            .max()
            .unwrap_or_default()
    }

    fn shaped(&self, parts: &Parts, was: &Division, division: &Division, kept: &Value) -> Parts {
        parts
            .iter()
            .map(|part| {
                let mut route = part.clone()?;
                let rules = self.rules(route.list("/spec/rules"), &was.rules, division, kept);
                if let Some(list) = route.list_mut("/spec/rules") {
                    *list = rules;
                }
                Some(route)
            })
            .collect()
    }

    /// Its proxies hear of routes and of Services on two ways, in no order: Envoy answers 503 for a Service that
    /// a route names and that it has not heard of.
    fn confirmation(&self) -> Option<Span> {
        Some(self.confirmation)
    }

    fn is_in_force(&self, parts: &Parts) -> bool {
        route(parts).is_some_and(status::is_in_force)
    }
}

/// The `HTTPRoute` itself.
fn route(parts: &Parts) -> Option<&Object> {
    parts.first()?.as_ref()
}

#[cfg(test)]
mod tests;
