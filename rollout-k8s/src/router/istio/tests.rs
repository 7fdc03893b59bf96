//! Read-back of what was written, and other people's routes.

use proptest::prelude::*;
use rollout_core::engine::RefusalKind;

use super::{
    super::shape::tests::{at, cookie, divisions, header, holds, parts},
    *,
};

fn by_services() -> VirtualService {
    let destinations = Destinations::Services("web".to_owned(), "web-canary".to_owned());
    let (namespace, name) = ("shop".to_owned(), "web".to_owned());
    VirtualService { namespace, name, routes: vec!["main".to_owned()], destinations }
}

fn by_subsets() -> VirtualService {
    let destinations = Destinations::Subsets("stable".to_owned(), "canary".to_owned());
    VirtualService { destinations, routes: Vec::new(), ..by_services() }
}

fn object(destination: &Value, weight: Option<u64>) -> Value {
    let mut entry = json!({ "destination": destination });
    if let Some(weight) = weight {
        entry["weight"] = json!(weight);
    }
    json!({
        "metadata": { "name": "web", "namespace": "shop", "generation": 2 },
        "spec": { "hosts": ["web"], "http": [
            { "name": "files", "match": [{ "uri": { "prefix": "/files" } }],
              "route": [{ "destination": { "host": "files" } }] },
            { "name": "main", "timeout": "5s", "match": [{ "headers": { "x-a": { "exact": "no" } } }, { "uri": { "prefix": "/" } }],
              "route": [entry] },
        ]},
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_the_end_is_the_beginning(
        way in prop::collection::vec(divisions(&[header("X-A"), header("x-b"), cookie("c", "v")], &[0, 50, 1_000, 10_000], false), 1..5),
        weight in prop::option::of(Just(100_u64)),
        has_subsets in any::<bool>(),
    ) {
        let (shape, destination) = if has_subsets {
            (by_subsets(), json!({ "host": "web", "subset": "stable" }))
        } else {
            (by_services(), json!({ "host": "web.shop.svc.cluster.local" }))
        };
        let begun = parts(&[object(&destination, weight)]);
        holds(&shape, &begun, &way, |division, now| {
            let http = at(now, 0, "/spec/http");
            let http = http.as_array().unwrap();
            prop_assert_eq!(&http[0], &at(&begun, 0, "/spec/http/0"));
            let main = http.last().unwrap();
            prop_assert_eq!(&main["timeout"], "5s");
            if !division.is_rest() {
                let units = division.candidate.basis_points() / 100;
                prop_assert_eq!(&main["route"][0]["weight"], &json!(100 - units));
                prop_assert_eq!(&main["route"][1]["weight"], &json!(units));
            }
            prop_assert_eq!(http.len() == 3, !division.rules.matches.is_empty());
            Ok(())
        })?;
    }
}

#[test]
fn a_match_goes_to_the_candidate_alone() {
    let begun = parts(&[object(&json!({ "host": "web.shop" }), None)]);
    let rules = Rules { matches: vec![header("X-A"), header("x-b")], ..Rules::default() };
    let division = Division { rules, ..Division::default() };
    let now = super::super::shape::divide(&by_services(), &begun, &division);
    assert_eq!(
        at(&now, 0, "/spec/http/1"),
        json!({
            "name": "rollout-engine-0", "timeout": "5s",
            // Nothing that asks something else of `x-a` already is asked for both.
            "match": [
                { "headers": { "x-a": { "exact": "no" }, "x-b": { "exact": "yes" } } },
                { "uri": { "prefix": "/" }, "headers": { "x-a": { "exact": "yes" } } },
                { "uri": { "prefix": "/" }, "headers": { "x-b": { "exact": "yes" } } },
            ],
            "route": [{ "destination": { "host": "web-canary.shop" } }],
        })
    );
}

#[test]
fn what_cannot_be_divided_is_told() {
    let refused = |object: &Value| {
        let problem = by_services().check(&parts(std::slice::from_ref(object))).unwrap_err();
        (problem.kind, problem.why)
    };
    let (kind, why) = refused(&object(&json!({ "host": "other" }), None));
    assert_eq!(kind, RefusalKind::Missing);
    assert_eq!(why, "it has no HTTP route `main` with the stable destination");
    let mut shared = object(&json!({ "host": "web" }), Some(50));
    let third = json!({ "destination": { "host": "third" }, "weight": 50 });
    shared["spec"]["http"][1]["route"].as_array_mut().unwrap().push(third);
    let (kind, why) = refused(&shared);
    assert_eq!(kind, RefusalKind::Conflict);
    assert_eq!(why, "a route shares its traffic with `third`, so that no share is one of all");
    let mut copied = object(&json!({ "host": "web" }), None);
    copied["spec"]["http"][1]["mirror"] = json!({ "host": "audit" });
    let rules = Rules { mirror: Weight::FULL, ..Rules::default() };
    let division = Division { rules, ..Division::default() };
    let problem = by_services().can(&parts(&[copied]), &division).unwrap_err();
    assert_eq!(problem.kind, RefusalKind::Conflict);
}

#[test]
fn hosts_are_known_in_every_form() {
    let shape = by_services();
    for (host, expected) in [
        ("web", true),
        ("web.shop", true),
        ("web.shop.svc.cluster.local", true),
        ("web.other", false),
        ("web-canary", false),
        ("webshop", false),
    ] {
        assert_eq!(shape.is_at(&json!({ "host": host }), Side::Stable), expected, "{host}");
    }
}
