//! There and back with what replaces its pods in place: no pod has another uid, and afterwards it does its
//! work as before.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::{DaemonSet, StatefulSet},
    core::v1::Pod,
};
use kube::api::{DeleteParams, ListParams};
use rollout_k8s::{
    adopt::{Handing, Kind, Way},
    backend::EnrolBy,
    labels,
};
use serde_json::{Value, json};

use crate::{
    load::Load,
    shop::{REPLICAS, Shop, deployment},
};

async fn adopt(shop: &Shop, kind: Kind) -> Handing {
    let way = Way::Adopt { released: Vec::new(), enrol_by: EnrolBy::Label };
    shop.handover(way).of(kind).run(|_| ()).await.unwrap()
}

async fn hand_back(shop: &Shop, kind: Kind) {
    shop.handover(Way::HandBack).of(kind).run(|_| ()).await.unwrap();
}

/// A set of real pods behind the Service, as a person has it.
fn stateful() -> Value {
    let mut set = deployment(&json!({ "app": "web" }));
    set["spec"]["serviceName"] = json!("web");
    set["spec"]["podManagementPolicy"] = json!("Parallel");
    set
}

/// Available pods that are of the newest template, at most.
async fn updated(shop: &Shop) -> i32 {
    let set = shop.api::<StatefulSet>().get("web").await.unwrap();
    let status = set.status.unwrap_or_default();
    if status.observed_generation < set.metadata.generation {
        return 0;
    }
    status.updated_replicas.unwrap_or_default().min(status.available_replicas.unwrap_or_default())
}

async fn strategy(shop: &Shop) -> Value {
    let set = shop.api::<StatefulSet>().get("web").await.unwrap();
    json!(set.spec.unwrap().update_strategy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_goes_there_and_back_and_no_pod_restarts() {
    let Some(mut shop) = Shop::new("stateful").await else { return };
    shop.create::<StatefulSet>(stateful()).await;
    shop.surroundings().await;
    let four = i32::try_from(REPLICAS).unwrap();
    shop.until("four pods", async || updated(&shop).await == four).await;
    shop.answers().await;
    let (before, as_it_was) = (shop.pods().await, strategy(&shop).await);
    let load = Load::start(shop.port);
    let done = adopt(&shop, Kind::StatefulSet).await;
    assert_eq!(shop.pods().await, before, "no pod was replaced, none restarted");
    let spec = done.spec.unwrap().spec;
    assert_eq!(spec.template["controller"]["kind"], "StatefulSet");
    let revision = rollout_runtime::digest_id(&spec.template);
    let ours =
        format!("{}=web,{}={revision},{}=yes", labels::WORKLOAD, labels::REVISION, labels::SERVING);
    let listed = shop.api::<Pod>().list(&ListParams::default().labels(&ours)).await.unwrap();
    assert_eq!(listed.items.len(), REPLICAS);
    assert_eq!(adopt(&shop, Kind::StatefulSet).await.stages, [], "another run has nothing to do");
    load.end().await;
    // One that is lost while no engine runs comes back, and serves.
    shop.api::<Pod>().delete("web-1", &DeleteParams::default()).await.unwrap();
    shop.until("another web-1", async || {
        shop.pods().await.get("web-1").is_some_and(|pod| pod.0 != before["web-1"].0)
            && shop.endpoints().await.len() == REPLICAS
    })
    .await;
    let before = shop.pods().await;
    let load = Load::start(shop.port);
    hand_back(&shop, Kind::StatefulSet).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(shop.pods().await, before, "no pod was replaced, none restarted");
    load.end().await;
    assert_eq!(strategy(&shop).await, as_it_was);
    let set = shop.api::<StatefulSet>().get("web").await.unwrap();
    let left = format!("{:?} {:?} {:?}", set.metadata.labels, set.metadata.annotations, set.spec);
    assert!(!left.contains(labels::GROUP), "{left}");
    assert!(!shop.picture().await.to_string().contains(labels::GROUP));
    // It does its work as before, and its new pods are served.
    let image = json!([{ "name": "web", "image": "rollout.test/web:v2" }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": image } } } });
    shop.patch::<StatefulSet>("web", patch).await;
    shop.until("four new pods behind the Service", async || {
        updated(&shop).await == four && shop.endpoints().await.len() == REPLICAS
    })
    .await;
    shop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_set_goes_there_and_back_and_no_pod_restarts() {
    let Some(shop) = Shop::new("daemons").await else { return };
    let mut set = deployment(&json!({ "app": "web" }));
    set["spec"].as_object_mut().unwrap().remove("replicas");
    set["spec"]["template"]["spec"] = json!({
        "nodeSelector": { "type": "kwok" },
        "tolerations": [{ "key": "kwok.x-k8s.io/node", "operator": "Exists" }],
        "containers": [{ "name": "web", "image": "rollout.test/web:v1" }],
    });
    shop.create::<DaemonSet>(set).await;
    let counted = async || {
        let set = shop.api::<DaemonSet>().get("web").await.unwrap();
        set.status.map_or((0, 0), |is| {
            (is.desired_number_scheduled, is.number_available.unwrap_or_default())
        })
    };
    shop.until("a pod on each node", async || {
        let (wanted, available) = counted().await;
        0 < wanted && wanted == available
    })
    .await;
    let before = shop.pods().await;
    let spec = adopt(&shop, Kind::DaemonSet).await.spec.unwrap().spec;
    assert_eq!(spec.replicas, before.len() as u64);
    assert_eq!(shop.pods().await, before);
    hand_back(&shop, Kind::DaemonSet).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(shop.pods().await, before, "its own strategy finds nobody to take away");
    let set = shop.api::<DaemonSet>().get("web").await.unwrap();
    let spec = set.spec.unwrap();
    assert_eq!(spec.update_strategy.unwrap().type_.as_deref(), Some("RollingUpdate"));
    assert!(!format!("{:?}", spec.template).contains(labels::GROUP));
    shop.end().await;
}
