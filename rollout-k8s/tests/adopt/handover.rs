//! There and back: pods, requests, and what others rely on.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::api::{DeleteParams, ListParams};
use rollout_k8s::{
    adopt::{Kind, Way},
    backend::EnrolBy,
    labels,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    load::Load,
    shop::{REPLICAS, Shop},
};

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_no_pod_restarts_and_no_request_fails() {
    let Some(shop) = Shop::open("both").await else { return };
    let before = shop.pods().await;
    let load = Load::start(shop.port);
    tokio::time::sleep(Duration::from_secs(1)).await;

    let done = shop.adopt().await.unwrap();
    assert_eq!(shop.pods().await, before, "no pod was replaced, none restarted");
    assert!(shop.api::<Deployment>().get_opt("web").await.unwrap().is_none());
    let spec = done.spec.unwrap().spec;
    assert_eq!(spec.replicas, REPLICAS as u64);
    let revision = rollout_runtime::digest_id(&spec.template);
    let ours = format!("{}=web,{}={revision}", labels::WORKLOAD, labels::REVISION);
    let listed = shop.api::<Pod>().list(&ListParams::default().labels(&ours)).await.unwrap();
    assert_eq!(listed.items.len(), REPLICAS);
    // What selects on the pods' own labels goes on: network policies, disruption budgets.
    let own = shop.api::<Pod>().list(&ListParams::default().labels("app=web,tier=front")).await;
    assert_eq!(own.unwrap().items.len(), REPLICAS);
    let budget = shop.api::<PodDisruptionBudget>().get("web").await.unwrap().status.unwrap();
    assert_eq!((budget.current_healthy, budget.disruptions_allowed), (4, 1));
    let again = shop.adopt().await.unwrap();
    assert_eq!(again.stages, [], "another run has nothing to do");
    tokio::time::sleep(Duration::from_secs(3)).await;

    // As a router leaves it that has bound the Service to one revision.
    let bound = json!({
        "metadata": { "labels": { labels::TAKES: "revision", labels::REVISION: revision } },
        "spec": { "selector": { labels::REVISION: revision } },
    });
    shop.patch::<Service>("web", bound).await;
    shop.hand_back().await.unwrap();
    shop.settled().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(shop.pods().await, before, "no pod was replaced, none restarted");
    let sets = shop.api::<ReplicaSet>().list(&ListParams::default()).await.unwrap();
    assert_eq!(sets.items.len(), 1, "the Deployment made no other");
    assert!(!shop.picture().await.to_string().contains(labels::GROUP));
    let sent = load.end().await;
    assert!(1_000 < sent, "{sent} requests");

    // The Deployment does its work as before, and its new pods are served.
    shop.patch::<Deployment>("web", json!({ "spec": { "replicas": 2 } })).await;
    shop.until("two pods", async || shop.pods().await.len() == 2).await;
    let image = json!([{ "name": "web", "image": "rollout.test/web:v2" }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": image } } } });
    shop.patch::<Deployment>("web", patch).await;
    shop.until("another ReplicaSet", async || {
        shop.api::<ReplicaSet>().list(&ListParams::default()).await.unwrap().items.len() == 2
    })
    .await;
    shop.until("two new pods behind the Service", async || {
        let endpoints = shop.endpoints().await;
        endpoints.len() == 2 && endpoints.iter().all(|pod| !before.contains_key(pod))
    })
    .await;
    shop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_lost_while_no_engine_runs_is_replaced_and_serves() {
    let Some(shop) = Shop::open("heals").await else { return };
    shop.adopt().await.unwrap();
    let lost = shop.pods().await.into_keys().next().unwrap();
    shop.api::<Pod>().delete(&lost, &DeleteParams::default()).await.unwrap();
    shop.until("four ready endpoints without the lost one", async || {
        let endpoints = shop.endpoints().await;
        endpoints.len() == REPLICAS && !endpoints.contains(&lost)
    })
    .await;
    shop.end().await;
}

/// Runs until `count` changes were made, then is gone as by a crash; whether it had come to its end before.
async fn crash_after(shop: &Shop, way: Way, count: usize) -> bool {
    let (enough, mut made) = (Notify::new(), 0);
    let handover = shop.handover(way);
    let run = handover.run(|_| {
        made += 1;
        if made == count {
            enough.notify_one();
        }
    });
    tokio::select! {
        biased;
        () = enough.notified() => false,
        done = run => {
            done.unwrap();
            true
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_every_single_change_is_gone_on_from() {
    let Some(shop) = Shop::open("crash").await else { return };
    let before = shop.pods().await;
    let load = Load::start(shop.port);
    for way in [Way::Adopt { released: Vec::new(), enrol_by: EnrolBy::Label }, Way::HandBack] {
        let mut crashes = 0;
        while !crash_after(&shop, way.clone(), 1).await {
            crashes += 1;
            assert!(crashes < 50, "it does not come to an end");
            assert_eq!(shop.pods().await, before, "after crash {crashes} of {way:?}");
        }
        println!("{way:?}: {crashes} crashes");
        // The write that a crash cuts off may have reached the server: then the next run finds it done.
        assert!(4 < crashes, "{crashes}");
    }
    shop.settled().await;
    assert_eq!(shop.pods().await, before);
    assert!(!shop.picture().await.to_string().contains(labels::GROUP));
    load.end().await;
    shop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_touches_nothing_and_names_every_object() {
    let Some(shop) = Shop::open("plan").await else { return };
    let before = shop.picture().await;
    let plan = shop
        .handover(Way::Adopt { released: Vec::new(), enrol_by: EnrolBy::Label })
        .plan()
        .await
        .unwrap();
    assert_eq!(shop.picture().await, before);
    let changes = plan.stages.iter().flat_map(|stage| &stage.changes);
    let mut kinds: Vec<Kind> = changes.map(|change| change.kind).collect();
    kinds.dedup();
    let expected =
        [Kind::ControllerRevision, Kind::Deployment, Kind::ReplicaSet, Kind::Pod, Kind::Service];
    assert_eq!(kinds, expected);
    shop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_readiness_gate_leaves_the_services_as_they_are() {
    let Some(shop) = Shop::open("gate").await else { return };
    let way = || Way::Adopt { released: Vec::new(), enrol_by: EnrolBy::ReadinessGate };
    let (pods, before) = (shop.pods().await, shop.picture().await);
    let plan = shop.handover(way()).plan().await.unwrap();
    assert_eq!(shop.picture().await, before);
    assert_eq!(plan.ungated, pods.len(), "no running pod has a gate");
    let mut kinds = plan.stages.iter().flat_map(|stage| &stage.changes).map(|it| it.kind);
    assert!(kinds.all(|kind| kind != Kind::Service), "{:?}", plan.stages);
    let spec = plan.spec.unwrap().spec.spec().traffic.clone();
    assert_eq!(spec["kubernetes"]["enrol_by"], "readiness_gate");
    shop.handover(way()).run(|_| ()).await.unwrap();
    assert_eq!(shop.pods().await, pods);
    shop.hand_back().await.unwrap();
    assert_eq!(shop.pods().await, pods);
    shop.end().await;
}
