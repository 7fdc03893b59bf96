//! Pods and nodes that go away or never come.

use std::time::Duration;

use rollout_core::engine::End;
use rollout_live::{
    bed::{Image, Manners},
    cluster::PLAYED_POD,
    place::{Place, PlaceError, Standing},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{Promise, deployed, ended, ends, holds, rolled_out, rolling};

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
        ended(&life).await
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
        ended(&life).await
    })
    .await;
    assert!(share_of_one(report.all.failed), "{report}");
}

#[tokio::test]
async fn a_container_killed_as_by_the_kernel_comes_back() {
    let (mut place, life) = deployed("oom", Manners::Graceful).await;
    let pod = oldest(&place).expect("there is one");
    let format = "jsonpath={.status.containerStatuses[0].containerID}";
    let id = place.kubectl(["get", "pod", &pod, "-o", format]).expect("it runs");
    let id = id.trim_start_matches("containerd://").to_owned();
    place.cluster().ctr(["tasks", "kill", "--signal", "SIGKILL", &id]).expect("it is killed");
    sleep(Duration::from_secs(5)).await;
    place.answers().await.expect("it comes back");
    let report = ends(&place, Promise::DONE, rolled_out(&place, &life, &rolling())).await;
    assert!(share_of_one(report.all.failed), "{report}");
}

#[tokio::test]
async fn a_node_that_is_lost_and_comes_back_costs_time_only() {
    let mut place = Place::new("node", Manners::Graceful).unwrap_or_else(|why| panic!("{why}"));
    let life = place.engine().await.unwrap_or_else(|why| panic!("{why}"));
    place.submit_spec(&life, &played(&place, Image::V1)).await.expect("it is taken");
    assert_eq!(life.end().await.expect("it ends"), End::Completed);
    let pod = oldest(&place).expect("there is one");
    let node = place.kubectl(["get", "pod", &pod, "-o", "jsonpath={.spec.nodeName}"]);
    let node = node.expect("it has one");
    place.submit_spec(&life, &played(&place, Image::V2)).await.expect("it is taken");
    let cluster = place.cluster();
    cluster.kubectl(["annotate", "node", &node, "rollout.test/ready=never"]).expect("it is played");
    sleep(Duration::from_secs(5)).await;
    cluster.kubectl(["annotate", "node", &node, "rollout.test/ready-"]).expect("it is played");
    assert_eq!(life.end().await.expect("it ends"), End::Completed);
    let wanted = Standing::exactly(Image::V2);
    assert_eq!(place.settled(&wanted).await.expect("the cluster answers"), wanted);
}

/// A spec of pods that exist in the API only.
fn played(place: &Place, image: Image) -> Value {
    let mut spec = place.spec(image, &rolling());
    spec["traffic"] = Value::Null;
    let mut pod: Value = serde_json::from_str(PLAYED_POD).expect("it is JSON");
    pod["containers"] = json!([{ "name": "web", "image": format!("none:{}", image.version()) }]);
    spec["template"]["spec"] = pod;
    spec
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
    let wanted = Standing::exactly(Image::V1);
    assert_eq!(place.settled(&wanted).await.expect("the cluster answers"), wanted);
    place.answers().await.expect("the replacement serves");
}
