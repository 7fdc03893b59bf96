//! What the controllers of an `HTTPRoute`'s parents say of it.

use serde_json::Value;

use super::super::{object::Object, problem::Problem, shape::Place};

/// Group, version and kind of most parents.
const GATEWAY: (&str, &str, &str) = ("gateway.networking.k8s.io", "v1", "Gateway");

/// The Gateways that `route` hangs on.
pub(super) fn parents(route: &Object) -> Vec<Place> {
    let parents = route.list("/spec/parentRefs").iter();
    let gateways = parents.filter(|parent| text(parent, "kind").is_none_or(|it| it == GATEWAY.2));
    gateways
        .filter_map(|parent| {
            let namespace = text(parent, "namespace").or(namespace(route))?;
            Some(Place::of(GATEWAY, namespace, text(parent, "name")?))
        })
        .collect()
}

/// Refuses a route without parents, and one that a parent has looked at and refused.
pub(super) fn check(route: &Object, what: &str) -> Result<(), Problem> {
    if route.list("/spec/parentRefs").is_empty() {
        return Err(Problem::missing(
            what,
            "it has no parent, so that nobody serves it",
            "name a Gateway in its `parentRefs`",
        ));
    }
    for parent in route.list("/status/parents") {
        let refused = conditions(parent)
            .filter(|it| generation(it) == route.generation())
            .find(|it| text(it, "status") == Some("False") && is_asked(it));
        if let Some(refused) = refused {
            let said = |field: &str| text(refused, field).unwrap_or_default();
            let name = parent.pointer("/parentRef/name").and_then(Value::as_str);
            return Err(Problem::missing(
                what,
                format!(
                    "the parent `{}` says that {} is false: {}: {}",
                    name.unwrap_or_default(),
                    said("type"),
                    said("reason"),
                    said("message")
                ),
                "correct what it complains of, in the HTTPRoute or the Gateway",
            ));
        }
    }
    Ok(())
}

/// Whether every parent has accepted this very generation, with all its backends.
pub(super) fn is_in_force(route: &Object) -> bool {
    let wanted = route.list("/spec/parentRefs");
    let is_accepted = |parent: &Value| {
        let states = route.list("/status/parents");
        states.iter().filter(|state| is_of(state, parent, route)).any(|state| {
            ["Accepted", "ResolvedRefs"].iter().all(|kind| {
                conditions(state).any(|it| {
                    text(it, "type") == Some(*kind)
                        && text(it, "status") == Some("True")
                        && generation(it) == route.generation()
                })
            })
        })
    };
    !wanted.is_empty() && wanted.iter().all(is_accepted)
}

/// Whether a state is that of `parent`.
fn is_of(state: &Value, parent: &Value, route: &Object) -> bool {
    let Some(of) = state.get("parentRef") else { return false };
    let place = |it: &Value| text(it, "namespace").or(namespace(route)).map(str::to_owned);
    text(of, "name") == text(parent, "name")
        && place(of) == place(parent)
        && ["sectionName", "port"].iter().all(|field| of.get(*field) == parent.get(*field))
}

fn is_asked(condition: &Value) -> bool {
    matches!(text(condition, "type"), Some("Accepted" | "ResolvedRefs"))
}

fn conditions(state: &Value) -> impl Iterator<Item = &Value> {
    state.get("conditions").and_then(Value::as_array).into_iter().flatten()
}

fn generation(condition: &Value) -> Option<u64> {
    condition.get("observedGeneration")?.as_u64()
}

fn namespace(route: &Object) -> Option<&str> {
    route.at("/metadata/namespace")?.as_str()
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}
