//! An `HTTPRoute`, through Envoy and real pods.

use std::time::{Duration, Instant};

use rollout_core::{
    engine::{RefusalKind, Route},
    port::Router,
    spec::{Match, Rules},
    weight::Weight,
};
use rollout_k8s::{
    backend::{Scope, Watches},
    client::{self, Options},
    router::{KubernetesRouter, Traffic},
};
use rollout_live::{
    bed::Image,
    load::{HOST, Load, LoadPlan},
    proxy::Proxy,
};
use serde_json::{Value, json};

use crate::{
    place::{Place, id, in_force, refusal, split, trial, until, workload},
    requests,
};

/// Requests at each share.
const REQUESTS: u64 = 4_000;
/// How often a revision gets its first share.
const FIRST_SHARES: u64 = 4;

fn traffic() -> Value {
    json!({
        "stable_service": "web", "candidate_service": "web-canary",
        "router": { "gateway": { "http_route": "web" } },
    })
}

/// A route of a person: one rule to divide and one that is none of ours.
fn route(host: &str, gateway: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{ name: web, namespace: @SPACE, annotations: {{ owner: shop }} }}
spec:
  hostnames: [{host}]
  parentRefs: [{{ namespace: gateway, name: {gateway} }}]
  rules:
  - matches: [{{ path: {{ type: PathPrefix, value: /static }} }}]
    backendRefs: [{{ name: files, port: 80 }}]
  - filters: [{{ type: ResponseHeaderModifier, responseHeaderModifier: {{ add: [{{ name: x-theirs, value: 'yes' }}] }} }}]
    backendRefs: [{{ name: web, port: 80, weight: 7 }}]
"
    )
}

