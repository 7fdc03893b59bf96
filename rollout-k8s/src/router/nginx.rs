//! An `Ingress` of the nginx controller: shares and matches as annotations of a second one of ours, the
//! candidate's.
//!
//! The second `Ingress` has the paths of the first that lead to the stable Service, with the candidate Service
//! in its place, and goes away in the end. The controller tells nobody what it has taken in, so what is written
//! is taken as in force. It knows one header and one cookie, the cookie with the value `always` alone.

use std::collections::BTreeSet;

use rollout_core::{port::Ability, spec::Match, weight::Weight};
use serde_json::{Map, Value, json};

use super::{
    division::Division,
    matches::{self, Want},
    object::Object,
    problem::Problem,
    shape::{Parts, Place, Shape},
};
use crate::labels;

/// Group, version and kind.
const INGRESS: (&str, &str, &str) = ("networking.k8s.io", "v1", "Ingress");
/// Annotation of the class, from before there was a field for it.
const CLASS: &str = "kubernetes.io/ingress.class";

/// An `Ingress` with a second one for the candidate.
#[derive(Clone, Debug)]
pub(super) struct Ingress {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) prefix: String,
    /// The weight that is all of the traffic.
    pub(super) total: u64,
    pub(super) stable: String,
    pub(super) candidate: String,
}

impl Ingress {
    fn place(&self) -> Place {
        Place::of(INGRESS, &self.namespace, &self.name)
    }

    /// Where the candidate's `Ingress` is.
    fn second(&self) -> Place {
        Place::of(INGRESS, &self.namespace, &format!("{}-candidate", self.name))
    }

    /// The name of an annotation of the controller.
    fn annotation(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    /// The rules of the first that lead to the stable Service, leading to the candidate's.
    fn rules(&self, first: &Object) -> Vec<Value> {
        let mut rules = Vec::new();
        for rule in first.list("/spec/rules") {
            let paths = rule.pointer("/http/paths").and_then(Value::as_array);
            let paths = paths.into_iter().flatten().filter(|path| self.is_stable(path));
            let paths = paths.cloned().map(|mut path| {
                path["backend"]["service"]["name"] = json!(self.candidate);
                path
            });
            let paths: Vec<Value> = paths.collect();
            if !paths.is_empty() {
                let mut rule = rule.clone();
                rule["http"]["paths"] = Value::Array(paths);
                rules.push(rule);
            }
        }
        rules
    }

    fn is_stable(&self, path: &Value) -> bool {
        path.pointer("/backend/service/name").and_then(Value::as_str) == Some(&self.stable)
    }

    /// The annotations of a division.
    fn annotations(&self, division: &Division) -> Map<String, Value> {
        let mut all = Map::new();
        let mut add = |name: &str, value: String| all.insert(self.annotation(name), json!(value));
        let units = division.candidate.basis_points() * self.total / 10_000;
        add("canary", "true".to_owned());
        add("canary-weight", units.to_string());
        if self.total != 100 {
            add("canary-weight-total", self.total.to_string());
        }
        for one in &division.rules.matches {
            match (&one.header, matches::value(one)) {
                (None, _) => add("canary-by-cookie", one.cookie.clone().unwrap_or_default()),
                (Some(header), value) => {
                    add("canary-by-header", header.clone());
                    match value {
                        Want::Exact(text) => add("canary-by-header-value", text),
                        Want::Regex(pattern) => add("canary-by-header-pattern", pattern),
                        Want::Present => add("canary-by-header-pattern", ".*".to_owned()),
                        Want::Prefix(text) => {
                            add("canary-by-header-pattern", format!("^{}", matches::escape(&text)))
                        }
                    }
                }
            };
        }
        all
    }

    /// The candidate's `Ingress` under a division.
    fn made(&self, first: &Object, second: Option<&Object>, division: &Division) -> Object {
        let place = self.second();
        let mut made = second.cloned().unwrap_or_else(|| {
            Object(json!({
                "apiVersion": place.resource.api_version,
                "kind": place.resource.kind,
                "metadata": {
                    "name": place.name,
                    "namespace": place.namespace,
                    "annotations": {},
                    "ownerReferences": [{
                        "apiVersion": place.resource.api_version,
                        "kind": place.resource.kind,
                        "name": first.name(),
                        "uid": first.at("/metadata/uid"),
                    }],
                },
            }))
        });
        let ours = self.annotation("canary");
        if let Some(annotations) = made.map("/metadata/annotations") {
            annotations.retain(|name, _| !name.starts_with(&ours));
            annotations.extend(self.annotations(division));
        }
        made.set_annotation(CLASS, first.annotation(CLASS));
        let mut spec = json!({ "rules": self.rules(first) });
        if let Some(class) = first.at("/spec/ingressClassName") {
            spec["ingressClassName"] = class.clone();
        }
        made.0["spec"] = spec;
        made
    }
}

impl Shape for Ingress {
    fn units(&self) -> u64 {
        self.total
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        BTreeSet::from([Ability::Matches])
    }

