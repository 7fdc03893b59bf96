//! Pods and nodes that go away or never come.

use std::time::Duration;

use rollout_core::engine::End;
use rollout_live::{
    bed::{Image, Manners},
    place::{Place, PlaceError},
};
use serde_json::json;
use tokio::time::sleep;

use crate::{Promise, deployed, ends, holds, rolled_out, rolling};

/// What may be lost with a pod that is killed: its share of the requests until kube-proxy knows.
fn share_of_one(lost: u64) -> bool {
    lost < 400
}

/// A pod of the stable revision.
fn oldest(place: &Place) -> Result<String, PlaceError> {
    let format = "jsonpath={.items[0].metadata.name}";
    place.kubectl(["get", "pods", "--sort-by=.metadata.creationTimestamp", "-o", format])
}

#[tokio::test]
async fn a_pod_evicted_in_mid_rollout_is_replaced() {
    let (place, life) = deployed("evicted", Manners::Graceful).await;
    let report = ends(&place, Promise::DONE, async {
        place.submit(&life, Image::V2, &rolling()).await?;
        sleep(Duration::from_secs(3)).await;
        let pod = oldest(&place)?;
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": { "name": pod, "namespace": place.namespace() },
        });
        let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", place.namespace());
        let file = place.dir().join("eviction.json");
        std::fs::write(&file, eviction.to_string()).expect("the folder can be written");
        place.kubectl(["create", "--raw", &path, "-f", &file.to_string_lossy()])?;
        Ok::<End, PlaceError>(life.end().await?)
    })
    .await;
    assert!(share_of_one(report.all.failed), "{report}");
}

#[tokio::test]
async fn a_pod_deleted_in_mid_rollout_is_replaced() {
    let (place, life) = deployed("deleted", Manners::Graceful).await;
    let report = ends(&place, Promise::DONE, async {
        place.submit(&life, Image::V2, &rolling()).await?;
        sleep(Duration::from_secs(3)).await;
        let pod = oldest(&place)?;
        place.kubectl(["delete", "pod", &pod, "--wait=false"])?;
        Ok::<End, PlaceError>(life.end().await?)
    })
    .await;
    assert!(share_of_one(report.all.failed), "{report}");
}

#[tokio::test]
async fn a_quota_exhausted_in_mid_rollout_is_told_and_goes_back() {
    let (place, life) = deployed("quota", Manners::Abrupt).await;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "few" },
        "spec": { "hard": { "pods": "4" } },
    });
    place.apply(quota).expect("it is taken");
    sleep(Duration::from_secs(1)).await;
    holds(&place, Promise::BACK, rolled_out(&place, &life, &rolling())).await;
    let status = life.handle().status().await.expect("the engine lives");
    println!("{status:?}");
}

#[tokio::test]
async fn an_engine_that_is_away_is_not_missed() {
    let (place, life) = deployed("away", Manners::Graceful).await;
    drop(life);
    let pod = place.kubectl(["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"]);
    place.kubectl(["delete", "pod", &pod.expect("there is one")]).expect("it is deleted");
    let wanted = rollout_live::place::Standing::exactly(Image::V1);
    assert_eq!(place.settled(&wanted).await.expect("the cluster answers"), wanted);
    place.answers().await.expect("the replacement serves");
}
