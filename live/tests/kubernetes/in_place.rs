//! Pods that are replaced in place: a `StatefulSet` from its highest ordinal on, a `DaemonSet` node by node.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rollout_core::{
    engine::{End, Phase},
    port::JournalError,
};
use rollout_k8s::backend::Controller;
use rollout_live::{
    bed::{Image, Manners},
    cluster::PLAYED_POD,
    place::{Place, PlaceError, Way},
    rig::Life,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{Promise, ended, holds, rolled_out};

/// The first version in place, by `controller`.
fn place(controller: Controller, name: &str, manners: Manners) -> Place {
    Place::by(Way::InPlace(controller), name, manners).unwrap_or_else(|why| panic!("{why}"))
}

async fn engine(place: &Place) -> Life {
    place.engine().await.unwrap_or_else(|why| panic!("{why}"))
}

/// Another engine on the journal of one that was dropped, as soon as that one has let go of the file.
async fn anew(place: &Place) -> Result<Life, PlaceError> {
    let begun = Instant::now();
    loop {
        match place.engine().await {
            Err(PlaceError::Journal(JournalError::InUse { .. }))
                if begun.elapsed() < Duration::from_secs(10) =>
            {
                sleep(Duration::from_millis(50)).await;
            }
            started => return started,
        }
    }
}

/// Image of every pod, by its name.
fn images(place: &Place) -> Result<BTreeMap<String, String>, PlaceError> {
    let format =
        "jsonpath={range .items[*]}{.metadata.name} {.spec.containers[0].image}{\"\\n\"}{end}";
    let pods = place.kubectl(["get", "pods", "-o", format])?;
    let pairs = pods.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(name, image)| (name.to_owned(), image.to_owned())).collect())
}

/// Waits until a pod of that name has the second version.
async fn reached(place: &Place, life: &Life, pod: &str) -> Result<(), PlaceError> {
    while !images(place)?.get(pod).is_some_and(|image| image.ends_with(Image::V2.version())) {
        let status = life.handle().status().await.expect("the engine lives");
        assert_ne!(status.phase, Phase::Ended, "{status:#?}");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_stateful_set_is_rolled_by_ordinals_and_loses_nothing() {
    let place = place(Controller::StatefulSet, "ordinals", Manners::Abrupt);
    let life = engine(&place).await;
    place.deploy(&life).await.unwrap_or_else(|why| panic!("{why}"));
    // Back from its middle.
    holds(&place, Promise::BACK, async {
        place.submit(&life, Image::V2, &place.rolling()).await?;
        reached(&place, &life, "web-2").await?;
        let images = images(&place)?;
        assert!(images["web-3"].ends_with("v2") && images["web-0"].ends_with("v1"), "{images:?}");
        life.handle().abort("live", Some("as the story goes")).await?;
        ended(&life).await
    })
    .await;
    // And through, though the engine is gone in its middle.
    holds(&place, Promise::DONE, async {
        place.submit(&life, Image::V2, &place.rolling()).await?;
        reached(&place, &life, "web-2").await?;
        drop(life);
        let again = anew(&place).await?;
        ended(&again).await
    })
    .await;
}

#[tokio::test]
async fn a_stateful_set_that_gets_stuck_goes_back() {
    let place = place(Controller::StatefulSet, "stuck", Manners::Graceful);
    let life = engine(&place).await;
    place.deploy(&life).await.unwrap_or_else(|why| panic!("{why}"));
    holds(&place, Promise::BACK, async {
        place.submit(&life, Image::Broken, &place.rolling()).await?;
        ended(&life).await
    })
    .await;
    holds(&place, Promise::DONE, rolled_out(&place, &life, &place.rolling())).await;
}

/// A spec of a pod on each node that exists in the API only.
fn on_nodes(place: &Place, image: Image, nodes: usize) -> Value {
    let mut spec = place.spec(image, &place.rolling());
    spec["traffic"] = Value::Null;
    spec["replicas"] = json!(nodes);
    let mut pod: Value = serde_json::from_str(PLAYED_POD).expect("it is JSON");
    pod["containers"] = json!([{ "name": "web", "image": format!("none:{}", image.version()) }]);
    spec["template"]["spec"] = pod;
    spec
}

#[tokio::test]
async fn a_daemon_set_is_replaced_node_by_node() {
    let mut place = place(Controller::DaemonSet, "nodes", Manners::Graceful);
    let nodes = place.cluster().kubectl(["get", "nodes", "-l", "type=kwok", "-o", "name"]);
    let nodes = nodes.expect("the cluster answers").lines().count();
    let life = engine(&place).await;
    for image in [Image::V1, Image::V2] {
        let spec = on_nodes(&place, image, nodes);
        place.submit_spec(&life, &spec).await.expect("it is taken");
        assert_eq!(life.end().await.expect("it ends"), End::Completed);
        let images = images(&place).expect("the cluster answers");
        let newest = images.values().filter(|tag| tag.ends_with(image.version())).count();
        assert_eq!((newest, images.len()), (nodes, nodes), "{images:?}");
    }
}
