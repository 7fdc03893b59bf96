//! A `TraefikService` with weights: shares as weights, affinity as its sticky cookie, copies through a second
//! `TraefikService` of ours that stands in for the stable Service.
//!
//! Traefik tells nobody what it has taken in, so what is written is taken as in force. Matches belong to its
//! `IngressRoute`s, which are not touched.

use std::collections::BTreeSet;

use rollout_core::{port::Ability, weight::Weight};
use serde_json::{Value, json};

use super::{
    division::{Division, Side},
    object::Object,
    pair::Pair,
    problem::Problem,
    shape::{Parts, Place, Shape},
};
use crate::labels;

/// Group, version and kind.
const TRAEFIK_SERVICE: (&str, &str, &str) = ("traefik.io", "v1alpha1", "TraefikService");

/// A `TraefikService` that is divided between two Services.
#[derive(Clone, Debug)]
pub(super) struct Traefik {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) stable: String,
    pub(super) candidate: String,
}

impl Pair for Traefik {
    fn is(&self, entry: &Value, side: Side) -> bool {
        match side {
            Side::Stable => is_service(entry, &self.stable) || self.is_copies(entry),
            Side::Candidate => is_service(entry, &self.candidate),
        }
    }

    fn made(&self, stable: &Value) -> Value {
        let mut made = stable.clone();
        made["name"] = json!(self.candidate);
        made
    }

    fn implied(&self, _entries: usize) -> u64 {
        1
    }
}

impl Traefik {
    fn place(&self) -> Place {
        Place::of(TRAEFIK_SERVICE, &self.namespace, &self.name)
    }

    /// Where the service that copies is.
    fn copies(&self) -> Place {
        Place::of(TRAEFIK_SERVICE, &self.namespace, &format!("{}-copies", self.name))
    }

    /// Whether an entry leads through the service that copies.
    fn is_copies(&self, entry: &Value) -> bool {
        entry["kind"] == "TraefikService" && entry["name"] == self.copies().name.as_str()
    }

    /// Lets the entry of the stable side lead to its Service, written as it was `kept`.
    fn lead_to_service(&self, list: &mut [Value], kept: &Value) {
        let entry = list.iter_mut().find(|entry| self.is_copies(entry));
        let Some(fields) = entry.and_then(Value::as_object_mut) else { return };
        fields.insert("name".to_owned(), json!(self.stable));
        match kept.get("kind").filter(|kind| !kind.is_null()) {
            Some(kind) => fields.insert("kind".to_owned(), kind.clone()),
            None => fields.remove("kind"),
        };
    }

    /// Lets it lead through the service that copies.
    fn lead_to_copies(&self, list: &mut [Value]) {
        for entry in list.iter_mut().filter(|entry| self.is(entry, Side::Stable)) {
            entry["kind"] = json!("TraefikService");
            entry["name"] = json!(self.copies().name);
        }
    }

    /// The service that copies, made after the entry of the stable side.
    fn mirroring(&self, entry: &Value, second: Option<&Object>, share: Weight) -> Object {
        let place = self.copies();
        let port = &entry["port"];
        let mut made = second.cloned().unwrap_or_else(|| {
            Object(json!({
                "apiVersion": place.resource.api_version,
                "kind": place.resource.kind,
                "metadata": { "name": place.name, "namespace": place.namespace, "annotations": {} },
            }))
        });
        let percent = share.basis_points() / 100;
        let mirrors = json!([{ "name": self.candidate, "port": port, "percent": percent }]);
        let mirroring = json!({ "name": self.stable, "port": port, "mirrors": mirrors });
        made.0["spec"] = json!({ "mirroring": mirroring });
        made
    }
}

impl Shape for Traefik {
    fn units(&self) -> u64 {
        100
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        BTreeSet::from([Ability::Mirror, Ability::Affinity])
    }

    fn places(&self) -> Vec<Place> {
        vec![self.place(), self.copies()]
    }

