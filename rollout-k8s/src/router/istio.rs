//! A `VirtualService` of Istio: shares as weights of its HTTP routes, matches as routes before the divided
//! ones, copies as their mirror.
//!
//! Divided is every HTTP route that is named in the spec, or has the stable destination where none is named.
//! The routes of ours have names that begin with `rollout-engine-`. Istio tells what its proxies have taken in
//! only where it writes status; elsewhere what is written is taken as in force.

mod trial;

use std::collections::BTreeSet;

use rollout_core::{port::Ability, spec::Rules, weight::Weight};
use serde_json::{Value, json};

use super::{
    division::{Division, Side},
    object::Object,
    pair::Pair,
    problem::Problem,
    shape::{Parts, Place, Shape},
};

/// Group, version and kind; this version is served by old and new releases alike.
const VIRTUAL_SERVICE: (&str, &str, &str) = ("networking.istio.io", "v1beta1", "VirtualService");
/// What the names of our routes begin with.
const OURS: &str = "rollout-engine-";

/// A `VirtualService` that is divided between two destinations.
#[derive(Clone, Debug)]
pub(super) struct VirtualService {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Names of the routes that are divided; none: all with the stable destination.
    pub(super) routes: Vec<String>,
    pub(super) destinations: Destinations,
}

/// What tells the destinations apart: stable first.
#[derive(Clone, Debug)]
pub(super) enum Destinations {
    /// Two Services.
    Services(String, String),
    /// Two subsets of one Service.
    Subsets(String, String),
}

impl Pair for VirtualService {
    fn is(&self, entry: &Value, side: Side) -> bool {
        entry.get("destination").is_some_and(|destination| self.is_at(destination, side))
    }

    fn made(&self, stable: &Value) -> Value {
        let mut made = stable.clone();
        made["destination"] = self.candidate(&stable["destination"]);
        made
    }

    /// One destination alone gets everything.
    fn implied(&self, entries: usize) -> u64 {
        if entries == 1 { 100 } else { 0 }
    }
}

impl VirtualService {
    fn what(&self) -> String {
        Place::of(VIRTUAL_SERVICE, &self.namespace, &self.name).to_string()
    }

    /// Whether a destination is that side.
    fn is_at(&self, destination: &Value, side: Side) -> bool {
        let text = |field: &str| destination.get(field).and_then(Value::as_str);
        match (&self.destinations, side) {
            (Destinations::Subsets(subset, _), Side::Stable)
            | (Destinations::Subsets(_, subset), Side::Candidate) => text("subset") == Some(subset),
            (Destinations::Services(service, _), Side::Stable)
            | (Destinations::Services(_, service), Side::Candidate) => {
                text("host").is_some_and(|host| self.is_host(host, service))
            }
        }
    }

    /// Whether `host` is the Service: its name alone, or with the namespace after it.
    fn is_host(&self, host: &str, service: &str) -> bool {
        let Some(rest) = host.strip_prefix(service) else { return false };
        let of_namespace = rest.strip_prefix('.').and_then(|it| it.strip_prefix(&*self.namespace));
        rest.is_empty() || of_namespace.is_some_and(|it| it.is_empty() || it.starts_with(".svc"))
    }

    /// The destination of the candidate, made after that of the stable side.
    fn candidate(&self, stable: &Value) -> Value {
        let mut made = stable.clone();
        match &self.destinations {
            Destinations::Subsets(_, subset) => made["subset"] = json!(subset),
            Destinations::Services(service, candidate) => {
                let host = stable["host"].as_str().unwrap_or_default();
                let rest = host.strip_prefix(service.as_str()).unwrap_or_default();
                made["host"] = json!(format!("{candidate}{rest}"));
            }
        }
        made
    }

    /// Whether the shares of an HTTP route are ours to set.
    fn is_divided(&self, http: &Value) -> bool {
        let is_named = || self.routes.iter().any(|name| http["name"] == name.as_str());
        !is_ours(http)
            && (self.routes.is_empty() || is_named())
            && self.entry(routes(http), Side::Stable).is_some()
    }