    fn places(&self) -> Vec<Place> {
        vec![self.place(), self.second()]
    }

    fn field(&self) -> &'static str {
        "nginx.ingress"
    }

    fn check(&self, parts: &Parts) -> Result<(), Problem> {
        let what = self.place().to_string();
        let (Some(first), second) = both(parts) else { return Ok(()) };
        if first.annotation(&self.annotation("canary")) == Some("true") {
            return Err(Problem::conflict(
                &what,
                "it is somebody's canary itself",
                "name the Ingress that it is the canary of",
            ));
        }
        if self.rules(first).is_empty() {
            return Err(Problem::missing(
                &what,
                format!("no path of it leads to the Service `{}`", self.stable),
                "add one, or correct `traffic.kubernetes.stable_service`",
            ));
        }
        if second.is_some_and(|second| second.annotation(labels::EPOCH).is_none()) {
            return Err(Problem::conflict(
                &self.second().to_string(),
                "it is not ours, and the candidate's would have that name",
                "rename it, or remove it",
            ));
        }
        Ok(())
    }

    fn can(&self, _parts: &Parts, division: &Division) -> Result<(), Problem> {
        let rules = &division.rules;
        let never =
            |why: &str, way_out: &str| Err(Problem::never(&self.place().to_string(), why, way_out));
        let headers = rules.matches.iter().filter(|one| one.header.is_some()).count();
        let is_always = |one: &&Match| one.exact.as_deref() == Some("always");
        let cookies: Vec<_> = rules.matches.iter().filter(|one| one.header.is_none()).collect();
        if 1 < headers || 1 < cookies.len() || !cookies.iter().all(is_always) {
            return never(
                "the controller matches by one header and by one cookie, and the cookie by `always` alone",
                "leave one header, and one cookie with `exact: always`",
            );
        }
        if !rules.mirror.is_zero() {
            return never("a canary gets no copies", "take `mirror` out of the steps");
        }
        if rules.affinity.is_some() {
            return never(
                "a canary keeps no client on its revision",
                "take `affinity` out of the steps",
            );
        }
        Ok(())
    }

    fn keep(&self, _parts: &Parts) -> Value {
        // Nothing of the first one changes.
        Value::Null
    }

    fn share(&self, parts: &Parts) -> Weight {
        let number = |name: &str| both(parts).1?.annotation(&self.annotation(name))?.parse().ok();
        Weight::share(
            number("canary-weight").unwrap_or_default(),
            number("canary-weight-total").unwrap_or(100),
        )
    }

    fn shaped(&self, parts: &Parts, _was: &Division, division: &Division, _kept: &Value) -> Parts {
        let (Some(first), second) = both(parts) else { return parts.clone() };
        let second = (!division.is_rest()).then(|| self.made(first, second, division));
        vec![Some(first.clone()), second]
    }

    fn is_in_force(&self, _parts: &Parts) -> bool {
        true
    }
}

/// The first and the candidate's.
fn both(parts: &Parts) -> (Option<&Object>, Option<&Object>) {
    match parts.as_slice() {
        [first, second, ..] => (first.as_ref(), second.as_ref()),
        [first] => (first.as_ref(), None),
        [] => (None, None),
    }
}

#[cfg(test)]
mod tests;
