//! Istio, the nginx controller and Traefik: written and read on the real API server with their real kinds,
//! whose controllers no cluster here runs.

use rollout_core::{
    engine::{Outcome, RefusalKind, Route},
    port::Router,
    spec::{Affinity, Match, Rules},
    time::Span,
    weight::Weight,
};
use rollout_k8s::router::KubernetesRouter;
use rollout_live::bed::Image;
use serde_json::{Value, json};

use crate::place::{Place, id, in_force, refusal, split, trial, workload};

async fn prepared(name: &'static str) -> Place {
    let place = Place::new(name).await;
    for service in ["web", "web-canary"] {
        place.service(service);
    }
    place.revision("v1", Image::V1, 1);
    place.revision("v2", Image::V2, 1);
    place
}

/// `traffic.kubernetes` with this router.
fn traffic(router: &Value) -> Value {
    json!({ "stable_service": "web", "candidate_service": "web-canary", "router": router })
}

/// All shares up to the end, a trial on the way; in the end the spec of `what` is as it was. Returns that
/// spec at a share of 10 and under the trial.
async fn walk(
    place: &Place,
    router: &KubernetesRouter,
    what: &str,
    rules: Rules,
) -> (Value, Value) {
    let theirs = place.get(what)["spec"].clone();
    place.set(router, &Route::all_on(id("v1"))).await;
    place.set(router, &split(10)).await;
    let ten = place.get(what)["spec"].clone();
    place.set(router, &trial(10, rules)).await;
    let tried = place.get(what)["spec"].clone();
    for percent in [50, 100] {
        place.set(router, &split(percent)).await;
    }
    assert_eq!(place.get(what)["spec"], theirs);
    // The other way round, and back before the end.
    place.set(router, &split(50)).await;
    place.set(router, &Route::all_on(id("v2"))).await;
    assert_eq!(place.get(what)["spec"], theirs);
    (ten, tried)
}

/// A newer engine has claimed, so the older one is refused, and `what` stays as it is.
async fn fenced(place: &Place, router: &KubernetesRouter, what: &str) {
    let outcome = router.claim(rollout_core::id::Epoch(9)).await;
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome}");
    let before = place.get(what);
    let (kind, why) = refusal(place.order(router, &split(10), 8).await);
    assert_eq!(kind, RefusalKind::Fenced, "{why}");
    assert_eq!(place.get(what), before);
}

/// Without its object nothing can be observed, and nothing is written.
async fn missing(router: &KubernetesRouter, place: &Place, what: &str) {
    let error = router.observe(&workload()).await.unwrap_err().to_string();
    println!("{error}");
    assert!(error.starts_with(what) && error.contains("it does not exist; create it"), "{error}");
    let (kind, _) = refusal(place.order(router, &Route::all_on(id("v1")), 1).await);
    assert_eq!(kind, RefusalKind::Missing);
    assert_eq!(place.get("service web")["spec"]["selector"], json!({ "app": "web" }));
}

fn tester() -> Match {
    let [header, exact] = ["x-tester", "yes"].map(|text| Some(text.to_owned()));
    Match { header, exact, ..Match::default() }
}

const VIRTUAL_SERVICE: &str = "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: @SPACE }
spec:
  hosts: [web]
  http:
  - name: files
    match: [{ uri: { prefix: /files } }]
    route: [{ destination: { host: files } }]
  - name: main
    timeout: 5s
    route: [{ destination: { host: web@SUBSET } }]
";

#[tokio::test]
async fn istio_divides_between_two_services() {
    let place = prepared("router-istio").await;
    let spec = json!({ "istio": { "virtual_service": { "name": "web", "routes": ["main"] } } });
    let router = place.router(&traffic(&spec));
    missing(&router, &place, "VirtualService `web` in the namespace `router-istio`").await;
    place.apply(&VIRTUAL_SERVICE.replace("@SUBSET", ""));
    let rules = Rules { matches: vec![tester()], mirror: Weight::share(1, 200), affinity: None };
    let (ten, tried) = walk(&place, &router, "virtualservice web", rules).await;
    assert_eq!(ten["http"][1]["route"][0]["weight"], 90);
    assert_eq!(
        ten["http"][1]["route"][1],
        json!({ "destination": { "host": "web-canary" }, "weight": 10 })
    );
    assert_eq!(
        tried["http"][1]["match"],
        json!([{ "headers": { "x-tester": { "exact": "yes" } } }])
    );
    assert_eq!(tried["http"][1]["route"], json!([{ "destination": { "host": "web-canary" } }]));
    assert_eq!(tried["http"][2]["mirror"], json!({ "host": "web-canary" }));
    assert_eq!(tried["http"][2]["mirrorPercentage"], json!({ "value": 0.5 }));
    fenced(&place, &router, "virtualservice web").await;
}