    fn divided<'a>(&self, parts: &'a Parts) -> impl Iterator<Item = &'a Value> {
        let all = home(parts).map(|it| it.list("/spec/http")).unwrap_or_default();
        all.iter().filter(|http| self.is_divided(http))
    }

    /// `all` HTTP routes under `division`.
    fn shape(&self, all: &[Value], division: &Division, kept: &Value) -> Vec<Value> {
        let mut place = 0;
        let mut shaped = Vec::new();
        for http in all.iter().filter(|http| !is_ours(http)) {
            let mut http = http.clone();
            if self.is_divided(&http) {
                self.set_copies(&mut http, Weight::ZERO);
                shaped.extend(self.matching(&http, &division.rules.matches, place));
                if let Some(Value::Array(list)) = http.get_mut("route") {
                    if division.is_rest() {
                        self.restore(list, kept.get(place).unwrap_or(&Value::Null));
                    } else {
                        let units = division.candidate.basis_points() * self.units() / 10_000;
                        self.set(list, self.units() - units, units);
                    }
                }
                self.set_copies(&mut http, division.rules.mirror);
                place += 1;
            }
            shaped.push(http);
        }
        shaped
    }
}

impl Shape for VirtualService {
    /// Releases before 1.17 take weights only that make 100.
    fn units(&self) -> u64 {
        100
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        BTreeSet::from([Ability::Matches, Ability::Mirror])
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::of(VIRTUAL_SERVICE, &self.namespace, &self.name)]
    }

    fn field(&self) -> &'static str {
        "istio.virtual_service.name"
    }

    fn check(&self, parts: &Parts) -> Result<(), Problem> {
        let named = |name: &&String| self.divided(parts).any(|http| http["name"] == name.as_str());
        if let Some(name) = self.routes.iter().find(|name| !named(name)) {
            return Err(Problem::missing(
                &self.what(),
                format!("it has no HTTP route `{name}` with the stable destination"),
                "correct the route, or `traffic.kubernetes.router.istio.virtual_service.routes`",
            ));
        }
        if self.divided(parts).next().is_none() {
            return Err(Problem::missing(
                &self.what(),
                "no HTTP route has the stable destination",
                "add it, or correct `traffic.kubernetes.stable_service` or `stable_subset`",
            ));
        }
        match self.divided(parts).find_map(|http| self.other(routes(http))) {
            None => Ok(()),
            Some(other) => Err(Problem::conflict(
                &self.what(),
                format!(
                    "a route shares its traffic with `{}`, so that no share is one of all",
                    other["destination"]["host"].as_str().unwrap_or_default()
                ),
                "give that destination a route of its own, or the weight 0",
            )),
        }
    }

    fn can(&self, parts: &Parts, division: &Division) -> Result<(), Problem> {
        let Rules { matches: _, mirror, affinity } = &division.rules;
        if affinity.is_some() {
            return Err(Problem::never(
                &self.what(),
                "a VirtualService keeps no client on its revision",
                "take `affinity` out of the steps, or use a router that can",
            ));
        }
        let is_theirs =
            |http: &&Value| http.get("mirror").is_some_and(|to| !self.is_at(to, Side::Candidate));
        match self.divided(parts).find(is_theirs) {
            Some(_) if !mirror.is_zero() => Err(Problem::conflict(
                &self.what(),
                "a route copies its requests to somebody else already, and has one `mirror` only",
                "take `mirror` out of the steps, or write theirs as `mirrors`",
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn keep(&self, parts: &Parts) -> Value {
        self.divided(parts).map(|http| Pair::keep(self, routes(http))).collect()
    }

    fn share(&self, parts: &Parts) -> Weight {
        self.divided(parts).map(|http| Pair::share(self, routes(http))).max().unwrap_or_default()
    }

    fn shaped(&self, parts: &Parts, _was: &Division, division: &Division, kept: &Value) -> Parts {
        let mut after = parts.clone();
        if let Some(list) = after.first_mut().and_then(|it| it.as_mut()?.list_mut("/spec/http")) {
            *list = self.shape(list, division, kept);
        }
        after
    }

    fn is_in_force(&self, parts: &Parts) -> bool {
        let Some(object) = home(parts) else { return false };
        let observed = object.at("/status/observedGeneration").and_then(Value::as_u64);
        observed.is_none_or(|observed| Some(observed) == object.generation())
    }
}

fn home(parts: &Parts) -> Option<&Object> {
    parts.first()?.as_ref()
}

fn routes(http: &Value) -> &[Value] {
    http.get("route").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_ours(http: &Value) -> bool {
    http.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with(OURS))
}

#[cfg(test)]
mod tests;
