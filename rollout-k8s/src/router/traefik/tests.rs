//! Read-back of what was written, and other people's fields.

use proptest::prelude::*;
use rollout_core::{engine::RefusalKind, spec::Rules};

use super::{
    super::shape::{
        divide,
        tests::{at, divisions, header, holds, parts},
    },
    *,
};

fn shape() -> Traefik {
    let [namespace, name, stable, candidate] =
        ["shop", "web", "web", "web-canary"].map(str::to_owned);
    Traefik { namespace, name, stable, candidate }
}

fn object(kind: Option<&str>, sticky: bool) -> Value {
    let mut entry = json!({ "name": "web", "port": 80, "passHostHeader": true });
    if let Some(kind) = kind {
        entry["kind"] = json!(kind);
    }
    let mut object = json!({
        "metadata": { "name": "web", "namespace": "shop", "annotations": {} },
        "spec": { "weighted": { "services": [entry] } },
    });
    if sticky {
        object["spec"]["weighted"]["sticky"] = json!({ "cookie": { "name": "theirs" } });
    }
    object
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_the_end_is_the_beginning(
        way in prop::collection::vec(divisions(&[], &[0, 1_000, 10_000], true), 1..5),
        kind in prop::option::of(Just("Service")),
        sticky in any::<bool>(),
    ) {
        let begun = parts(&[object(kind, sticky), Value::Null]);
        holds(&shape(), &begun, &way, |division, now| {
            let list = at(now, 0, "/spec/weighted/services");
            prop_assert_eq!(&list[0]["passHostHeader"], true);
            prop_assert_eq!(now[1].is_some(), !division.rules.mirror.is_zero());
            let is_theirs = at(now, 0, "/spec/weighted/sticky/cookie/name") == "theirs";
            prop_assert_eq!(is_theirs, sticky && division.rules.affinity.is_none());
            Ok(())
        })?;
    }
}

#[test]
fn copies_go_through_a_service_of_ours() {
    let rules = Rules { mirror: Weight::share(1, 10), ..Rules::default() };
    let now = divide(
        &shape(),
        &parts(&[object(None, false), Value::Null]),
        &Division { candidate: Weight::share(1, 4), rules, named: false },
    );
    let list = at(&now, 0, "/spec/weighted/services");
    assert_eq!(
        list,
        json!([
            { "name": "web-copies", "kind": "TraefikService", "port": 80, "passHostHeader": true, "weight": 75 },
            { "name": "web-canary", "port": 80, "passHostHeader": true, "weight": 25 },
        ])
    );
    assert_eq!(
        at(&now, 1, "/spec/mirroring"),
        json!({ "name": "web", "port": 80, "mirrors": [{ "name": "web-canary", "port": 80, "percent": 10 }] })
    );
}

#[test]
fn what_it_cannot_do_is_told() {
    let mut other = object(None, false);
    other["spec"]["weighted"]["services"][0]["name"] = json!("other");
    let problem = shape().check(&parts(&[other, Value::Null])).unwrap_err();
    assert_eq!(problem.kind, RefusalKind::Missing);
    let rules = Rules { matches: vec![header("a")], ..Rules::default() };
    let problem = shape().can(&Parts::new(), &Division { rules, ..Division::default() });
    assert_eq!(problem.unwrap_err().kind, RefusalKind::Invalid);
}
