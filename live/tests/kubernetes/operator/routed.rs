//! Routers under the identity of the manifests: what each of them asks for is allowed, and nothing beside it.

use rollout_live::{bed::Image, place::Way};
use serde_json::{Value, json};

use super::Operated;

/// What the account may not do, by verb and kind. It may delete a pod: that is how one is replaced in place.
const NEVER: [(&str, &str); 8] = [
    ("get", "secrets"),
    ("create", "pods"),
    ("deletecollection", "pods"),
    ("create", "services"),
    ("delete", "services"),
    ("delete", "httproutes.gateway.networking.k8s.io"),
    ("delete", "rollouts.rollout-engine.dev"),
    ("delete", "rolloutjournals.rollout-engine.dev"),
];

async fn routes(way: Way, name: &str, strategy: &Value) {
    let operated = Operated::by(way, name).await;
    operated.deploy().await;
    let copy = operated.copy_direct();
    operated.want_by(Image::V2, strategy);
    operated.until_complete(Image::V2).await;
    drop(copy);
}

#[tokio::test]
async fn a_service_is_switched_with_the_rights_of_the_manifests() {
    routes(Way::Switch, "op-switch", &json!({ "blue_green": { "standby": "0s" } })).await;
}

#[tokio::test]
async fn a_route_is_divided_with_the_rights_of_the_manifests() {
    let step = |weight: &str| json!({ "weight": weight, "gates": [{ "hold": "1s" }] });
    let steps = ["25%", "100%"].map(step);
    let canary = json!({ "canary": { "steps": steps } });
    routes(Way::Gateway, "op-gateway", &canary).await;
}

#[tokio::test]
async fn the_account_may_do_nothing_else() {
    let operated = Operated::new("op-rights").await;
    let account =
        format!("--as=system:serviceaccount:{0}:rollout-operator-{0}", operated.place.namespace());
    for (verb, kind) in NEVER {
        // It exits with 1 where the answer is no.
        let answer = operated.place.kubectl(["auth", "can-i", verb, kind, &account]);
        assert!(answer.is_err(), "{verb} {kind}: {answer:?}");
    }
    let patches = ["auth", "can-i", "patch", "services", &account];
    assert_eq!(operated.place.kubectl(patches).expect("it is allowed"), "yes");
}

#[tokio::test]
async fn the_manifests_are_what_the_server_takes() {
    let operated = Operated::new("op-manifests").await;
    // The namespace must be there for a dry run of what is in it.
    let name = "rollout-operator";
    let was_there = operated.place.kubectl(["get", "namespace", name]).is_ok();
    if !was_there {
        operated.place.kubectl(["create", "namespace", name]).expect("it is made");
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/operator");
    let apply = ["apply", "--server-side", "--dry-run=server", "--force-conflicts", "-k", folder];
    // Not within the place's namespace: the manifests name their own.
    let args = ["-n", name].into_iter().chain(apply);
    let taken = operated.place.kubectl(args);
    if !was_there {
        operated.place.kubectl(["delete", "namespace", name, "--wait=false"]).ok();
    }
    taken.unwrap_or_else(|why| panic!("{why}"));
}
