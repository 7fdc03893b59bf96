//! Read-back of what was written, other people's rules, and what the parents say.

use proptest::prelude::*;
use rollout_core::spec::{Affinity, Rules};
use rollout_core::{engine::RefusalKind, time::Span};

use serde_json::json;

use super::{
    super::shape::{
        divide, divided,
        tests::{at, cookie, divisions, header, holds, parts},
    },
    *,
};

fn shape() -> Gateway {
    let [namespace, http_route, stable, candidate] =
        ["shop", "web", "web", "web-canary"].map(str::to_owned);
    Gateway { namespace, http_route, stable, candidate, confirmation: Span::from_secs(2) }
}

/// A route as the API server shows it, with a rule to divide between two of other people.
fn route(backends: &Value) -> Value {
    json!({
        "metadata": { "name": "web", "namespace": "shop", "generation": 3, "resourceVersion": "9" },
        "spec": {
            "parentRefs": [{ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public" }],
            "rules": [
                { "matches": [{ "path": { "type": "PathPrefix", "value": "/files" } }],
                  "backendRefs": [{ "group": "", "kind": "Service", "name": "files", "port": 80, "weight": 1 }] },
                { "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
                  "filters": [{ "type": "RequestMirror", "requestMirror": { "backendRef": { "name": "audit", "port": 80 } } }],
                  "backendRefs": backends },
                { "matches": [{ "path": { "type": "Exact", "value": "/canary" } }],
                  "backendRefs": [{ "group": "", "kind": "Service", "name": "web-canary", "port": 80, "weight": 1 }] },
            ],
        },
        "status": { "parents": [state("True", 3)] },
    })
}

fn state(accepted: &str, generation: u64) -> Value {
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "observedGeneration": generation, "reason": "Because", "message": "so it is" });
    json!({
        "parentRef": { "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public" },
        "controllerName": "example.org/gateway",
        "conditions": [condition("Accepted", accepted), condition("ResolvedRefs", "True")],
    })
}

fn stable(weight: u64) -> Value {
    json!({ "group": "", "kind": "Service", "name": "web", "port": 80, "weight": weight })
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_the_end_is_the_beginning(
        way in prop::collection::vec(divisions(&[header("x-a"), header("x-b"), cookie("c", "v")], &[0, 50, 1_000, 10_000], false), 1..5),
        weight in prop::option::of(1..1_000_u64),
        has_candidate in any::<bool>(),
    ) {
        let mut backends = vec![stable(weight.unwrap_or(1))];
        if has_candidate {
            backends.push(json!({ "group": "", "kind": "Service", "name": "web-canary", "port": 80, "weight": 0 }));
        }
        let begun = parts(&[route(&Value::Array(backends))]);
        let theirs = at(&begun, 0, "/spec/rules");
        holds(&shape(), &begun, &way, |_, now| {
            let rules = at(now, 0, "/spec/rules");
            let last = rules.as_array().unwrap().len() - 1;
            prop_assert_eq!(&rules[0], &theirs[0]);
            prop_assert_eq!(&rules[last], &theirs[2]);
            prop_assert_eq!(&rules[last - 1]["filters"][0], &theirs[1]["filters"][0]);
            Ok(())
        })?;
    }
}

#[test]
fn the_old_division_is_told_until_every_parent_has_taken_in_the_new_one() {
    let begun = parts(&[route(&json!([stable(1)]))]);
    let ten = Division::of(Weight::share(1, 10));
    let mut now = divide(&shape(), &begun, &ten);
    // The API server counts the change; the parent has not looked yet.
    now[0].as_mut().unwrap().0["metadata"]["generation"] = json!(4);
    assert_eq!(divided(&shape(), &now), (ten.clone(), Division::default()));
    let half = Division::of(Weight::share(1, 2));
    let mut later = divide(&shape(), &now, &half);
    assert_eq!(divided(&shape(), &later), (half.clone(), ten));
    later[0].as_mut().unwrap().0["status"]["parents"] = json!([state("True", 4)]);
    assert_eq!(divided(&shape(), &later), (half.clone(), half));
}

#[test]
fn weights_of_somebody_else_are_told_as_they_are() {
    let begun = parts(&[route(&json!([stable(1)]))]);
    let mut now = divide(&shape(), &begun, &Division::of(Weight::share(1, 10)));
    now[0].as_mut().unwrap().0["spec"]["rules"][1]["backendRefs"][1]["weight"] = json!(9_000);
    assert_eq!(divided(&shape(), &now).0, Division::of(Weight::share(1, 2)));
}

#[test]
fn what_cannot_be_divided_is_told() {
    let refused = |route: &Value| {
        let problem = shape().check(&parts(std::slice::from_ref(route))).unwrap_err();
        (problem.kind, format!("{}: {}", problem.what, problem.why))
    };
    let (kind, why) = refused(&route(&json!([])));
    assert_eq!(kind, RefusalKind::Missing);
    assert_eq!(
        why,
        "HTTPRoute `web` in the namespace `shop`: no rule has the Service `web` among its backends"
    );
    let (kind, why) = refused(&route(&json!([stable(1), { "name": "third", "weight": 1 }])));
    assert_eq!(kind, RefusalKind::Conflict);
    assert!(
        why.ends_with(
            "a rule shares the traffic of `web` with `third`, so that no share is one of all"
        ),
        "{why}"
    );
    let mut orphan = route(&json!([stable(1)]));
    orphan["spec"]["parentRefs"] = json!([]);
    assert!(refused(&orphan).1.contains("it has no parent"));
    let mut turned_down = route(&json!([stable(1)]));
    turned_down["status"]["parents"] = json!([state("False", 3)]);
    let (_, why) = refused(&turned_down);
    assert!(
        why.ends_with("the parent `public` says that Accepted is false: Because: so it is"),
        "{why}"
    );
    // What it said of an older generation is no answer.
    turned_down["status"]["parents"] = json!([state("False", 2)]);
    assert_eq!(shape().check(&parts(&[turned_down.clone()])), Ok(()));
    assert!(!shape().is_in_force(&parts(&[turned_down])));
    let rules = Rules {
        affinity: Some(Affinity { cookie: "c".to_owned(), max_age: Span::from_secs(60) }),
        ..Rules::default()
    };
    let problem =
        shape().can(&Parts::new(), &Division { rules, ..Division::default() }).unwrap_err();
    assert_eq!(problem.kind, RefusalKind::Invalid);
}