#[tokio::test]
async fn istio_divides_between_two_subsets() {
    let place = prepared("router-subsets").await;
    let spec = json!({ "istio": {
        "virtual_service": { "name": "web" },
        "destination_rule": { "name": "web", "stable_subset": "stable", "candidate_subset": "canary" },
    }});
    let router = place.router(&json!({ "router": spec }));
    missing(&router, &place, "DestinationRule `web` in the namespace `router-subsets`").await;
    place.apply(&VIRTUAL_SERVICE.replace("@SUBSET", ", subset: stable"));
    place.apply(
        "apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: @SPACE }
spec:
  host: web
  trafficPolicy: { loadBalancer: { simple: LEAST_REQUEST } }
  subsets: [{ name: stable, labels: { app: web } }, { name: canary, labels: { app: web } }]
",
    );
    let rules = Rules { matches: vec![tester()], ..Rules::default() };
    let (ten, _) = walk(&place, &router, "virtualservice web", rules).await;
    assert_eq!(
        ten["http"][1]["route"][1],
        json!({ "destination": { "host": "web", "subset": "canary" }, "weight": 10 })
    );
    place.set(&router, &split(10)).await;
    let rule = place.get("destinationrule web")["spec"].clone();
    assert_eq!(rule["trafficPolicy"]["loadBalancer"]["simple"], "LEAST_REQUEST");
    let labels =
        |index: usize| rule["subsets"][index]["labels"]["rollout-engine.dev/revision"].clone();
    // The one that was there is stable, whichever it is.
    assert_eq!((labels(0), labels(1)), (json!("v2"), json!("v1")));
    fenced(&place, &router, "destinationrule web").await;
}

#[tokio::test]
async fn nginx_has_a_second_ingress_for_the_candidate() {
    let place = prepared("router-nginx").await;
    let router = place.router(&traffic(&json!({ "nginx": { "ingress": "web" } })));
    missing(&router, &place, "Ingress `web` in the namespace `router-nginx`").await;
    place.apply(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: @SPACE }
spec:
  ingressClassName: nginx
  rules:
  - host: nginx.routers.test
    http:
      paths:
      - { path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }
      - { path: /files, pathType: Prefix, backend: { service: { name: files, port: { number: 80 } } } }
",
    );
    place.set(&router, &Route::all_on(id("v1"))).await;
    place.set(&router, &trial(10, Rules { matches: vec![tester()], ..Rules::default() })).await;
    let second = place.get("ingress web-candidate");
    let annotation = |name: &str| {
        &second["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{name}")]
    };
    for (name, value) in [
        ("canary", "true"),
        ("canary-weight", "10"),
        ("canary-by-header", "x-tester"),
        ("canary-by-header-value", "yes"),
    ] {
        assert_eq!(annotation(name), value);
    }
    assert_eq!(second["spec"]["rules"][0]["http"]["paths"].as_array().unwrap().len(), 1);
    let ingresses = || place.kubectl("get ingress -o jsonpath={.items[*].metadata.name}");
    walk(&place, &router, "ingress web", Rules { matches: vec![tester()], ..Rules::default() })
        .await;
    assert_eq!(ingresses(), "web");
    // Taken away by a person in mid-rollout: told as it is, and made again.
    place.set(&router, &split(50)).await;
    place.kubectl("delete ingress web-candidate");
    assert_ne!(in_force(&router).await, Some(split(50)));
    place.set(&router, &split(50)).await;
    assert_eq!(ingresses(), "web web-candidate");
    let (kind, why) = refusal(
        place
            .order(&router, &trial(10, Rules { mirror: Weight::FULL, ..Rules::default() }), 1)
            .await,
    );
    assert_eq!(kind, RefusalKind::Invalid, "{why}");
    fenced(&place, &router, "ingress web-candidate").await;
}

#[tokio::test]
async fn traefik_weighs_copies_and_keeps_clients() {
    let place = prepared("router-traefik").await;
    let router = place.router(&traffic(&json!({ "traefik": { "service": "web" } })));
    missing(&router, &place, "TraefikService `web` in the namespace `router-traefik`").await;
    place.apply(
        "apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: web, namespace: @SPACE }
spec:
  weighted:
    services: [{ name: web, kind: Service, port: 80, passHostHeader: true }]
",
    );
    let affinity = Some(Affinity { cookie: "revision".to_owned(), max_age: Span::from_secs(60) });
    let rules = Rules { matches: Vec::new(), mirror: Weight::share(1, 4), affinity };
    let (ten, tried) = walk(&place, &router, "traefikservice web", rules.clone()).await;
    assert_eq!(ten["weighted"]["services"][0]["weight"], 90);
    assert_eq!(ten["weighted"]["services"][1]["name"], "web-canary");
    assert_eq!(tried["weighted"]["services"][0]["name"], "web-copies");
    assert_eq!(tried["weighted"]["sticky"]["cookie"], json!({ "name": "revision", "maxAge": 60 }));
    let services = || place.kubectl("get traefikservice -o jsonpath={.items[*].metadata.name}");
    assert_eq!(services(), "web");
    place.set(&router, &trial(10, rules)).await;
    assert_eq!(services(), "web web-copies");
    let copies = place.get("traefikservice web-copies")["spec"].clone();
    assert_eq!(copies["mirroring"]["mirrors"][0]["percent"], 25);
    fenced(&place, &router, "traefikservice web").await;
}
