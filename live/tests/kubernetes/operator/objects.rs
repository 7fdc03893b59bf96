//! Deleted in mid-rollout: the object, its namespace, its very kind.

use std::time::{Duration, Instant};

use rollout_live::{
    bed::Image,
    place::{Place, WORKLOAD},
    proxy::Proxy,
};
use serde_json::json;
use tokio::time::sleep;

use super::{ASK_EVERY, Operated, WAIT_MAX, survives};
use crate::rolling;

/// How long the operator is watched once everything is gone.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Waits until something is gone, as `kubectl get` says.
async fn until_gone(place: &Place, what: &[&str]) {
    let begun = Instant::now();
    while place.kubectl(["get"].into_iter().chain(what.iter().copied())).is_ok() {
        assert!(begun.elapsed() < WAIT_MAX, "{what:?} does not go");
        sleep(ASK_EVERY).await;
    }
}

/// Waits, and finds as many pods serving as are wanted.
async fn all_serve_after(operated: &Operated, time: Duration) {
    sleep(time).await;
    let standing = operated.place.standing().expect("the cluster answers");
    assert!(4 <= standing.serving.values().sum::<u64>(), "{standing:?}");
}

#[tokio::test]
async fn an_object_that_is_deleted_leaves_every_pod_serving_and_comes_back() {
    survives("op-object", async |operated: &Operated| {
        operated.place.kubectl(["delete", "rollout", WORKLOAD]).expect("it goes");
        // Both revisions serve; the same object again takes them over.
        all_serve_after(operated, Duration::from_secs(2)).await;
        operated.want(Image::V2);
    })
    .await;
}

#[tokio::test]
async fn a_namespace_that_is_deleted_goes_and_is_left_alone() {
    let mut operated = Operated::new("op-namespace").await;
    let victim = format!("{}-victim", operated.place.namespace());
    operated.place.kubectl(["create", "namespace", &victim]).expect("it is made");
    let proxy = Proxy::start(operated.place.cluster()).unwrap_or_else(|why| panic!("{why}"));
    let mut copy = operated.copy_for(&proxy.kubeconfig(), &victim);
    let want = |image: Image| {
        let spec = json!({
            "replicas": 4, "strategy": rolling(), "drain": { "deadline": "500ms" },
            "template": operated.place.template(image),
        });
        let rollout = json!({
            "apiVersion": "rollout-engine.dev/v1alpha1", "kind": "Rollout",
            "metadata": { "name": WORKLOAD }, "spec": spec,
        });
        let file = operated.place.dir().join("victim.json");
        std::fs::write(&file, rollout.to_string()).expect("it is ours");
        let file = file.to_string_lossy();
        operated.place.kubectl(["-n", &victim, "apply", "-f", &file]).expect("it is taken");
    };
    let wait = |condition: &str| {
        let wait = ["wait", "--timeout=60s", "rollout/web", condition];
        operated.place.kubectl(["-n", &victim].into_iter().chain(wait)).expect("it comes about");
    };
    want(Image::V1);
    wait("--for=condition=Completed");
    want(Image::V2);
    wait("--for=jsonpath={.status.phase}=Moving");
    sleep(Duration::from_secs(2)).await;
    operated.place.kubectl(["delete", "namespace", &victim, "--wait=false"]).expect("it goes");
    until_gone(&operated.place, &["namespace", &victim]).await;
    let before = proxy.seen().len();
    sleep(AFTERWARDS).await;
    let about = format!("/namespaces/{victim}/");
    let late = proxy.seen().split_off(before);
    let late: Vec<_> = late.iter().filter(|seen| seen.path.contains(&about)).collect();
    assert!(late.len() <= 1, "it is not left alone: {late:#?}");
    assert!(!copy.has_ended().expect("the system knows its children"), "the operator lives");
}

#[tokio::test]
async fn the_kind_deleted_under_the_operator_loses_no_pod_and_comes_back() {
    let (_, said) = survives("op-kind", async |operated: &Operated| {
        let kind = "rollouts.rollout-engine.dev";
        operated.place.kubectl(["delete", "crd", kind, "--wait=false"]).expect("it goes");
        until_gone(&operated.place, &["crd", kind]).await;
        all_serve_after(operated, Duration::from_secs(3)).await;
        operated.place.define().await.expect("they are known again");
        operated.want(Image::V2);
    })
    .await;
    assert!(said.contains("install the definitions"), "it says nothing: {said}");
}
