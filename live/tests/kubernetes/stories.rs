//! Rollouts as they should go, with servers that end gracefully and abruptly, and without any preStop hook.

use rollout_core::engine::Phase;
use rollout_live::bed::{Image, Manners};
use serde_json::json;

use crate::{Promise, deployed, holds, rolled_out, rolling};

const MANNERS: [Manners; 2] = [Manners::Graceful, Manners::Abrupt];

#[tokio::test]
async fn rolling_loses_nothing() {
    for manners in MANNERS {
        let (place, life) = deployed("rolling", manners).await;
        holds(&place, Promise::DONE, rolled_out(&place, &life, &rolling())).await;
    }
}

#[tokio::test]
async fn all_at_once_beside_the_old_ones_loses_nothing() {
    for manners in MANNERS {
        let (place, life) = deployed("beside", manners).await;
        let strategy = json!({ "rolling": { "surge": "100%", "unavailable": 0 } });
        holds(&place, Promise::DONE, rolled_out(&place, &life, &strategy)).await;
    }
}

#[tokio::test]
async fn a_canary_that_a_person_aborts_loses_nothing() {
    for manners in MANNERS {
        let (place, life) = deployed("abort", manners).await;
        let canary = json!({ "canary": { "steps": [
            { "weight": "25%", "gates": [{ "approval": {} }] },
            { "weight": "100%" },
        ] } });
        holds(&place, Promise::BACK, async {
            place.submit(&life, Image::V2, &canary).await?;
            life.until("the gate", |status| status.phase == Phase::Gating).await?;
            life.handle().abort("live", Some("as the story goes")).await?;
            Ok(life.end().await?)
        })
        .await;
    }
}

#[tokio::test]
async fn a_version_that_never_gets_ready_is_rolled_back_unseen() {
    let (place, life) = deployed("never", Manners::Graceful).await;
    let report = holds(&place, Promise::BACK, async {
        place.submit(&life, Image::Broken, &rolling()).await?;
        Ok(life.end().await?)
    })
    .await;
    assert!(!report.versions.contains_key(Image::Broken.version()), "{report}");
}

#[tokio::test]
async fn a_new_revision_in_mid_rollout_wins() {
    let (place, life) = deployed("newer", Manners::Abrupt).await;
    holds(&place, Promise::DONE, async {
        place.submit(&life, Image::Broken, &rolling()).await?;
        life.until("something new", |status| status.phase != Phase::Idle).await?;
        rolled_out(&place, &life, &rolling()).await
    })
    .await;
}
