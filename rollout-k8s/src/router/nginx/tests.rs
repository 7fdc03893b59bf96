//! Read-back of what was written, and the first Ingress as it was.

use proptest::prelude::*;
use rollout_core::{engine::RefusalKind, spec::Rules};

use super::{
    super::shape::{
        divide,
        tests::{at, cookie, divisions, header, holds, parts},
    },
    *,
};

fn shape(total: u64) -> Ingress {
    let [namespace, name, prefix, stable, candidate] =
        ["shop", "web", "nginx.ingress.kubernetes.io", "web", "web-canary"].map(str::to_owned);
    Ingress { namespace, name, prefix, total, stable, candidate }
}

fn object(service: &str) -> Value {
    let path = |path: &str, service: &str| json!({ "path": path, "pathType": "Prefix", "backend": { "service": { "name": service, "port": { "number": 80 } } } });
    json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "u-1", "annotations": { "kubernetes.io/ingress.class": "nginx" } },
        "spec": {
            "tls": [{ "hosts": ["shop.example.org"], "secretName": "shop" }],
            "rules": [
                { "host": "shop.example.org", "http": { "paths": [path("/", service), path("/files", "files")] } },
                { "host": "files.example.org", "http": { "paths": [path("/", "files")] } },
            ],
        },
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_the_end_is_the_beginning(
        way in prop::collection::vec(divisions(&[header("x-a"), cookie("c", "always")], &[0], false), 1..5),
        total in prop::sample::select(vec![100_u64, 1_000]),
    ) {
        let begun = parts(&[object("web"), Value::Null]);
        holds(&shape(total), &begun, &way, |_, now| {
            prop_assert_eq!(at(now, 0, "/spec"), at(&begun, 0, "/spec"));
            Ok(())
        })?;
    }
}

#[test]
fn the_second_one_has_the_paths_of_the_stable_service() {
    let rules = Rules { matches: vec![header("x-a")], ..Rules::default() };
    let division = Division { candidate: Weight::share(1, 10), rules, named: false };
    let now = divide(&shape(1_000), &parts(&[object("web"), Value::Null]), &division);
    let annotation = |name: &str| now[1].as_ref().unwrap().annotation(name).map(str::to_owned);
    for (name, value) in [
        ("canary", "true"),
        ("canary-weight", "100"),
        ("canary-weight-total", "1000"),
        ("canary-by-header", "x-a"),
        ("canary-by-header-value", "yes"),
    ] {
        assert_eq!(
            annotation(&format!("nginx.ingress.kubernetes.io/{name}")).as_deref(),
            Some(value)
        );
    }
    assert_eq!(annotation(CLASS).as_deref(), Some("nginx"));
    let rules = at(&now, 1, "/spec/rules");
    assert_eq!(rules.as_array().unwrap().len(), 1);
    assert_eq!(rules[0]["http"]["paths"].as_array().unwrap().len(), 1);
    assert_eq!(rules[0]["http"]["paths"][0]["backend"]["service"]["name"], "web-canary");
    assert_eq!(at(&now, 1, "/metadata/ownerReferences/0/uid"), "u-1");
    assert_eq!(at(&now, 1, "/spec/tls"), Value::Null);
}

#[test]
fn what_it_cannot_do_is_told() {
    let shape = shape(100);
    let check =
        |first: &Value, second: &Value| shape.check(&parts(&[first.clone(), second.clone()]));
    let problem = check(&object("other"), &Value::Null).unwrap_err();
    assert_eq!(
        (problem.kind, &*problem.why),
        (RefusalKind::Missing, "no path of it leads to the Service `web`")
    );
    let theirs = json!({ "metadata": { "name": "web-candidate" } });
    assert_eq!(check(&object("web"), &theirs).unwrap_err().kind, RefusalKind::Conflict);
    let can = |rules: Rules| shape.can(&Parts::new(), &Division { rules, ..Division::default() });
    for matches in [vec![header("a"), header("b")], vec![cookie("c", "yes")]] {
        let problem = can(Rules { matches, ..Rules::default() }).unwrap_err();
        assert_eq!(problem.kind, RefusalKind::Invalid);
    }
    assert!(can(Rules { mirror: Weight::FULL, ..Rules::default() }).is_err());
}