async fn prepared(name: &'static str, host: &str) -> Place {
    let place = Place::new(name).await;
    for service in ["web", "web-canary", "files"] {
        place.service(service);
    }
    place.revision("v1", Image::V1, 2);
    place.revision("v2", Image::V2, 2);
    place.apply(&route(host, "gateway"));
    until("an open gateway", || place.cluster.gateway_listens());
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_are_in_force_within_two_points() {
    let host = "shares.routers.test";
    let place = prepared("router-shares", host).await;
    let router = place.router(&traffic());
    let theirs = place.get("httproute web")["spec"].clone();
    place.set(&router, &Route::all_on(id("v1"))).await;
    assert_eq!(place.get("httproute web")["spec"], theirs);
    let gateway = place.cluster.gateway_addr();
    for percent in [10, 50, 100] {
        let way = place.set(&router, &split(percent)).await;
        println!("on the way to {percent} %: {way:?}");
        let answers = requests::send(gateway, host, "", REQUESTS).await;
        println!("{percent} %: {answers:?}");
        let of_v2 = answers.get("v2").copied().unwrap_or_default();
        let of_v1 = answers.get("v1").copied().unwrap_or_default();
        assert_eq!(of_v1 + of_v2, REQUESTS, "{answers:?}");
        let most = REQUESTS / 50;
        assert!(of_v2.abs_diff(REQUESTS * percent / 100) <= most, "{percent} %: {answers:?}");
        let rules = &place.get("httproute web")["spec"]["rules"];
        assert_eq!(rules[0], theirs["rules"][0]);
        assert_eq!(rules[1]["filters"], theirs["rules"][1]["filters"]);
    }
    // One revision has everything: the route is what it was.
    assert_eq!(place.get("httproute web")["spec"], theirs);
    assert_eq!(place.get("httproute web")["metadata"]["annotations"]["owner"], "shop");
}

/// Envoy hears of a cluster and of a route that names it on two ways, and either may be first.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_share_and_its_end_lose_nothing() {
    let place = prepared("router-first", HOST).await;
    let router = place.router(&traffic());
    place.set(&router, &Route::all_on(id("v1"))).await;
    let plan = LoadPlan { rate: 800, ..LoadPlan::strangers() };
    let load = Load::start(place.cluster.gateway_addr(), plan).unwrap();
    load.reached(400).await;
    for _ in 0..FIRST_SHARES {
        place.set(&router, &split(50)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        place.set(&router, &Route::all_on(id("v1"))).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let report = load.stop_and_finish().await;
    println!("{report}");
    assert_eq!(report.all.failed, 0, "{report}: {:?}", report.moments());
    assert!(report.versions.contains_key("v2"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_takes_all_traffic_away_in_one_attempt() {
    let host = "abort.routers.test";
    let place = prepared("router-abort", host).await;
    let router = place.router(&traffic());
    place.set(&router, &Route::all_on(id("v1"))).await;
    let theirs = place.get("httproute web")["spec"].clone();
    place.set(&router, &split(50)).await;
    place.order(&router, &Route::all_on(id("v1")), 1).await;
    let backends = place.get("httproute web")["spec"]["rules"][1]["backendRefs"].clone();
    assert_eq!((&backends[0]["weight"], &backends[1]["weight"]), (&json!(10_000), &json!(0)));
    place.set(&router, &Route::all_on(id("v1"))).await;
    assert_eq!(place.get("httproute web")["spec"], theirs);
    let answers = requests::send(place.cluster.gateway_addr(), host, "", 400).await;
    assert_eq!(answers.get("v1"), Some(&400), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_and_copies_stand_beside_the_shares() {
    let host = "match.routers.test";
    let place = prepared("router-match", host).await;
    let router = place.router(&traffic());
    place.set(&router, &Route::all_on(id("v1"))).await;
    let theirs = place.get("httproute web")["spec"].clone();
    let tester = Match {
        header: Some("x-tester".to_owned()),
        prefix: Some("ye".to_owned()),
        ..Match::default()
    };
    let cookie = Match {
        cookie: Some("canary".to_owned()),
        exact: Some("always".to_owned()),
        ..Match::default()
    };
    let rules = Rules { matches: vec![tester, cookie], ..Rules::default() };
    place.set(&router, &trial(0, rules.clone())).await;
    let gateway = place.cluster.gateway_addr();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (headers, version) in [
        ("", "v1"),
        ("x-tester: yes\r\n", "v2"),
        ("x-tester: no\r\n", "v1"),
        ("cookie: a=b; canary=always; c=d\r\n", "v2"),
        ("cookie: canary=alwaysnot\r\n", "v1"),
    ] {
        let answers = requests::send(gateway, host, headers, 100).await;
        assert_eq!(answers.get(version), Some(&100), "{headers}: {answers:?}");
    }
    // Contour does not say that it can copy a part, so nobody finds out by having all copied.
    let before = place.get("httproute web");
    let part = Rules { mirror: Weight::share(1, 10), ..rules.clone() };
    let (kind, why) = refusal(place.order(&router, &trial(10, part), 1).await);
    assert_eq!(kind, RefusalKind::Invalid, "{why}");
    assert_eq!(place.get("httproute web"), before);
    let mirrored = Rules { mirror: Weight::FULL, ..rules };
    place.set(&router, &trial(10, mirrored)).await;
    let answers = requests::send(gateway, host, "", 100).await;
    assert_eq!(answers.values().sum::<u64>(), 100, "{answers:?}");
    assert!(answers.keys().all(|version| version.starts_with('v')), "{answers:?}");
    place.set(&router, &Route::all_on(id("v1"))).await;
    assert_eq!(place.get("httproute web")["spec"], theirs);
}

#[tokio::test]
async fn what_is_not_there_is_told_and_nothing_is_touched() {
    let place = Place::new("router-no-gateway").await;
    let router = place.router(&traffic());
    place.service("web");
    let missing = async |what: &str| {
        let error = router.observe(&workload()).await.unwrap_err().to_string();
        assert!(error.starts_with(what), "{error}");
        let (kind, why) = refusal(place.order(&router, &Route::all_on(id("v1")), 1).await);
        assert_eq!(kind, RefusalKind::Missing, "{why}");
        assert!(why.starts_with(what), "{why}");
        println!("{error}");
    };
    missing("Service `web-canary` in the namespace").await;
    place.service("web-canary");
    missing("HTTPRoute `web` in the namespace").await;
    place.apply(&route("none.routers.test", "nowhere"));
    let before = place.get("httproute web");
    missing("Gateway `nowhere` in the namespace `gateway`").await;
    place.kubectl(
        r#"patch httproute web --type=json -p [{"op":"replace","path":"/spec/rules/1/backendRefs/0/name","value":"other"}]"#,
    );
    missing("HTTPRoute `web` in the namespace").await;
    assert_eq!(
        place.get("httproute web")["metadata"]["annotations"],
        before["metadata"]["annotations"]
    );
    assert_eq!(place.get("service web")["spec"]["selector"], json!({ "app": "web" }));
}

#[tokio::test]
async fn a_refused_parent_is_told() {
    let place = Place::new("router-unaccepted").await;
    place.service("web");
    place.service("web-canary");
    // Nothing listens under that name, so Contour refuses the route.
    let parent = "name: gateway }";
    let text = route("un.routers.test", "gateway")
        .replace(parent, "name: gateway, sectionName: nothing }");
    place.apply(&text);
    let router = place.router(&traffic());
    until("a refusal", || place.kubectl("get httproute web -o jsonpath={.status}") != "");
    let error = router.observe(&workload()).await.unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("the parent `gateway` says that Accepted is false"), "{error}");
    assert_eq!(place.get("service web")["spec"]["selector"], json!({ "app": "web" }));
}

#[tokio::test]
async fn a_change_by_somebody_else_is_never_written_over() {
    let place = prepared("router-conflict", "conflict.routers.test").await;
    let router = place.router(&traffic());
    place.set(&router, &Route::all_on(id("v1"))).await;
    place.set(&router, &split(10)).await;
    // A person adds a rule in between: it stays, and the share is told as it is.
    place.kubectl(
        r#"patch httproute web --type=json -p [{"op":"add","path":"/spec/rules/0","value":{"matches":[{"path":{"type":"PathPrefix","value":"/new"}}],"backendRefs":[{"name":"files","port":80}]}}]"#,
    );
    place.set(&router, &split(50)).await;
    let rules = place.get("httproute web")["spec"]["rules"].clone();
    assert_eq!(rules[0]["matches"][0]["path"]["value"], "/new");
    // A person sets the weights back: what is in force is told, and set again when it is ordered.
    place.kubectl(
        r#"patch httproute web --type=json -p [{"op":"replace","path":"/spec/rules/2/backendRefs/1/weight","value":0}]"#,
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(in_force(&router).await, Some(Route::all_on(id("v1"))));
    place.set(&router, &split(50)).await;
    place.set(&router, &Route::all_on(id("v2"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_is_not_read_and_is_told_at_once() {
    let place = prepared("router-watched", "watched.routers.test").await;
    let proxy = Proxy::start(&place.cluster).unwrap();
    let options = Options { kubeconfig: Some(proxy.kubeconfig()), ..Options::default() };
    let (client, _) = client::connect(&options).await.unwrap();
    let watches = Watches::start(client.clone(), &Scope::Namespace(place.name.to_owned()));
    let traffic = Traffic::read(&json!({ "kubernetes": traffic() })).unwrap();
    let router = KubernetesRouter::new(client, place.name, &traffic).unwrap();
    let router = router.with_watches(&watches);
    place.set(&router, &Route::all_on(id("v1"))).await;
    place.set(&router, &split(50)).await;
    // A kind as a whole is listed where its watch begins anew; objects are not read one by one.
    let asked = || -> Vec<String> {
        let seen = proxy.seen();
        // The Gateway is in another namespace, which nothing here watches: it is read from time to time.
        let is_ours = |path: &str| !path.ends_with('s') && !path.contains("/gateways/");
        let read = seen.iter().filter(|seen| !seen.is_watch && is_ours(&seen.path));
        read.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    };
    let before = asked();
    assert!(!before.is_empty(), "setting a route writes");
    for _ in 0..20 {
        assert_eq!(in_force(&router).await, Some(split(50)));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(asked(), before, "looks are answered by the watches");
    place.kubectl(
        r#"patch httproute web --type=json -p [{"op":"replace","path":"/spec/rules/1/backendRefs/1/weight","value":0}]"#,
    );
    let begun = Instant::now();
    while in_force(&router).await == Some(split(50)) {
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody told of another weight");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("another weight was told after {:?}", begun.elapsed());
    assert_eq!(asked(), before);
    place.set(&router, &Route::all_on(id("v1"))).await;
}