    fn field(&self) -> &'static str {
        "traefik.service"
    }

    /// It leads through the service that copies.
    fn leans(&self) -> bool {
        true
    }

    fn check(&self, parts: &Parts) -> Result<(), Problem> {
        let what = self.place().to_string();
        if self.entry(services(parts), Side::Stable).is_none() {
            return Err(Problem::missing(
                &what,
                format!("the Service `{}` is not among its `weighted.services`", self.stable),
                "add it, or correct `traffic.kubernetes.stable_service`",
            ));
        }
        if let Some(other) = self.other(services(parts)) {
            return Err(Problem::conflict(
                &what,
                format!(
                    "it shares its traffic with `{}`, so that no share is one of all",
                    other["name"].as_str().unwrap_or_default()
                ),
                "give that service a TraefikService of its own, or the weight 0",
            ));
        }
        if second(parts).is_some_and(|second| second.annotation(labels::EPOCH).is_none()) {
            return Err(Problem::conflict(
                &self.copies().to_string(),
                "it is not ours, and the one that copies would have that name",
                "rename it, or remove it",
            ));
        }
        Ok(())
    }

    fn can(&self, _parts: &Parts, division: &Division) -> Result<(), Problem> {
        let what = self.place().to_string();
        if !division.rules.matches.is_empty() {
            return Err(Problem::never(
                &what,
                "matches belong to its IngressRoutes, which are not ours",
                "take `match` out of the steps, or use a router that can",
            ));
        }
        if !division.rules.mirror.basis_points().is_multiple_of(100) {
            return Err(Problem::never(
                &what,
                format!("it copies whole percentages, not {}", division.rules.mirror),
                "use a whole percentage in `mirror`",
            ));
        }
        Ok(())
    }

    fn keep(&self, parts: &Parts) -> Value {
        let mut kept = Pair::keep(self, services(parts));
        let stable = self.entry(services(parts), Side::Stable);
        kept["kind"] = json!(stable.and_then(|entry| entry.get("kind")));
        kept["sticky"] = json!(home(parts).and_then(|it| it.at("/spec/weighted/sticky")));
        kept
    }

    fn share(&self, parts: &Parts) -> Weight {
        Pair::share(self, services(parts))
    }

    fn shaped(&self, parts: &Parts, _was: &Division, division: &Division, kept: &Value) -> Parts {
        let mut after = parts.clone();
        let mirror = division.rules.mirror;
        let stable = self.entry(services(parts), Side::Stable);
        let copies = stable
            .filter(|_| !mirror.is_zero())
            .map(|entry| self.mirroring(entry, second(parts), mirror));
        if let Some(Some(first)) = after.first_mut() {
            if let Some(list) = first.list_mut("/spec/weighted/services") {
                self.lead_to_service(list, kept);
                if division.is_rest() {
                    self.restore(list, kept);
                } else {
                    let units = division.candidate.basis_points() * self.units() / 10_000;
                    self.set(list, self.units() - units, units);
                }
                if copies.is_some() {
                    self.lead_to_copies(list);
                }
            }
            let ours = division.rules.affinity.as_ref().map(|affinity| {
                let seconds = affinity.max_age.as_millis().div_ceil(1000);
                json!({ "cookie": { "name": affinity.cookie, "maxAge": seconds } })
            });
            let theirs = kept.get("sticky").filter(|sticky| !sticky.is_null()).cloned();
            if let Some(weighted) = first.map("/spec/weighted") {
                match ours.or(theirs) {
                    Some(sticky) => weighted.insert("sticky".to_owned(), sticky),
                    None => weighted.remove("sticky"),
                };
            }
        }
        if let Some(second) = after.get_mut(1) {
            *second = copies;
        }
        after
    }

    fn is_in_force(&self, _parts: &Parts) -> bool {
        true
    }
}

fn home(parts: &Parts) -> Option<&Object> {
    parts.first()?.as_ref()
}

fn second(parts: &Parts) -> Option<&Object> {
    parts.get(1)?.as_ref()
}

fn services(parts: &Parts) -> &[Value] {
    home(parts).map(|it| it.list("/spec/weighted/services")).unwrap_or_default()
}

fn is_service(entry: &Value, name: &str) -> bool {
    entry["name"] == name && entry.get("kind").is_none_or(|kind| kind == "Service")
}

#[cfg(test)]
mod tests;
