//! Rollouts as they should go, with servers that end gracefully and abruptly, and without any preStop hook.

use std::time::Duration;

use rollout_core::engine::Phase;
use rollout_live::{
    bed::{Image, Manners},
    place::Way,
};
use serde_json::json;

use crate::{Promise, aborted, deployed, deployed_by, ended, holds, rolled_out, rolling};

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
        aborted(&place, &life, Duration::ZERO).await;
    }
}

#[tokio::test]
async fn blue_green_by_one_service_loses_nothing() {
    for manners in MANNERS {
        let (place, life) = deployed_by(Way::Switch, "switch", manners).await;
        let strategy = json!({ "blue_green": { "standby": "0s" } });
        holds(&place, Promise::DONE, rolled_out(&place, &life, &strategy)).await;
    }
}

#[tokio::test]
async fn a_canary_through_a_gateway_is_divided_by_envoy() {
    for manners in MANNERS {
        let (place, life) = deployed_by(Way::Gateway, "gateway", manners).await;
        let step = |weight: &str| json!({ "weight": weight, "gates": [{ "hold": "2s" }] });
        let steps = ["10%", "50%", "100%"].map(step);
        let canary = json!({ "canary": { "steps": steps } });
        holds(&place, Promise::DONE, rolled_out(&place, &life, &canary)).await;
    }
}

#[tokio::test]
async fn a_canary_through_a_gateway_that_is_aborted_keeps_to_its_share() {
    let (place, life) = deployed_by(Way::Gateway, "gateway-abort", Manners::Abrupt).await;
    let report = aborted(&place, &life, Duration::from_secs(10)).await;
    let share = report.share_while(Image::V2.version());
    assert!((23..=27).contains(&share), "{share} %: {report}");
}

#[tokio::test]
async fn a_version_that_never_gets_ready_is_rolled_back_unseen() {
    let (place, life) = deployed("never", Manners::Graceful).await;
    let report = holds(&place, Promise::BACK, async {
        place.submit(&life, Image::Broken, &rolling()).await?;
        ended(&life).await
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
