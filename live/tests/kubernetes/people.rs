//! People and other controllers who write to what is ours in mid-rollout.

use std::time::Duration;

use rollout_live::bed::{Image, Manners};
use tokio::time::sleep;

use crate::{Promise, deployed, ended, holds, rolling};

#[tokio::test]
async fn a_person_who_edits_replicas_is_put_right() {
    let (place, life) = deployed("edited", Manners::Abrupt).await;
    holds(&place, Promise::DONE, async {
        place.submit(&life, Image::V2, &rolling()).await?;
        sleep(Duration::from_secs(3)).await;
        let sets = place.kubectl(["get", "replicasets", "-o", "name"])?;
        let newest = sets.lines().last().unwrap_or_default();
        place.kubectl(["scale", newest, "--replicas=6"])?;
        ended(&life).await
    })
    .await;
}

#[tokio::test]
async fn a_resize_in_mid_rollout_is_followed() {
    let (place, life) = deployed("resized", Manners::Abrupt).await;
    holds(&place, Promise::DONE, async {
        place.submit(&life, Image::V2, &rolling()).await?;
        for replicas in [6, 2, 4] {
            sleep(Duration::from_secs(3)).await;
            life.handle().resize(replicas, "autoscaler", None).await?;
        }
        ended(&life).await
    })
    .await;
}

#[tokio::test]
async fn a_namespace_that_is_deleted_ends_the_wait_with_a_reason() {
    let (place, life) = deployed("gone", Manners::Abrupt).await;
    place.submit(&life, Image::V2, &rolling()).await.expect("it is taken");
    sleep(Duration::from_secs(1)).await;
    let namespace = place.namespace().to_owned();
    place.kubectl(["delete", "namespace", &namespace, "--wait=true"]).expect("it is deleted");
    sleep(Duration::from_secs(3)).await;
    // The engine lives, makes nothing anew and says what it waits for.
    let status = life.handle().status().await.expect("the engine lives");
    println!("{status:#?}");
    assert!(place.kubectl(["get", "replicasets", "-o", "name"]).expect("none").is_empty());
}
